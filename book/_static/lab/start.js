// @ts-check
/* Starts the lab where a page has a place for it: <div data-lab>, or, on a button, <div data-lab
   data-part> in a chapter. A script of the old kind, so that it also runs on a page that was opened
   as a file, from which browsers load nothing else, words.js included. */
"use strict";
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const folder = script.src.replace(/[^/]*$/, "");
  const place = document.querySelector("[data-lab]");
  if (!(place instanceof HTMLElement)) return;
  const part = "part" in place.dataset;
  if (location.protocol === "file:") {
    if (part) place.textContent = "This page was opened as a file: make serve brings it to life.";
    return; // the page of the lab itself says what to do
  }
  const style = { rel: "stylesheet", href: `${folder}lab.css` };
  document.head.append(Object.assign(document.createElement("link"), style));
  import(`${folder}lab.js`)
    .then(({ start, offer }) => (part ? offer(place) : start(place)))
    .catch((problem) => {
      if (!part) place.textContent = `The lab could not be started: ${problem.message}`;
    });
})();
