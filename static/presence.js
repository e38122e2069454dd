/* While somebody types, the board shows whom it may mean: names that begin so, or the number. What
   Enter does is decided by the server, by the same rule. */
(() => {
  "use strict";
  const field = document.querySelector(".door [name=card]");
  const people = (part) => [...part.querySelectorAll("[data-name]")];
  field.addEventListener("input", () => {
    const text = field.value.trim();
    document.querySelector(".board").classList.toggle("searching", text !== "");
    for (const part of document.querySelectorAll(".board > details")) {
      const rows = people(part);
      const fits = (row) => row.dataset.name.startsWith(text) || row.dataset.number === text;
      for (const row of rows) row.hidden = text !== "" && !fits(row);
      part.hidden = rows.every((row) => row.hidden);
      part.open = text !== "" && !part.hidden;
    }
  });
})();
