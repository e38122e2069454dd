/* On a shared tablet: sign out by itself after the receipt, and show nothing to whoever goes back. */
(() => {
  "use strict";
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(location.pathname + location.search);
  });
  const leave = document.getElementById("leave");
  if (!leave) return;
  const note = leave.querySelector(".seconds");
  const whole = Number(leave.dataset.seconds);
  let end = 0;
  const start = () => { end = Date.now() + whole * 1000; };
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    note.textContent = leave.dataset.text.replace("{n}", left);
    if (left === 30 || left === 10) document.getElementById("live").textContent = note.textContent;
    if (left) setTimeout(tick, 1000);
    else leave.querySelector("form").submit();
  };
  const stay = leave.querySelector("[type=button]");
  stay.addEventListener("click", start);
  stay.hidden = false;
  start();
  tick();
})();
