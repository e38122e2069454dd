/* Help with a ballot: counting, a draft on this device, proposals, no second tap. The server is the
   judge, and without this file every step works. All words come from the page. */
(() => {
  "use strict";
  const form = document.getElementById("ballot");
  if (!form) return;
  const words = form.dataset;
  const $ = (id) => document.getElementById(id);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const show = (box, text) => {
    box.hidden = !text;
    box.textContent = text;
  };
  const boxes = [...form.querySelectorAll("input[type=checkbox][name=projects]")];
  const onBallot = boxes.length > 0;

  // --- the draft: on this device only, and only for the delegate who made it ---

  const key = "draft:" + words.draft;
  const current = () => {
    const data = new FormData(form);
    const proposals = {};
    for (const [name, value] of data) {
      const match = /^proposal-(\d+)-(title|detail|unit)$/.exec(name);
      if (match && value.trim()) (proposals[match[1]] = proposals[match[1]] || {})[match[2]] = value;
    }
    return {
      owner: words.owner,
      projects: data.getAll("projects"),
      proposals: Object.values(proposals),
      abstain: data.has("abstain"),
    };
  };
  const size = (draft) => draft.projects.length + draft.proposals.length;
  const keep = (sent) => {
    const draft = current();
    try {
      if (size(draft) || draft.abstain) {
        localStorage.setItem(key, JSON.stringify(Object.assign(draft, { sent })));
        return true;
      }
      localStorage.removeItem(key);
    } catch (error) { /* A device that keeps nothing still votes. */ }
    return false;
  };
  const kept = () => {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      if (draft && draft.owner === words.owner) return draft;
      localStorage.removeItem(key);
    } catch (error) { /* Nothing that can be read. */ }
    return null;
  };

  // --- sending: once, and not without a network ---

  let sending = false;
  const pressed = [];
  const alarm = (text) => {
    const bar = $("refused");
    show(bar, text);
    setTimeout(() => { $("alert").textContent = text; }, text ? 300 : 0);
  };
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    if (!navigator.onLine) {
      alarm(words.held);
      return event.preventDefault();
    }
    const isCast = words.busy && (event.submitter || $("submit")) === $("submit");
    if (keep(isCast) && !form.elements.kept) {
      const mark = form.appendChild(document.createElement("input"));
      Object.assign(mark, { type: "hidden", name: "kept", value: "1" });
    }
    sending = true;
    if (isCast) wait($("submit"), words.busy);
  });
  const wait = (button, text) => {
    pressed.push([button, button.textContent]);
    button.setAttribute("aria-disabled", "true");
    if (text) button.textContent = text;
  };
  const release = () => {
    sending = false;
    for (const [button, text] of pressed.splice(0)) {
      button.removeAttribute("aria-disabled");
      button.textContent = text;
    }
  };
  addEventListener("pageshow", (event) => { if (event.persisted) release(); });
  if (words.wait) {
    sending = true;
    wait($("submit"));
    setTimeout(release, words.wait * 1000);
  }

  // --- the size of text, without leaving the place ---

  for (const button of document.querySelectorAll("button[name=size]")) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie = "size=" + button.value + "; path=/; max-age=31536000; samesite=lax" + secure;
      document.documentElement.dataset.size = button.value;
      for (const other of document.querySelectorAll("button[name=size]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
    });
  }
  // A reload, or the way back from the receipt, now fetches this address, which leads to the ballot
  // and its draft, instead of asking whether to post again.
  const settle = () => {
    if (keep(false)) history.replaceState(null, "", location.href);
  };
  if (!onBallot) return settle();

  // --- proposals: blocks come and go ---

  const blocks = () => [...form.querySelectorAll(".proposal")];
  const inputs = (block) => [...block.querySelectorAll("input, textarea")];
  const isFilled = (block) => inputs(block).some((field) => field.value.trim());
  const home = $("blocks");
  const dropUndone = () => form.querySelectorAll(".undone").forEach((note) => note.remove());
  const dress = (block) => {
    for (const field of inputs(block)) {
      const left = block.querySelector('[data-for="' + field.id + '"]');
      const count = () => {
        // Characters as the server counts them: a rare one is two units here and one there.
        const n = field.dataset.limit - [...field.value.trim().normalize()].length;
        left.hidden = false;
        left.classList.toggle("over", n < 0);
        left.textContent = fill(n < 0 ? words.charsOver : words.chars, { n: Math.abs(n) });
        return n;
      };
      count();
      field.addEventListener("input", () => {
        const n = count();
        if (n < 0 || n === 0 || n === 10 || n === 20) say(left.textContent);
      });
    }
    const button = block.querySelector("[data-remove]");
    button.hidden = false;
    button.addEventListener("click", () => {
      dropUndone();
      const note = document.createElement("p");
      note.className = "inset undone";
      note.append(fill(words.removed, { n: blocks().indexOf(block) + 1 }) + " ");
      const undo = note.appendChild(document.createElement("button"));
      Object.assign(undo, { type: "button", className: "button small", textContent: words.undo });
      undo.addEventListener("click", () => {
        note.replaceWith(block);
        update();
        inputs(block)[0].focus();
      });
      block.replaceWith(note);
      update();
      undo.focus();
    });
  };
  const add = (values) => {
    dropUndone();
    let place = 0;
    while ($("proposal-" + place + "-title")) place += 1;
    const copy = document.createElement("div");
    copy.innerHTML = $("spare").innerHTML.replace(/__prefix__/g, place);
    const block = home.appendChild(copy.firstElementChild);
    const total = form.elements["proposal-TOTAL_FORMS"];
    total.value = Math.max(total.value, place + 1);
    for (const name of Object.keys(values || {})) {
      $("proposal-" + place + "-" + name).value = values[name];
    }
    dress(block);
    return block;
  };
  if (home) {
    home.open = true;
    home.querySelector("summary").hidden = true;
    for (const block of blocks()) isFilled(block) ? dress(block) : block.remove();
    $("add").addEventListener("click", () => {
      inputs(add())[0].focus();
      update();
    });
  }

  // --- the count ---

  const most = Number(words.most);
  const limit = Number(words.limit);
  const chosen = () => boxes.filter((box) => box.checked).length;
  const proposed = () => blocks().filter(isFilled).length;
  const used = () => chosen() + (words.counted ? proposed() : 0);
  const room = () => {
    const free = most - used();
    const left = boxes.length - chosen();
    if (free < 0) return fill(words.over, { n: -free });
    if (!free) return left || words.counted ? words.full : words.all;
    if (!left) return fill(words.leftProposals, { n: free });
    return fill(left < free ? words.leftMixed : words.left, { n: free });
  };
  const update = () => {
    const [figure, rest] = [$("count").querySelector("b"), $("count").lastElementChild];
    $("count").hidden = false;
    figure.textContent = used() + "/" + most;
    rest.textContent = room();
    blocks().forEach((block, place) => {
      block.querySelector("legend").textContent = fill(words.legend, { n: place + 1 });
    });
    if (home) $("add").hidden = blocks().length >= limit || (words.counted && used() >= most);
    if (used() <= most) alarm("");
    $("clear").hidden = !used() && !cleared;
    keep(false);
  };
  let timer = 0;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { $("live").textContent = text; }, 300);
  };
  const tooMany = () => {
    say("");
    alarm(words.tooMany);
  };

  // --- clear and undo; restore ---

  let cleared = null;
  const apply = (draft) => {
    boxes.forEach((box) => { box.checked = draft.projects.includes(box.value); });
    dropUndone();
    blocks().forEach((block) => block.remove());
    if (home) draft.proposals.slice(0, limit).forEach(add);
    if ($("abstain")) $("abstain").checked = draft.abstain;
  };
  const clear = () => {
    cleared = current();
    apply({ projects: [], proposals: [], abstain: false });
    offerClear(fill($("clear").dataset.text, { n: size(cleared) }));
    $("restored").hidden = true;
    update();
    say($("clear").firstElementChild.textContent);
    $("clear").lastElementChild.focus();
  };
  const clearWords = $("clear").lastElementChild.textContent;
  const offerClear = (text) => {
    const [note, button] = $("clear").children;
    note.textContent = text;
    button.textContent = text ? button.dataset.undo : clearWords;
  };
  const forgetCleared = () => {
    cleared = null;
    offerClear("");
  };
  $("clear").lastElementChild.addEventListener("click", () => {
    if (!cleared) return clear();
    apply(cleared);
    forgetCleared();
    update();
  });
  $("restored").lastElementChild.addEventListener("click", clear);

  form.addEventListener("input", (event) => {
    const box = event.target;
    forgetCleared();
    if (boxes.includes(box)) {
      if (box.checked && used() > most) {
        box.checked = false;
        tooMany();
        return;
      }
      update();
      const now = fill(words.state, { n: used(), left: room() });
      say(fill(box.checked ? words.picked : words.dropped, { i: box.value }) + now);
    } else {
      update();
      if (used() > most) tooMany();
    }
  });

  const draft = "sent" in words ? null : kept();
  if (draft) {
    apply(draft);
    $("restored").hidden = false;
    $("restored").firstElementChild.textContent = fill($("restored").dataset.text, { n: size(draft) });
  }
  update();
  settle();

  // --- the bar, the deadline, the network ---

  const bar = document.querySelector(".bar");
  if (window.ResizeObserver) {
    new ResizeObserver(() => {
      document.documentElement.style.setProperty("--bar-h", bar.offsetHeight + "px");
    }).observe(bar);
  }
  const untilNotice = (words.seconds - 300) * 1000;
  if (untilNotice > 0 && untilNotice < 2 ** 31) {
    setTimeout(() => {
      $("closing").hidden = false;
      say($("closing").textContent);
    }, untilNotice);
  }
  const lost = $("offline").textContent;
  addEventListener("offline", () => show($("offline"), lost));
  addEventListener("online", () => show($("offline"), $("offline").dataset.back));
})();
