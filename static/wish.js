/* Choosing beforehand (意向): which candidates a delegate means to choose, on his own device alone, as
   the draft of the ballot that they will be. Nothing of it is ever sent. All words come from the page. */
(() => {
  "use strict";
  const box = document.getElementById("wishes");
  if (!box) return;
  const words = box.dataset;
  const key = "draft:" + words.wishes;
  const buttons = [...document.querySelectorAll("[data-wish]")];
  const fill = (text, n) => text.replace("{n}", n);
  const most = Number(words.most);
  const empty = () => ({ owner: words.owner, projects: [], proposals: [], abstain: false, names: {} });
  const read = () => {
    const draft = JSON.parse(localStorage.getItem(key));
    if (draft && draft.owner === words.owner) return Object.assign(empty(), draft);
    localStorage.removeItem(key);
    return empty();
  };
  const write = (draft) => {
    if (draft.projects.length + draft.proposals.length || draft.abstain) {
      localStorage.setItem(key, JSON.stringify(draft));
    } else localStorage.removeItem(key);
  };
  // As the ballot marks them: by number, or by the vote on each project.
  const mark = (number) => words.each ? "vote-" + number + "for" : number;
  const others = (draft, number) => draft.projects.filter(
    (other) => other !== number && !other.startsWith("vote-" + number + "f") && !other.startsWith("vote-" + number + "a"));
  const isOn = (draft, button) => draft.projects.includes(mark(button.dataset.wish));
  const used = (draft) => draft.projects.filter((one) => !one.endsWith("against")).length
    + (words.counted ? draft.proposals.length : 0);
  const show = (draft, more) => {
    for (const button of buttons) {
      const on = isOn(draft, button);
      button.setAttribute("aria-pressed", on);
      button.firstElementChild.textContent = on ? words.on : words.off;
    }
    const n = used(draft);
    const said = fill(n ? words.count : words.none, n) + (more || "");
    box.lastElementChild.textContent = said;
  };
  const toggle = (button) => {
    const { wish, title } = button.dataset;
    const draft = read();
    const on = isOn(draft, button);
    if (!on && used(draft) >= most) return show(draft, fill(words.full, most));
    draft.projects = others(draft, wish);
    delete draft.names[mark(wish)];
    if (!on) {
      draft.projects.push(mark(wish));
      draft.names[mark(wish)] = title;
    }
    if (words.before) draft.wished = true;
    draft.abstain = false;
    draft.sent = false;
    write(draft);
    show(draft);
  };
  try {
    const draft = read();
    // A number that stands for another project by now is not what was meant.
    const now = new Map(buttons.map((button) => [mark(button.dataset.wish), button.dataset.title]));
    const isKept = (one) => !draft.names[one] || draft.names[one] === now.get(one);
    const kept = words.whole ? draft.projects.filter(isKept) : draft.projects;
    const lost = draft.projects.length - kept.length;
    draft.projects = kept;
    if (lost) write(draft);
    show(draft, lost ? fill(words.lost, lost) : "");
    box.hidden = false;
    for (const button of buttons) {
      button.hidden = false;
      button.addEventListener("click", () => toggle(button));
    }
  } catch (error) { /* A device that keeps nothing has no wishes. */ }
})();
