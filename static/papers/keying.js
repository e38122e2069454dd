/* What is typed as numbers is ticked, and what is ticked stands there as numbers: 1 3 7. Enter sends
   the paper as in any field. */
(() => {
  "use strict";
  const said = document.getElementById("ticked");
  const fields = [...document.querySelectorAll("[data-numbers]")];
  const boxesOf = (field) => [...document.querySelectorAll(`[name="${field.dataset.numbers}"]`)];
  const say = () => {
    const counts = fields.map((field) => boxesOf(field).filter((box) => box.checked).length);
    said.textContent = said.dataset.ticked.replace("{n}", counts.join(" + "));
    for (const row of document.querySelectorAll(".rows li")) {
      row.classList.toggle("ticked", row.querySelector(":checked") !== null);
    }
  };
  for (const field of fields) {
    field.addEventListener("input", () => {
      const typed = new Set((field.value.match(/\d+/g) || []).map(Number));
      for (const box of boxesOf(field)) box.checked = typed.has(Number(box.value));
      say();
    });
    for (const box of boxesOf(field)) {
      box.addEventListener("change", () => {
        field.value = boxesOf(field).filter((one) => one.checked).map((one) => one.value).join(" ");
        say();
      });
    }
  }
  say();
})();
