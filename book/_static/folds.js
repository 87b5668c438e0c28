/* What is folded away on a page.

   A link to something in a fold, such as a source, opens the fold.

   One switch serves the code of all cells of a page. It is shown on a wide screen and folded on a phone,
   until the reader chooses otherwise; the choice holds for all pages. Cells that the author folded
   stay as they are. Without this script all code is shown. */

(() => {
  const KEY = "poisonlib-code";
  const NARROW = window.matchMedia("(max-width: 767px)");

  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a page opened as a file, or a reader who stores nothing
    }
  };

  const remember = (choice) => {
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // the choice then holds for this page
    }
  };

  const folding = (input) => {
    const details = document.createElement("details");
    details.className = "poisonlib-code";
    const summary = document.createElement("summary");
    summary.textContent = "Show code cell source";
    input.replaceWith(details);
    details.append(summary, input);
    return details;
  };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folds = [];
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS" && !at.open) folds.push(at);
    }
    for (const fold of folds) fold.open = true;
    if (folds.length) target.scrollIntoView();
  };

  window.addEventListener("hashchange", reveal);
  document.addEventListener("DOMContentLoaded", reveal);
  document.addEventListener("DOMContentLoaded", () => {
    const inputs = document.querySelectorAll(".bd-article .cell > .cell_input");
    const title = document.querySelector(".bd-article h1");
    if (inputs.length === 0 || !title) return;
    const cells = Array.from(inputs, folding);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "poisonlib-code-switch";

    const set = (shown) => {
      document.documentElement.dataset.code = shown ? "shown" : "folded";
      for (const cell of cells) cell.open = shown;
      button.textContent = shown ? "Fold all code" : "Show all code";
    };

    set(remembered() ? remembered() === "shown" : !NARROW.matches);
    button.addEventListener("click", () => {
      const shown = document.documentElement.dataset.code !== "shown";
      set(shown);
      remember(shown ? "shown" : "folded");
    });
    title.after(button);
  });
})();
