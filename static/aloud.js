/* Reading a candidate aloud, where the browser has a voice that speaks Chinese; elsewhere no button is
   seen. The words that are read are those of the page, which everybody may hear. */
(() => {
  "use strict";
  const button = document.getElementById("aloud");
  const speech = window.speechSynthesis;
  if (!button || !speech) return;
  const start = button.textContent;
  const voice = () => {
    const voices = speech.getVoices().filter((one) => /^(zh|cmn)/i.test(one.lang));
    return voices.find((one) => one.localService) || voices[0];
  };
  const rest = () => { button.textContent = start; };
  const offer = () => { button.hidden = !voice(); };
  offer();
  if (speech.addEventListener) speech.addEventListener("voiceschanged", offer);
  button.addEventListener("click", () => {
    const isReading = speech.speaking;
    speech.cancel();
    rest();
    if (isReading) return;
    const parts = [...document.querySelectorAll("h1, .prose")];
    const said = new SpeechSynthesisUtterance(parts.map((part) => part.innerText).join("。"));
    Object.assign(said, { voice: voice(), lang: "zh-CN", rate: 0.9, onend: rest, onerror: rest });
    speech.speak(said);
    button.textContent = button.dataset.stop;
  });
  addEventListener("pagehide", () => speech.cancel());
})();
