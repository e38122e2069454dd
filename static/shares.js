// What a share looks like by itself is said as soon as its field is left: its length, its signs, its
// checksum and the box that it is for, as in ballots/pure/shares.py. The server judges; nothing is
// sent or kept here. A share is seen only while its button is held down.
"use strict";

const SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GAPS = /[\s\p{Pd}\p{Cf}\p{Cc}·•・‧∙⋅,.。、/_ー−:;|~]/gu;
const POLYNOMIAL = 0x150ddb;
const words = document.querySelector("[data-share-words]").dataset;
const fields = [...document.querySelectorAll("[data-share]")];

function plain(text) {
  const signs = text.normalize("NFKC").replace(GAPS, "").toUpperCase();
  return signs.replace(/O/g, "0").replace(/[IL]/g, "1");
}

function fault(field) {
  const text = plain(field.value);
  const places = [...text].map((sign) => SIGNS.indexOf(sign));
  if (places.includes(-1)) return "character";
  if (places.length !== 32) return "length";
  const bits = places.map((place) => place.toString(2).padStart(5, "0")).join("");
  let rest = 0;
  for (const bit of `1${bits}`) {
    rest = (rest << 1) | Number(bit);
    if (rest >> 20) rest ^= POLYNOMIAL;
  }
  if (rest) return "mistyped";
  const isOurs = parseInt(bits.slice(132, 140), 2) === Number(field.dataset.share);
  if (!isOurs || bits.startsWith("0000")) return "foreign";
  const before = fields.slice(0, fields.indexOf(field));
  return before.some((other) => plain(other.value) === text) ? "repeated" : "";
}

for (const field of fields) {
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  const tell = () => {
    const found = field.value ? fault(field) : null;
    said.className = found ? "share-fault" : "share-right";
    said.textContent = found === null ? "" : words[found || "right"];
  };
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words.show;
  button.setAttribute("aria-label", `${words.show}：${field.labels[0].textContent.trim()}`);
  const show = () => { field.type = "text"; };
  const hide = () => { field.type = "password"; };
  button.addEventListener("pointerdown", show);
  for (const end of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
    button.addEventListener(end, hide);
  }
  button.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") show();
  });
  field.form.addEventListener("submit", hide);
  window.addEventListener("blur", hide);
  field.after(button, said);
  field.addEventListener("blur", tell);
  field.addEventListener("input", () => { said.textContent = ""; });
  tell();
}
