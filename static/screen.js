/* The big screen keeps its last figures when the network is away, turns its sheets with ← and →, and
   hides a pointer that nobody moves. What it shows comes from the server alone. */
(() => {
  "use strict";
  const lost = document.getElementById("lost");
  const stage = document.getElementById("stage");
  let sheet = 0;
  const sheets = () => [...stage.querySelectorAll(".sheet")];
  const turn = () => {
    const all = sheets();
    sheet = Math.min(sheet, Math.max(0, all.length - 1));
    all.forEach((each, place) => { each.hidden = place !== sheet; });
  };
  const away = () => {
    const time = stage.firstElementChild.dataset.time;
    lost.textContent = lost.dataset.text.replace("{time}", time);
    lost.hidden = false;
  };
  for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(trouble, away);
  }
  document.addEventListener("htmx:afterSwap", () => {
    lost.hidden = true;
    turn();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") sheet += 1;
    else if (event.key === "ArrowLeft") sheet = Math.max(0, sheet - 1);
    else return;
    turn();
  });
  let timer = 0;
  const still = () => document.body.classList.add("still");
  document.addEventListener("mousemove", () => {
    document.body.classList.remove("still");
    clearTimeout(timer);
    timer = setTimeout(still, 3000);
  });
  timer = setTimeout(still, 3000);
})();
