/* The draft of a ballot seen from other pages: said on the home page, gone after the submission and
   after signing out. */
(() => {
  "use strict";
  const done = document.querySelector("[data-forget]");
  const note = document.querySelector("[data-draft]");
  const read = (name, owner) => {
    const draft = JSON.parse(localStorage.getItem("draft:" + name));
    return draft && draft.owner === owner ? draft : null;
  };
  try {
    if (done) {
      const name = done.dataset.forget;
      const { received, owner } = done.dataset;
      // The answer to a submission was lost on its way: the receipt that follows is news.
      if (received && (read(name, owner) || {}).sent) {
        done.textContent = received;
        done.hidden = false;
      }
      for (const key of Object.keys(localStorage)) {
        if (key === "draft:" + name || (name === "all" && key.startsWith("draft:"))) {
          localStorage.removeItem(key);
        }
      }
    }
    if (!note) return;
    const draft = read(note.dataset.draft, note.dataset.owner);
    if (!draft) return;
    const n = draft.projects.length + draft.proposals.length;
    const { sent, wished, text } = note.dataset;
    note.textContent = draft.sent ? sent : (draft.wished ? wished : text).replace("{n}", n);
    note.hidden = false;
    const button = document.querySelector("[data-continue]");
    if (button && !draft.wished) button.textContent = button.dataset.continue;
  } catch (error) { /* A device that keeps nothing has no draft. */ }
})();
