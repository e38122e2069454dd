/* The draft of a ballot seen from other pages: said on the home page, gone after the submission and
   after signing out. */
(() => {
  "use strict";
  const done = document.querySelector("[data-forget]");
  const note = document.querySelector("[data-draft]");
  try {
    if (done) {
      const name = done.dataset.forget;
      for (const key of Object.keys(localStorage)) {
        if (key === "draft:" + name || (name === "all" && key.startsWith("draft:"))) {
          localStorage.removeItem(key);
        }
      }
    }
    if (!note) return;
    const draft = JSON.parse(localStorage.getItem("draft:" + note.dataset.draft));
    if (!draft || draft.owner !== note.dataset.owner) return;
    const n = draft.projects.length + draft.proposals.length;
    note.textContent = draft.sent ? note.dataset.sent : note.dataset.text.replace("{n}", n);
    note.hidden = false;
    const button = document.querySelector("[data-continue]");
    button.textContent = button.dataset.continue;
    const task = document.querySelector("[data-doing]");
    task.textContent = task.dataset.doing;
  } catch (error) { /* A device that keeps nothing has no draft. */ }
})();
