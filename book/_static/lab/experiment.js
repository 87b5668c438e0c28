// @ts-check
/* What the lab knows: photographs, galleries, and what came back from the worker.

   For each photograph that is its embedding by every recogniser, and for a run of a tool some thirty
   frames, each with the cloaked photographs and their embeddings. Everything that the page shows
   follows from these. */

import { Computer } from "./computer.js";
import { halves } from "./files.js";
import { isLocked, load } from "./loading.js";
import { Odd } from "./own.js";
import { h } from "./page.js";
import { fromPixels } from "./pictures.js";
import { distance, rank } from "./trainer.js";
import { SIDE } from "./visibility.js";
import { WORDS } from "./words.js";

const WIDTH = 128;

/** @typedef {import("./trainer.js").Gallery} Gallery */
/** @typedef {{published: Float32Array[], leaked: Float32Array[], later: Float32Array[]}} Rows */
/** @typedef {{name: string, caption: string, label: number, published: Float32Array[],
 *   leaked: Float32Array | null, later: Float32Array[], photos?: any[],
 *   rows: Record<string, Record<string, Rows>>}} Subject a wearer; rows by purifier and recogniser */
/** @typedef {{step: number, images: Float32Array[][], dssim: number[][],
 *   rows: Record<string, Record<string, Float32Array[][]>>}} Frame */

export class Experiment {
  /** @param {import("./loading.js").Index} about */
  constructor(about) {
    this.about = about;
    this.computer = new Computer();
    this.answering = [...about.recognisers];
    /** @type {Record<string, Record<string, Gallery>>} */
    this.galleries = { none: {} };
    /** @type {Gallery | null} */
    this.strangers = null;
    this.have = new Set();
    /** @type {Subject[]} */
    this.people = [];
    this.chosen = new Set([0]);
    /** Whether the reader's own photographs are looked at, and those once they are in use. */
    this.own = false;
    /** @type {Subject | null} */
    this.self = null;
    this.publishing = 2;
    /** @type {{tool: string, surrogates: string[], subjects: Subject[], steps: number,
     *   frames: Frame[]} | null} */
    this.run = null;
    this.at = 0;
    this.shown = { photo: 0, later: 0 };
    this.trainer = {
      recogniser: "all",
      leak: false,
      purifier: "none",
      way: "off",
      accurate: "vit-2025",
      robust: "adapted-arcface-2019",
      threshold: 0.9,
    };
  }

  /* ---- files ---- */

  /** Have some files, loaded where they are missing.
   * @param {string[]} names @param {(bytes: number, total: number) => void} progress */
  async need(names, progress) {
    const missing = names.filter((name) => !this.have.has(name));
    if (!missing.length) return;
    if (isLocked()) throw new Odd(WORDS.locked);
    for (const [name, buffer] of await load(this.about, missing, progress)) {
      if (name === "people.bin") await this.unpack(buffer);
      else if (name.endsWith(".rows") && name.startsWith("gallery")) this.hang(name, buffer);
      else
        this.fast = (
          await this.computer.ask("give", { file: name, buffer }, () => {}, [buffer])
        ).fast;
      this.have.add(name);
    }
  }

  /** Galleries from a file: one recogniser after the other. @param {string} name
   * @param {ArrayBuffer} buffer */
  hang(name, buffer) {
    const {
      gallery: { people, each },
      recognisers,
      real,
      realLabels,
    } = this.about;
    const key = name.slice("gallery-".length, -".rows".length);
    const rows = halves(buffer);
    if (key === `real-${real}`) {
      this.strangers = { rows, labels: realLabels };
      return;
    }
    const labels = Array.from({ length: people * each }, (_, i) => Math.floor(i / each));
    const names = key === "" ? recognisers : key === real ? [real] : [...recognisers, real];
    const purifier = names.length > recognisers.length ? key : "none";
    this.galleries[purifier] ??= {};
    names.forEach((one, i) => {
      const part = rows.subarray(i * labels.length * WIDTH, (i + 1) * labels.length * WIDTH);
      this.galleries[purifier][one] = { rows: part, labels };
    });
  }

  /** The lab's people from their file: photographs one after the other. @param {ArrayBuffer} buffer */
  async unpack(buffer) {
    let at = 0;
    for (const { label, name, caption, sizes } of this.about.people) {
      const images = [];
      for (const size of sizes) {
        const file = new Blob([buffer.slice(at, (at += size))], { type: "image/jpeg" });
        const picture = await createImageBitmap(file, { colorSpaceConversion: "none" });
        const canvas = h("canvas", { width: SIDE, height: SIDE });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(picture, 0, 0);
        images.push(fromPixels(context.getImageData(0, 0, SIDE, SIDE).data));
      }
      const most = this.about.published;
      this.people.push({
        name: WORDS.person(name),
        caption,
        label,
        rows: {},
        published: images.slice(0, most),
        leaked: images[most],
        later: images.slice(most + 1),
      });
    }
  }

