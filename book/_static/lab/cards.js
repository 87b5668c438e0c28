// @ts-check
/* The recognisers' answers on the page, a card for each. */

import { swatch } from "./chart.js";
import { h } from "./page.js";
import { combined, SELF } from "./trainer.js";
import { WORDS } from "./words.js";

const SHOWN = 3;

/** @typedef {import("./lab.js").Lab} Lab */

/** How many later photographs get the right name. @param {import("./trainer.js").Match[][][]} ranks */
export const hits = (ranks) => ranks.flat().filter(([first]) => first.who === SELF).length;

/** What a recogniser answers. @param {Lab} lab @param {string} name */
export const card = (lab, name) => {
  const {
    run,
    own,
    about: { real, rates },
  } = lab;
  const frame = run?.frames[lab.at];
  const tool = run?.tool ?? lab.tool.value;
  const place = lab.answering.indexOf(name);
  const known = run ? (run.surrogates.includes(name) ? WORDS.seen : WORDS.unseen) : "";
  const moved = frame ? lab.moved(name, frame) : null;
  const far = moved === null ? "" : WORDS.moved(moved);
  const plain = !own && lab.trainer.purifier === "none" && !lab.trainer.leak;
  const note = own
    ? name === real
      ? WORDS.ownNote.real
      : WORDS.ownNote.rendered
    : WORDS.notes[name];
  return h(
    "article",
    { class: "lab-card", "data-name": name },
    h("h3", {}, swatch(place), name),
    h("p", { class: "lab-note" }, note),
    h("p", {}, [known, far].filter(Boolean).join("; ")),
    h(
      "div",
      { class: "lab-both" },
      column(lab, name, WORDS.publishedClean, lab.ranks(name, false)),
      column(lab, name, WORDS.publishedCloaked, lab.ranks(name, true)),
    ),
    plain
      ? h("p", { class: "lab-note" }, WORDS.recorded(rates[tool][name][lab.publishing - 1]))
      : null,
    own && name === real ? h("p", { class: "lab-note" }, WORDS.ownMeans) : null,
  );
};

/** The names nearest to the later photograph that is shown.
 * @param {Lab} lab @param {string} name @param {string} title
 * @param {import("./trainer.js").Match[][][] | null} ranks */
const column = (lab, name, title, ranks) => {
  const head = h("h4", {}, title);
  if (!ranks) return h("div", {}, head, h("p", {}, WORDS.notYet));
  const current = lab.subjects.indexOf(lab.current.subject);
  const best = ranks[current][lab.shown.later];
  return h(
    "div",
    {},
    head,
    h(
      "p",
      { class: "lab-hits", "data-hits": hits(ranks) },
      WORDS.right(hits(ranks), ranks.flat().length),
    ),
    h(
      "ol",
      { class: "lab-names" },
      ...best.slice(0, SHOWN).map(({ who, similarity }) => {
        const bar = h("span", { class: "lab-bar" }, h("span"));
        bar.firstChild.style.width = `${Math.max(0, Math.min(1, similarity)) * 100}%`;
        return h(
          "li",
          { class: who === SELF ? "lab-right" : "" },
          h("span", {}, called(lab, name, who)),
          " ",
          h("span", {}, similarity.toFixed(2)),
          bar,
        );
      }),
    ),
    h("p", { class: "lab-note" }, WORDS.ahead(best[0].similarity - best[1].similarity)),
  );
};

/** @param {Lab} lab @param {string} name of the recogniser @param {number} who */
const called = (lab, name, who) => {
  if (who === SELF) return lab.own ? WORDS.you : WORDS.theRightPerson;
  return lab.own && name === lab.about.real ? WORDS.stranger(who) : WORDS.somebody(who);
};

/** What two recognisers answer together. @param {Lab} lab */
export const pairCard = (lab) => {
  const { way, accurate, robust, threshold } = lab.trainer;
  const side = (title, cloaked) => {
    const [first, second] = [lab.ranks(accurate, cloaked), lab.ranks(robust, cloaked)];
    if (!first || !second) return h("div", {}, h("h4", {}, title), h("p", {}, WORDS.notYet));
    const names = first.map((own, p) =>
      own.map((ranks, i) => combined(/** @type {any} */ (way), ranks, second[p][i], threshold)),
    );
    const right = names.flat().filter((found) => found.includes(SELF)).length;
    return h(
      "div",
      {},
      h("h4", {}, title),
      h("p", { class: "lab-hits", "data-hits": right }, WORDS.right(right, names.flat().length)),
    );
  };
  return h(
    "article",
    { class: "lab-card", "data-name": way },
    h("h3", {}, WORDS.pair(way, accurate, robust)),
    h("p", { class: "lab-note" }, WORDS.pairNote(way)),
    h(
      "div",
      { class: "lab-both" },
      side(WORDS.publishedClean, false),
      side(WORDS.publishedCloaked, true),
    ),
  );
};

/** A place for the recogniser that is loaded on demand. @param {Lab} lab */
export const realCard = (lab) => {
  const { real } = lab.about;
  return h(
    "article",
    { class: "lab-card", "data-name": real },
    h("h3", {}, swatch(4), real),
    h("p", { class: "lab-note" }, WORDS.notes[real]),
    h(
      "button",
      {
        type: "button",
        onclick: (event) => {
          event.target.disabled = true;
          lab.loadReal();
        },
      },
      WORDS.loadReal(lab.bytes(lab.realFiles())),
    ),
  );
};
