/* A key that is held down goes on once: what comes next is read out before it is shown. */
document.addEventListener("keydown", (event) => {
  if (event.repeat && event.key === "Enter") event.preventDefault();
});