  /** Files of networks, galleries and targets, and how large they are together. */
  ownFiles() {
    const { real, trunk, files } = this.about;
    const networks = Object.keys(files).filter(
      (name) => name.endsWith(".bin") && name !== "people.bin",
    );
    const targets = Object.keys(files).filter((name) => name.startsWith("targets-"));
    return [
      ...networks,
      ...targets,
      `${trunk}.bin`,
      ...this.realFiles(),
      `gallery-real-${real}.rows`,
    ].filter((name, i, all) => all.indexOf(name) === i && !this.have.has(name));
  }

  realFiles() {
    return [`${this.about.real}.bin`, `gallery-${this.about.real}.rows`];
  }

  /** @param {string[]} names */
  bytes(names) {
    return names.reduce((sum, name) => sum + this.about.files[name], 0);
  }

  /* ---- what follows from them ---- */

  get subjects() {
    if (this.own) return this.self ? [this.self] : [];
    return [...this.chosen].sort((a, b) => a - b).map((i) => this.people[i]);
  }

  /** How many photographs a subject publishes. @param {Subject} subject */
  count(subject) {
    return this.own ? subject.published.length : this.publishing;
  }

  /** @param {string} name @returns {Gallery} */
  gallery(name) {
    if (this.own && name === this.about.real) return /** @type {Gallery} */ (this.strangers);
    return this.galleries[this.trainer.purifier][name];
  }

  /** Embeddings of the subjects' photographs, and of the frame shown, where they are missing. */
  async embed() {
    for (const purifier of new Set(["none", this.trainer.purifier])) {
      for (const subject of this.subjects) {
        const { published, leaked, later } = subject;
        await this.embedMissing((subject.rows[purifier] ??= {}), purifier, {
          published,
          leaked: leaked ? [leaked] : [],
          later,
        });
      }
      const frame = this.run?.frames[this.at];
      if (frame) await this.embedMissing((frame.rows[purifier] ??= {}), purifier, frame.images);
    }
  }

  /** Embed groups of images by every recogniser that has not yet.
   * @param {Record<string, any>} known by recogniser: the same groups, of embeddings
   * @param {string} purifier @param {Record<string, Float32Array[]> | Float32Array[][]} groups */
  async embedMissing(known, purifier, groups) {
    const names = this.answering.filter((name) => !(name in known));
    if (!names.length) return;
    const images = Object.values(groups).flat();
    const { rows } = await this.computer.ask("embed", { names, images, purifier });
    for (const name of names) {
      let at = 0;
      known[name] = Array.isArray(groups) ? [] : {};
      for (const [key, own] of Object.entries(groups)) {
        known[name][key] = rows[name].slice(at, (at += own.length));
      }
    }
  }

  /** Everybody in the gallery, nearest first: by subject and later photograph.
   * @param {string} name of the recogniser @param {boolean} cloaked
   * @returns {import("./trainer.js").Match[][][] | null} null where nothing is cloaked yet, or its
   *   embeddings are still being computed */
  ranks(name, cloaked) {
    const { purifier, leak } = this.trainer;
    const copies = this.run?.frames[this.at]?.rows[purifier]?.[name];
    if (cloaked && !copies) return null;
    if (this.subjects.some((subject) => !subject.rows[purifier]?.[name])) return null;
    return this.subjects.map((subject, p) => {
      const { published, leaked, later } = subject.rows[purifier][name];
      const clean = published.slice(0, this.count(subject));
      const own = [...(cloaked ? copies[p] : clean), ...(leak ? leaked : [])];
      return later.map((row) => rank(this.gallery(name), own, subject.label, row));
    });
  }

  /** How far a recogniser's points have moved in a frame, on average; null where it is not known.
   * @param {string} name @param {Frame} frame */
  moved(name, { rows: { none } }) {
    const clean = this.subjects.map((subject) => subject.rows.none?.[name]?.published);
    if (!none[name] || !clean.every(Boolean)) return null;
    const all = none[name].flatMap((own, p) => own.map((row, i) => distance(row, clean[p][i])));
    return all.reduce((sum, value) => sum + value, 0) / all.length;
  }

  /** Whose photograph is shown, and which. */
  get current() {
    const all = this.subjects.flatMap((subject, p) =>
      subject.published.slice(0, this.count(subject)).map((image, i) => ({ subject, p, i, image })),
    );
    return all[Math.min(this.shown.photo, all.length - 1)];
  }
}
