/* Typing a code off paper: it stands in groups of four as it does there, and how much of it is typed
   is said. Whatever else is typed or pasted stays as it is; the server reads that too. */
(() => {
  "use strict";
  const field = document.getElementById("code");
  if (!field) return;
  const { part, signs, typed } = field.dataset;
  const isCode = new RegExp("^[" + signs + "]+$");
  const plain = (text) => text.normalize("NFKC").toUpperCase().replace(/[\s-]/g, "");
  const [seen, live] = document.querySelectorAll(".typed");
  let timer = 0;
  const show = (event) => {
    if (event.isComposing) return;
    const code = plain(field.value);
    const good = isCode.test(code);
    const text = code.replace(/(.{4})(?=.)/g, "$1" + part);
    if (good && text !== field.value) {
      // The caret stays behind as many signs; a sign that parts groups is passed, never deleted.
      const before = plain(field.value.slice(0, field.selectionStart)).length;
      const passed = event.inputType === "deleteContentForward" ? before : Math.max(before - 1, 0);
      const caret = before + Math.floor(passed / 4);
      field.value = text;
      if (event.type !== "load") field.setSelectionRange(caret, caret);
    }
    seen.textContent = good ? typed.replace("{n}", code.length) : "";
    clearTimeout(timer);
    // Said once the hand rests, not with every sign.
    if (event.type !== "load") timer = setTimeout(() => { live.textContent = seen.textContent; }, 600);
  };
  field.addEventListener("input", show);
  field.addEventListener("compositionend", show);
  show({ type: "load" });
})();
