/* The keys 1 to 4 press what bears them, unless somebody is typing; a field is gone to instead. */
(() => {
  "use strict";
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea");
    if (isTyping || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const found = /^[1-4]$/.test(event.key) && document.querySelector(`[data-press="${event.key}"]`);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus();
    else found.click();
  });
})();
