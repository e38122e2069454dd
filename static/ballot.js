/* Help with a ballot. The server is the judge, and without this file every step works. All words
   come from the page. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const form = $("ballot");
  if (!form) return;
  const words = form.dataset;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const show = (box, text) => {
    box.hidden = !text;
    (box.querySelector(".words") || box).textContent = text;
  };
  // A candidate has one box to tick, or buttons of which some are counted.
  const all = [...form.querySelectorAll("[type=checkbox][name=projects], [type=radio]")];
  const boxes = all.filter((box) => "counts" in box.dataset);

  // --- the draft: on this device only, and only for the delegate who made it

  // A shared tablet has no such mark, and keeps nothing.
  const key = words.draft && "draft:" + words.draft;
  const mark = (name, value) =>
    name === "projects" ? value : /^vote-/.test(name) && value !== "abstain" && name + value;
  const current = () => {
    const data = new FormData(form);
    const projects = [];
    const proposals = {};
    for (const [name, value] of data) {
      if (mark(name, value)) projects.push(mark(name, value));
      const [, place, field] = /^proposal-(\d+)-([a-z]+)$/.exec(name) || [];
      if (place && value.trim()) (proposals[place] = proposals[place] || {})[field] = value;
    }
    return {
      owner: words.owner,
      projects,
      proposals: Object.values(proposals),
      abstain: data.has("abstain"),
    };
  };
  const size = (draft) => draft.projects.length + draft.proposals.length;
  const keep = (sent) => {
    if (!key) return false;
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
    if (!key) return null;
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      if (draft && draft.owner === words.owner) return draft;
      localStorage.removeItem(key);
    } catch (error) { /* Nothing that can be read. */ }
    return null;
  };

  // --- sending: once, and not without a network

  const submit = $("submit");
  const label = submit.textContent;
  let sending = false;
  const alarm = (text) => {
    show($("refused"), text);
    setTimeout(() => { $("alert").textContent = text; }, text ? 300 : 0);
  };
  const wait = (text) => {
    sending = true;
    submit.setAttribute("aria-disabled", "true");
    submit.textContent = text;
  };
  const release = () => {
    sending = false;
    submit.removeAttribute("aria-disabled");
    submit.textContent = label;
  };
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    if (!navigator.onLine) {
      alarm(words.held);
      return event.preventDefault();
    }
    const isCast = words.busy && (event.submitter || submit) === submit;
    form.elements.kept.value = keep(isCast) ? 1 : "";
    sending = true;
    if (isCast) wait(words.busy);
  });
  // What is sent has one size, whatever was chosen and whichever button was pressed.
  for (const filler of document.querySelectorAll("[name=filler]")) {
    filler.form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      filler.value = "";
      const data = new FormData(filler.form);
      const { name, value } = event.submitter || {};
      if (name) data.append(name, value);
      const sent = new URLSearchParams();
      // As a browser sends the ends of lines.
      data.forEach((text, field) => sent.append(field, text.replace(/\r\n?|\n/g, "\r\n")));
      const { size } = filler.dataset;
      const over = String(sent).length % size;
      filler.value = "0".repeat(over && size - over);
    });
  }
  addEventListener("pageshow", (event) => {
    if (event.persisted) key ? release() : location.replace(form.action);
  });
  if (words.wait) {
    wait(label);
    setTimeout(release, words.wait * 1000);
  }

  // A reload, or the way back, now fetches the ballot and its draft instead of posting again.
  const settle = () => {
    if (keep(false)) history.replaceState(null, "", location.href);
  };
  const bar = document.querySelector(".bar");
  const { style } = document.documentElement;
  new ResizeObserver(() => style.setProperty("--bar-h", bar.offsetHeight + "px")).observe(bar);
  if (!boxes.length) return settle();

  // --- proposals: blocks come and go

  const cards = [...form.querySelectorAll("[data-category]")];
  const blocks = () => [...form.querySelectorAll(".proposal")];
  const inputs = (block) => [...block.querySelectorAll("[name^=proposal-]")];
  const isFilled = (block) => inputs(block).some((field) => field.value.trim());
  const home = $("blocks");
  const dropUndone = () => form.querySelectorAll(".undone").forEach((note) => note.remove());
  // What a title is like, as `ballots.pure.similar` has it: nobody is asked, for the question would
  // tell who proposes something, and the answer what.
  const stop = new RegExp(words.stop, "g");
  const pairs = (text) => {
    const plain = text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
    const signs = [...(plain.replace(stop, "") || plain)];
    return signs.length === 1 ? signs : signs.slice(1).map((sign, i) => signs[i] + sign);
  };
  const likeness = (left, right) => {
    const [ours, theirs] = [pairs(left), pairs(right)];
    const whole = ours.length + theirs.length;
    for (const pair of ours) if (theirs.includes(pair)) theirs.splice(theirs.indexOf(pair), 1);
    return whole ? 2 * (whole - ours.length - theirs.length) / whole : 0;
  };
  const hint = (block) => {
    const [title] = inputs(block);
    const name = title.value.replace(/\s+/g, " ").trim().normalize();
    const place = title.name.replace(/\D/g, "");
    const near = cards.map((card) => {
      const [, i, other] = /^(\d+)\. (.*)/.exec(card.querySelector(".name").textContent.trim());
      return { i, title: other, place, name, score: likeness(name, other) };
    }).filter((other) => other.score >= 0.2).sort((a, b) => b.score - a.score).slice(0, 3);
    const box = block.querySelector(".hints");
    box.textContent = "";
    if (!near.length) return;
    const found = box.appendChild($("alike").content.firstElementChild.cloneNode(true));
    const [line, instead, anyway] = found.children;
    for (const other of near) {
      for (const part of [line, instead]) {
        const copy = found.insertBefore(part.cloneNode(true), line);
        copy.textContent = fill(copy.textContent.trim(), other);
        if (copy.value) copy.value = fill(copy.value, other);
      }
    }
    line.remove();
    instead.remove();
    anyway.value = name;
    const told = box.appendChild(document.createElement("input"));
    Object.assign(told, { type: "hidden", name: "anyway", value: name });
    say([...found.querySelectorAll("p")].map((p) => p.textContent).join(""));
  };
  const dress = (block) => {
    inputs(block)[0].addEventListener("change", () => hint(block));
    for (const field of inputs(block)) {
      const left = field.parentElement.lastElementChild;
      const count = () => {
        // As the server counts: nothing unseen; a rare character is two units here.
        const n = field.dataset.limit - [...field.value.replace(/[\p{Cf}\p{DI}]/gu, "").trim().normalize()].length;
        left.classList.toggle("over", n < 0);
        left.textContent = fill(n < 0 ? words.charsOver : words.chars, { n: Math.abs(n) });
        return n;
      };
      count();
      field.addEventListener("input", () => {
        const n = count();
        if (n < 0 || [0, 10, 20].includes(n)) say(left.textContent);
      });
    }
    const button = block.querySelector("[data-remove]");
    button.hidden = false;
    button.addEventListener("click", () => {
      dropUndone();
      const note = $("undone").content.firstElementChild.cloneNode(true);
      show(note, fill(words.removed, { n: blocks().indexOf(block) + 1 }));
      const undo = note.lastElementChild;
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
    home.querySelector("summary").hidden = true;
    for (const block of blocks()) isFilled(block) ? dress(block) : block.remove();
    $("add").addEventListener("click", () => {
      const block = add();
      update();
      inputs(block)[0].focus();
    });
    // Whoever recommends all the same has read the hint.
    home.addEventListener("click", (event) => {
      if (event.target.name !== "anyway") return;
      event.preventDefault();
      event.target.closest(".alike").hidden = true;
      inputs(event.target.closest(".proposal"))[1].focus();
    });
  }

  // --- the filter: it hides rows, and never a choice without saying so

  const [category, only] = [$("category"), $("only")];
  const isMarked = (card) =>
    [...card.querySelectorAll("input")].some((box) => box.checked && mark(box.name, box.value));
  const tell = () => {
    if (!only) return "";
    let none = words.none;
    let n = 0;
    for (const card of cards) {
      if (!card.hidden) none = "";
      else if (isMarked(card)) n += 1;
      card.querySelector(".dropped").hidden = !only.checked || isMarked(card);
    }
    const text = none + (n ? fill(words.hiding, { n }) : "");
    show($("hiding"), text);
    return text;
  };
  const sift = () => {
    for (const card of cards) {
      const isElsewhere = category.value && card.dataset.category !== category.value;
      card.hidden = isElsewhere || (only.checked && !isMarked(card));
    }
    say(tell());
  };
  if (only) {
    $("filter").addEventListener("change", sift);
    $("hiding").lastElementChild.addEventListener("click", () => {
      only.checked = category.value = "";
      sift();
      only.focus();
    });
  }

  // --- the count

  const { most, limit } = words;
  const chosen = () => boxes.filter((box) => box.checked).length;
  const proposed = () => blocks().filter(isFilled).length;
  const used = () => chosen() + (words.counted ? proposed() : 0);
  const room = () => {
    const free = most - used();
    const left = cards.length - chosen();
    if (free < 0) return fill(words.over, { n: -free });
    if (!free) return left || words.counted ? words.full : words.all;
    if (!left) return fill(words.leftProposals, { n: free });
    return fill(left < free ? words.leftMixed : words.left, { n: free });
  };
  const marked = (value) => all.filter((box) => box.checked && box.value === value).length;
  const update = () => {
    const free = most - used();
    const [figure, full] = $("count").querySelectorAll("b");
    figure.textContent = fill(words.used, { n: used(), most });
    full.textContent = free ? "" : words.filled;
    bar.classList.toggle("full", !free && words.filled > "");
    const isDotted = !words.rest && free >= 0;
    const line = $("count").lastElementChild;
    line.classList.toggle("dots", isDotted);
    line.textContent = isDotted ? "●".repeat(used()) + "○".repeat(free) : fill(words.rest || room(), {
      room: room(), against: marked("against"), abstain: marked("abstain"),
    });
    blocks().forEach((block, place) => {
      block.querySelector("legend").textContent = fill(words.legend, { n: place + 1 });
    });
    if (home) {
      home.hidden = !home.querySelector(".proposal, .undone");
      $("add").hidden = blocks().length >= limit || (words.counted && free <= 0);
      $("proposals").hidden = home.hidden && $("add").hidden;
    }
    if (free >= 0) alarm("");
    held = current().projects;
    tell();
    $("clear").hidden = !used() && !held.length && !cleared;
    keep(false);
  };
  let timer = 0;
  const say = (text) => {
    // That time is up stays said.
    clearTimeout(timer);
    timer = setTimeout(() => { $("live").textContent = text + $("up").textContent; }, 300);
  };
  const tooMany = () => {
    say("");
    alarm(words.tooMany);
  };

  // --- clear and undo; restore

  let cleared = null;
  let held = [];
  // From the last to the first: to abstain stands unless another vote takes its place.
  const put = (marks) => all.slice().reverse().forEach((box) => {
    box.checked = box.value === "abstain" || marks.includes(mark(box.name, box.value));
  });
  const apply = (draft) => {
    put(draft.projects);
    dropUndone();
    blocks().forEach((block) => block.remove());
    if (home) draft.proposals.slice(0, limit).forEach(add);
    // Who abstained finds the box again.
    const abstain = $("abstain");
    if (abstain && (abstain.checked = draft.abstain)) abstain.closest("section").hidden = false;
  };
  const [note, button] = $("clear").children;
  const clearWords = button.textContent;
  const offerUndo = (draft) => {
    cleared = draft;
    note.textContent = draft ? fill($("clear").dataset.text, { n: size(draft) }) : "";
    button.textContent = draft ? button.dataset.undo : clearWords;
  };
  const clear = () => {
    offerUndo(current());
    apply({ projects: [], proposals: [], abstain: false });
    $("restored").hidden = true;
    update();
    say(note.textContent);
    button.focus();
  };
  button.addEventListener("click", () => {
    if (!cleared) return clear();
    apply(cleared);
    offerUndo(null);
    update();
  });
  $("restored").lastElementChild.addEventListener("click", clear);

  form.addEventListener("input", (event) => {
    const box = event.target;
    offerUndo(null);
    if (boxes.includes(box) && box.checked && used() > most) {
      put(held);
      return tooMany();
    }
    update();
    if (all.includes(box)) {
      const now = fill(words.state, { n: used(), left: room() });
      const what = { i: box.id.replace(/\D+/, ""), vote: words[box.value] };
      say(fill(box.checked ? words.picked : words.dropped, what) + now);
    } else if (used() > most) tooMany();
  });

  const draft = "sent" in words ? null : kept();
  if (draft) {
    // What was chosen before the vote is meant by its name: its number may be another one's by now.
    const { wished, names = {} } = draft;
    const isNamed = (one) => {
      const card = $("item-" + one.replace(/\D/g, ""));
      return !names[one] || (card && names[one] === card.querySelector(".name").textContent.trim());
    };
    const before = draft.projects.length;
    draft.projects = draft.projects.filter(isNamed);
    const lost = before - draft.projects.length;
    apply(draft);
    const said = $("restored").dataset;
    const text = size(draft) ? fill(wished ? said.wished : said.text, { n: size(draft) }) : "";
    show($("restored"), text + (lost ? fill(said.lost, { n: lost }) : ""));
  }
  update();
  settle();
  document.querySelectorAll(".scripted").forEach((part) => part.classList.remove("scripted"));

  // --- the network

  const net = $("offline");
  for (const event of ["offline", "online"]) {
    addEventListener(event, () => show(net, net.dataset[event]));
  }
})();
