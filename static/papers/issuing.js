/* Finds a delegate among the ticks of the page, and says how many are ticked. */
(() => {
  "use strict";
  const board = document.querySelector(".board.papers");
  const field = document.getElementById("look-for");
  field.closest("[data-only-script]").hidden = false;
  field.addEventListener("input", () => {
    const text = field.value.trim();
    for (const part of board.querySelectorAll("details")) {
      const rows = [...part.querySelectorAll("[data-name]")];
      for (const row of rows) {
        row.hidden = text !== "" && !row.dataset.name.startsWith(text) && row.dataset.number !== text;
      }
      const isNone = rows.every((row) => row.hidden);
      part.hidden = text !== "" && isNone;
      if (text !== "") part.open = !isNone;
    }
  });
  /* Enter ticks the one that is left, and sends nothing. */
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const left = [...board.querySelectorAll("[data-name]:not([hidden]) input")];
    if (field.value.trim() === "" || left.length !== 1) return;
    left[0].checked = true;
    field.value = "";
    field.dispatchEvent(new Event("input"));
    say();
  });
  const say = () => {
    const count = board.querySelectorAll("input:checked").length;
    document.getElementById("chosen").textContent = board.dataset.chosen.replace("{n}", count);
  };
  board.addEventListener("change", say);
  say();
})();
