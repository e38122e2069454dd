/* The receipt as a picture, drawn on this device: WeChat saves a picture that is pressed long, other
   browsers one that is tapped. It shows what stands on the page and nothing of the ballot. */
(() => {
  "use strict";
  const button = document.getElementById("save");
  if (!button) return;
  const { title, meeting, note, file } = button.dataset;
  const text = (id) => document.getElementById(id).textContent.trim();
  const draw = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [1080, 640];
    const pen = canvas.getContext("2d");
    const write = (words, y, size, colour, weight) => {
      pen.fillStyle = colour;
      do {
        pen.font = (weight || 400) + " " + size + "px sans-serif";
        size -= 2;
      } while (pen.measureText(words).width > 960 && size > 20);
      pen.fillText(words, 540, y);
    };
    pen.fillStyle = "#FFFFFF";
    pen.fillRect(0, 0, 1080, 640);
    pen.fillStyle = "#176B3A";
    pen.fillRect(0, 0, 1080, 16);
    pen.textAlign = "center";
    write(meeting, 100, 38, "#474E59");
    write(title, 190, 56, "#176B3A", 700);
    write(text("receipt-code"), 330, 84, "#15181D", 700);
    write(text("submitted"), 430, 44, "#15181D");
    write(note, 560, 34, "#474E59");
    return canvas.toDataURL("image/png");
  };
  button.addEventListener("click", () => {
    const saved = document.getElementById("saved");
    const link = saved.querySelector("a");
    const picture = link.firstElementChild;
    picture.src = link.href = draw();
    picture.alt = title + " " + text("receipt-code");
    link.download = file;
    saved.hidden = false;
    button.hidden = true;
    link.focus();
  });
  button.hidden = false;
})();
