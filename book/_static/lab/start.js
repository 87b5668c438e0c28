// @ts-check
/* Starts the lab where a page has a place for it: <div data-lab>. A script of the old kind, so that it
   also runs, and can say what to do, on a page that is opened as a file. */
"use strict";
(() => {
  const folder = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(
    /[^/]*$/,
    "",
  );
  const place = document.querySelector("[data-lab]");
  if (!place || location.protocol === "file:") return; // the page itself says what to do then
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: `${folder}lab.css`,
  });
  document.head.append(style);
  import(`${folder}lab.js`)
    .then(({ start }) => start(place))
    .catch((problem) => {
      place.textContent = `The lab could not be started: ${problem.message}`;
    });
})();
