// @ts-check
/* The reader's own photographs on the page: chosen or dropped, marked, used, downloaded. */

import { h, labelled, menu } from "./page.js";
import { aligned, Odd, open, same } from "./own.js";
import { WORDS } from "./words.js";

const MOST_PUBLISHED = 3;

/** @typedef {import("./own.js").Photo & {role: string, figure: HTMLElement}} Entry */

export class Album {
  /** @param {(subject: {published: Float32Array[], later: Float32Array[], photos: Entry[]}) => void} use
   * @param {(text: string, odd?: boolean) => void} say
   * @param {() => void} opening called before the first file is opened */
  constructor(use, say, opening) {
    this.say = say;
    this.opening = opening;
    /** @type {Entry[]} */
    this.photos = [];
    this.file = h("input", {
      type: "file",
      accept: "image/*",
      multiple: true,
      onchange: () => this.add([...this.file.files]).then(() => (this.file.value = "")),
    });
    this.list = h("div", { class: "lab-own" });
    this.button = h(
      "button",
      {
        type: "button",
        class: "lab-main",
        hidden: true,
        onclick: () => this.attempt(() => use(this.subject())),
      },
      WORDS.use,
    );
    const area = h(
      "div",
      { class: "lab-drop" },
      labelled(WORDS.choose, this.file),
      h("p", { class: "lab-hint" }, WORDS.drop),
    );
    const over = (on) => (event) => {
      event.preventDefault();
      area.classList.toggle("lab-over", on);
    };
    area.addEventListener("dragover", over(true));
    area.addEventListener("dragleave", over(false));
    area.addEventListener("drop", (event) => {
      over(false)(event);
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
    this.element = h(
      "div",
      {},
      area,
      h("p", { class: "lab-hint" }, WORDS.marks),
      this.list,
      h("div", { class: "lab-row" }, this.button),
    );
  }

  /** Run something; what a reader can mend is said in words. @param {() => any} work */
  async attempt(work) {
    try {
      await work();
    } catch (problem) {
      this.say(problem instanceof Odd ? problem.message : WORDS.problem(problem.message), true);
    }
  }

  /** @param {File[]} files */
  async add(files) {
    this.opening();
    for (const file of files) {
      await this.attempt(async () => {
        const photo = await open(file);
        const twin = this.photos.find(({ thumbnail }) => same(thumbnail, photo.thumbnail));
        if (twin) {
          URL.revokeObjectURL(photo.url);
          throw new Odd(WORDS.odd.twice(photo.name, twin.name));
        }
        const role = this.photos.some((other) => other.role === "published")
          ? "later"
          : "published";
        const entry = { ...photo, role, figure: h("figure") };
        this.photos.push(entry);
        this.draw(entry);
        this.list.append(entry.figure);
        this.say(photo.note);
      });
    }
    this.button.hidden = this.photos.length === 0;
  }

  /** @param {Entry} entry */
  draw(entry) {
    const role = menu(Object.entries(WORDS.roles), entry.role, (value) => (entry.role = value));
    const remove = h(
      "button",
      {
        type: "button",
        onclick: () => {
          this.photos = this.photos.filter((other) => other !== entry);
          URL.revokeObjectURL(entry.url);
          entry.figure.remove();
          this.button.hidden = this.photos.length === 0;
          this.file.focus();
        },
      },
      WORDS.remove,
    );
    entry.figure.replaceChildren(
      h(
        "div",
        { class: "lab-marked" },
        h("img", { src: entry.url, alt: entry.name, draggable: "false" }),
        ...entry.eyes.map((_, eye) => mark(entry, eye)),
      ),
      h(
        "figcaption",
        {},
        entry.name,
        h("div", { class: "lab-row" }, labelled(WORDS.role, role), remove),
      ),
    );
  }

  /** The aligned faces by role.
   * @throws {Odd} what keeps them from being used */
  subject() {
    const of = (role) => this.photos.filter((photo) => photo.role === role);
    const [published, later] = [of("published"), of("later")];
    if (this.photos.length < 2) throw new Odd(WORDS.odd.few);
    if (!published.length || !later.length) throw new Odd(WORDS.odd.roles);
    if (published.length > MOST_PUBLISHED) throw new Odd(WORDS.odd.three);
    const faces = new Map(this.photos.map((photo) => [photo, aligned(photo)]));
    for (const one of published) {
      const twin = later.find((other) => same(faces.get(one), faces.get(other)));
      if (twin) throw new Odd(WORDS.odd.twice(twin.name, one.name));
    }
    return {
      published: published.map((photo) => faces.get(photo)),
      later: later.map((photo) => faces.get(photo)),
      photos: published,
    };
  }
}

/** A mark on an eye, moved by pointer and by keyboard. @param {Entry} photo @param {number} eye */
const mark = (photo, eye) => {
  const button = h("button", { type: "button", class: "lab-mark" });
  const place = (x, y, placed = true) => {
    const [w, hgt] = [photo.width, photo.height];
    photo.eyes[eye] = [Math.min(Math.max(x, 0), w), Math.min(Math.max(y, 0), hgt)];
    photo.placed[eye] ||= placed;
    button.style.left = `${(100 * photo.eyes[eye][0]) / w}%`;
    button.style.top = `${(100 * photo.eyes[eye][1]) / hgt}%`;
    button.classList.toggle("lab-placed", photo.placed[eye]);
    button.setAttribute("aria-label", WORDS.mark(WORDS.eyes[eye], photo.placed[eye]));
  };
  const drag = (event) => {
    const area = button.parentElement.getBoundingClientRect();
    place(
      ((event.clientX - area.left) / area.width) * photo.width,
      ((event.clientY - area.top) / area.height) * photo.height,
    );
  };
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", drag);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    button.addEventListener(end, () => button.removeEventListener("pointermove", drag));
  }
  button.addEventListener("keydown", (event) => {
    const far = (event.shiftKey ? 10 : 1) * (photo.width / button.parentElement.clientWidth);
    const way = {
      ArrowLeft: [-far, 0],
      ArrowRight: [far, 0],
      ArrowUp: [0, -far],
      ArrowDown: [0, far],
    };
    const [dx, dy] = way[event.key] ?? [0, 0];
    if (!(event.key in way) && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    place(photo.eyes[eye][0] + dx, photo.eyes[eye][1] + dy);
  });
  place(...photo.eyes[eye], false);
  return button;
};
