/* A page that asks again and again says so once two answers in a row have failed to come, and takes
   it back with the next one; the words stand in the page. Its style shows then how old the page is. */
(() => {
  "use strict";
  const note = document.querySelector("[data-trouble]");
  let failures = 0;
  document.addEventListener("htmx:afterRequest", (event) => {
    failures = event.detail.successful ? 0 : failures + 1;
    const words = failures < 2 ? "" : note.dataset.trouble;
    document.body.classList.toggle("failing", failures > 1);
    if (note.textContent !== words) note.textContent = words;
  });
})();
