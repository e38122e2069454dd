/* On a shared tablet: sign out by itself, after the receipt and where nobody touches a page any more,
   and show nothing to whoever goes back. */
(() => {
  "use strict";
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(location.pathname + location.search);
  });
  const leave = document.getElementById("leave");
  if (!leave) return;
  const note = leave.querySelector(".seconds");
  const whole = Number(leave.dataset.seconds);
  // For so long a page that is used rests before the seconds are counted; the receipt does not wait.
  const rest = Number(leave.dataset.rest || 0);
  let end = 0;
  const start = () => { end = Date.now() + (rest + whole) * 1000; };
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    leave.hidden = left > whole;
    note.textContent = leave.dataset.text.replace("{n}", left);
    if ([whole, 30, 10].includes(left) && (rest || left < whole)) {
      leave.querySelector("[role=status]").textContent = note.textContent;
    }
    if (left) setTimeout(tick, 1000);
    else leave.querySelector("form").submit();
  };
  const stay = leave.querySelector("[type=button]");
  if (stay) {
    stay.addEventListener("click", start);
    stay.hidden = false;
  }
  if (rest) {
    // Whoever wakes a tablet that has slept too long is somebody else.
    const used = () => { if (Date.now() < end) start(); };
    for (const use of ["pointerdown", "keydown", "input", "scroll", "touchstart"]) {
      addEventListener(use, used, { capture: true, passive: true });
    }
  }
  start();
  tick();
})();
