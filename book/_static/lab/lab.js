// @ts-check
/* The live lab: what the page shows and what its controls do.

   worker.js computes. Here lie the photographs, the galleries and what came back: for each photograph
   its embedding by every recogniser, and for a run of a tool some thirty frames, each with the cloaked
   photographs and their embeddings. Everything shown follows from these by `draw`. */

import { Album } from "./album.js";
import { draw as drawChart, swatch } from "./chart.js";
import { halves } from "./files.js";
import { index, isLocked, load, lock } from "./loading.js";
import { Odd, pasteBack } from "./own.js";
import { box, h, labelled, menu, refill, svg } from "./page.js";
import { change, fromPixels, toPixels } from "./pictures.js";
import { combined, distance, rank, SELF } from "./trainer.js";
import { SIDE } from "./visibility.js";
import { WORDS } from "./words.js";

const [FRAMES, WIDTH, SHOWN] = [30, 128, 3];

/** @typedef {import("./trainer.js").Gallery} Gallery */
/** @typedef {{published: Float32Array[], leaked: Float32Array[], later: Float32Array[]}} Rows */
/** @typedef {{name: string, caption: string, label: number, published: Float32Array[],
 *   leaked: Float32Array | null, later: Float32Array[], photos?: any[],
 *   rows: Record<string, Record<string, Rows>>}} Subject a wearer; rows by purifier and recogniser */
/** @typedef {{step: number, images: Float32Array[][], dssim: number[][],
 *   rows: Record<string, Record<string, Float32Array[][]>>}} Frame */

/** Messages to and from the worker, as promises. */
class Computer {
  constructor() {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.last = 0;
    this.worker.onmessage = ({ data: { id, end, problem, ...what } }) => {
      const { resolve, reject, progress } = this.waiting.get(id);
      if (!end) return progress(what);
      this.waiting.delete(id);
      if (problem) reject(new Error(problem));
      else resolve(what);
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message));
      this.waiting.clear();
    };
  }

  /** @param {string} job @param {Record<string, any>} [what] @param {(part: any) => void} [progress]
   * @param {Transferable[]} [given] @returns {Promise<any>} */
  ask(job, what = {}, progress = () => {}, given = []) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.last, { resolve, reject, progress });
      this.worker.postMessage({ id: this.last, job, ...what }, given);
    });
  }
}

class Lab {
  /** @param {HTMLElement} place @param {import("./loading.js").Index} about */
  constructor(place, about) {
    this.place = place;
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
    this.turn = 0;
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

  /* ---- what is to be shown ---- */

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

  /* ---- the page ---- */

  build() {
    const { tools } = this.about;
    this.said = h("p", { class: "lab-said", role: "status" });
    this.outcome = h("div", { class: "lab-unseen", role: "status" });
    this.problem = h("p", { class: "lab-problem", role: "alert", hidden: true });
    this.stepping = h("p", { class: "lab-hint" });
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": WORDS.working });
    this.people_ = h("div", { class: "lab-people", role: "group", "aria-label": WORDS.people });
    this.people.forEach((person, i) => {
      const canvas = h("canvas", { width: SIDE, height: SIDE });
      canvas.getContext("2d").putImageData(toPixels(person.later[0]), 0, 0);
      this.people_.append(
        h(
          "button",
          {
            type: "button",
            "aria-label": `${person.name}: ${person.caption}`,
            title: person.name,
            "aria-pressed": String(this.chosen.has(i)),
            onclick: () => this.pick(i),
          },
          canvas,
        ),
      );
    });
    this.album = new Album(
      (subject) => this.useOwn(subject),
      (text, odd) => (odd ? this.tell(text) : this.say(text)),
      lock,
    );
    this.album.element.hidden = true;
    this.prepare = h(
      "button",
      { type: "button", onclick: () => this.prepareOwn() },
      WORDS.prepare(this.bytes(this.ownFiles())),
    );
    const kinds = ["rendered", "own"].map((kind) =>
      box(WORDS[kind], {
        type: "radio",
        name: "lab-kind",
        ".checked": kind === "rendered",
        onchange: () => this.setKind(kind === "own"),
      }),
    );
    this.renderedPart = h("div", {}, h("p", { class: "lab-hint" }, WORDS.peopleHint), this.people_);
    this.ownPart = h(
      "div",
      { hidden: true },
      h("p", {}, WORDS.ownHint),
      this.prepare,
      this.album.element,
    );

    this.tool = menu(
      Object.keys(tools).map((key) => [key, WORDS.tools[key]]),
      "Fawkes v1.0",
      () => this.setTool(),
    );
    this.mode = menu([], "", () => {});
    this.number = menu(
      [1, 2, 3].map((n) => [String(n), String(n)]),
      "2",
      (value) => {
        this.publishing = Number(value);
        this.forget();
      },
    );
    this.numberField = labelled(WORDS.published, this.number);
    this.networks = h("div");
    this.button = h(
      "button",
      { type: "button", class: "lab-main", onclick: () => this.cloak() },
      WORDS.cloak,
    );
    this.stopButton = h(
      "button",
      {
        type: "button",
        disabled: true,
        onclick: () => this.computer.ask("stop"),
      },
      WORDS.stop,
    );

    this.canvases = ["clean", "cloaked", "change"].map(() =>
      h("canvas", { width: SIDE, height: SIDE, role: "img" }),
    );
    this.measure = h("span");
    this.photoMenu = menu([], "", (value) => ((this.shown.photo = Number(value)), this.draw()));
    this.photoField = labelled(WORDS.show, this.photoMenu);
    this.scrub = h("input", {
      type: "range",
      min: 0,
      max: 0,
      value: 0,
      disabled: true,
      id: "lab-scrub",
      oninput: () => ((this.at = this.scrub.valueAsNumber), this.refresh()),
    });
    this.scrubbed = h("output", { for: "lab-scrub" });
    this.chart = svg("svg", { class: "lab-chart", role: "img" });
    this.downloads = h("div", { class: "lab-row" });

    this.laters = h("div", { class: "lab-laters", role: "radiogroup", "aria-label": WORDS.later });
    this.cards = h("div", { class: "lab-cards" });
    this.anecdote = h("p", { class: "lab-hint" });

    const set = (key) => (value) => ((this.trainer[key] = value), this.refresh());
    this.recogniserMenu = menu([], "all", set("recogniser"));
    this.leak = h("input", { type: "checkbox", onchange: () => set("leak")(this.leak.checked) });
    this.leakPart = h("label", { class: "lab-box" }, this.leak, ` ${WORDS.leak}`);
    this.purifier = menu(Object.entries(WORDS.purifiers), "none", (value) => this.purify(value));
    this.purifyHint = h("p", { class: "lab-hint", hidden: true }, WORDS.purifyOwn);
    this.way = menu(Object.entries(WORDS.ways), "off", set("way"));
    this.accurate = menu([], "", set("accurate"));
    this.robust = menu([], "", set("robust"));
    this.threshold = h("input", {
      type: "range",
      min: 0,
      max: 2,
      step: 0.05,
      value: this.trainer.threshold,
      id: "lab-threshold",
      oninput: () => set("threshold")(this.threshold.valueAsNumber),
    });
    this.thresholdSaid = h("output", { for: "lab-threshold" });
    this.pairPart = h(
      "div",
      { class: "lab-row" },
      labelled(WORDS.accurate, this.accurate),
      labelled(WORDS.robust, this.robust),
      h(
        "div",
        { class: "lab-field" },
        h("label", { for: "lab-threshold" }, WORDS.threshold),
        h("div", { class: "lab-scrub" }, this.threshold, this.thresholdSaid),
      ),
    );

    const figures = this.canvases.map((canvas, i) =>
      h(
        "figure",
        {},
        canvas,
        h(
          "figcaption",
          {},
          [WORDS.clean, WORDS.cloaked, WORDS.change][i],
          i === 1 ? " " : null,
          i === 1 ? this.measure : null,
        ),
      ),
    );
    this.place.replaceChildren(
      h("section", {}, h("h2", {}, WORDS.whose), ...kinds, this.renderedPart, this.ownPart),
      h(
        "section",
        {},
        h("h2", {}, WORDS.tool),
        h(
          "div",
          { class: "lab-row" },
          labelled(WORDS.toolLabel, this.tool),
          labelled(WORDS.strength, this.mode),
          this.numberField,
        ),
        h("details", {}, h("summary", {}, WORDS.looks), this.networks),
        h("div", { class: "lab-row" }, this.button, this.stopButton),
        this.bar,
        this.stepping,
        this.said,
        this.outcome,
        this.problem,
        h("h3", {}, WORDS.pictures),
        this.photoField,
        h("div", { class: "lab-pictures" }, ...figures),
        h(
          "div",
          { class: "lab-scrub" },
          h("label", { for: "lab-scrub" }, WORDS.scrub),
          this.scrub,
          this.scrubbed,
        ),
        this.downloads,
        h("h3", {}, WORDS.chart),
        this.chart,
      ),
      h(
        "section",
        {},
        h("h2", {}, WORDS.answers),
        h("p", {}, WORDS.answersHint),
        this.laters,
        this.cards,
        this.anecdote,
      ),
      h(
        "section",
        {},
        h("h2", {}, WORDS.trainer),
        h("p", {}, WORDS.trainerHint),
        h(
          "div",
          { class: "lab-row" },
          labelled(WORDS.extractor, this.recogniserMenu),
          labelled(WORDS.purify, this.purifier),
        ),
        this.purifyHint,
        this.leakPart,
        h("div", { class: "lab-row" }, labelled(WORDS.two, this.way)),
        this.pairPart,
      ),
    );
    this.setTool();
    this.listRecognisers();
  }

  /** @param {string} text */
  say(text) {
    this.said.textContent = text;
    this.problem.hidden = true;
  }

  /** Something went wrong, in words. @param {string} text */
  tell(text) {
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  /** @param {() => Promise<void>} work */
  async attempt(work) {
    try {
      await work();
    } catch (problem) {
      this.tell(problem instanceof Odd ? problem.message : WORDS.problem(problem.message));
    }
  }

  /** Shown above what takes a while. */
  progress = (text) => (bytes, total) => {
    this.bar.hidden = false;
    this.bar.value = bytes / total;
    this.stepping.textContent = text(bytes, total);
    if (bytes === total) this.rest();
  };

  rest() {
    this.bar.hidden = true;
    this.stepping.textContent = "";
  }

  listRecognisers() {
    /** @type {[string, string][]} */
    const names = this.answering.map((name) => [name, name]);
    refill(this.recogniserMenu, [["all", WORDS.all], ...names], this.trainer.recogniser);
    refill(this.accurate, names, this.trainer.accurate);
    refill(this.robust, names, this.trainer.robust);
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

  /* ---- what the reader does ---- */

  /** @param {number} i */
  pick(i) {
    if (this.chosen.has(i) && this.chosen.size > 1) this.chosen.delete(i);
    else this.chosen.add(i);
    [...this.people_.children].forEach((button, j) =>
      button.setAttribute("aria-pressed", String(this.chosen.has(j))),
    );
    this.forget();
  }

  /** Another subject: what was cloaked is over. */
  forget() {
    this.computer.ask("stop");
    [this.run, this.at] = [null, 0];
    this.shown = { photo: 0, later: 0 };
    this.refresh();
  }

  /** @param {boolean} own */
  setKind(own) {
    this.own = own;
    [this.renderedPart.hidden, this.ownPart.hidden] = [own, !own];
    this.numberField.hidden = own;
    this.purifyHint.hidden = !own;
    this.purifier.disabled = this.leakPart.hidden = own;
    if (own) {
      this.purifier.value = this.trainer.purifier = "none";
      this.leak.checked = this.trainer.leak = false;
    }
    this.forget();
  }

  setTool() {
    const { modes, surrogates } = this.about.tools[this.tool.value];
    const chosen = this.tool.value === "Ten lines" ? "mid" : "high";
    refill(
      this.mode,
      Object.entries(modes).map(([key, settings]) => [key, WORDS.strengthOf(key, settings)]),
      chosen,
    );
    const networks = Object.keys(this.about.files)
      .filter((name) => name.endsWith(".bin") && name !== "people.bin")
      .map((name) => name.slice(0, -4))
      .filter(
        (name) =>
          name !== this.about.trunk && (surrogates.includes(name) || this.have.has(`${name}.bin`)),
      );
    this.networks.replaceChildren(
      h("p", { class: "lab-hint" }, WORDS.looksHint),
      ...networks.map((name) => box(name, { value: name, ".checked": surrogates.includes(name) })),
    );
  }

  loadReal() {
    return this.attempt(async () => {
      await this.need(this.realFiles(), this.progress(WORDS.fetching));
      this.answering = [...this.about.recognisers, this.about.real];
      this.listRecognisers();
      this.setTool();
      await this.refresh();
    });
  }

  prepareOwn() {
    this.prepare.disabled = true;
    return this.attempt(async () => {
      try {
        await this.need(this.ownFiles(), this.progress(WORDS.fetching));
      } catch (problem) {
        this.prepare.disabled = false;
        throw problem;
      }
      this.answering = [...this.about.recognisers, this.about.real];
      this.listRecognisers();
      this.setTool();
      this.prepare.hidden = true;
      this.album.element.hidden = false;
      this.say(WORDS.prepared);
      this.album.file.focus();
      await this.refresh();
    });
  }

  /** @param {{published: Float32Array[], later: Float32Array[], photos: any[]}} photographs */
  async useOwn(photographs) {
    this.self = {
      ...photographs,
      name: WORDS.you,
      caption: WORDS.you,
      label: SELF,
      leaked: null,
      rows: {},
    };
    await this.forget();
    this.say(WORDS.inUse(photographs.published.length, photographs.later.length));
  }

  /** @param {string} purifier */
  purify(purifier) {
    return this.attempt(async () => {
      try {
        if (purifier !== "none") {
          await this.need([`gallery-${purifier}.rows`], this.progress(WORDS.fetching));
        }
        this.trainer.purifier = purifier;
      } finally {
        this.purifier.value = this.trainer.purifier;
      }
      await this.refresh();
    });
  }

  cloak() {
    return this.attempt(async () => {
      const tool = this.tool.value;
      const { modes, surrogates: _, ...defaults } = this.about.tools[tool];
      const settings = { ...defaults, ...modes[this.mode.value] };
      const surrogates = [...this.networks.querySelectorAll("input:checked")].map(
        ({ value }) => value,
      );
      const subjects = this.subjects;
      if (!surrogates.length) throw new Odd(WORDS.noNetwork);
      if (!subjects.length) throw new Odd(WORDS.odd.few);
      const files = surrogates.map((name) => `${name}.bin`);
      if (tool === "LowKey") files.push(`${this.about.trunk}.bin`);
      if (tool === "Fawkes v0.3") files.push(...surrogates.map((name) => `targets-${name}.rows`));
      this.button.disabled = true;
      try {
        await this.need(files, this.progress(WORDS.fetching));
        await this.walk(tool, settings, surrogates, subjects);
      } finally {
        this.button.disabled = false;
        this.stopButton.disabled = true;
        this.rest();
      }
    });
  }

  async walk(tool, settings, surrogates, subjects) {
    const people = subjects.map((subject) => subject.published.slice(0, this.count(subject)));
    const { steps } = settings;
    this.turn++;
    const run = (this.run = { tool, surrogates, subjects, steps, frames: [] });
    this.at = 0;
    this.stopButton.disabled = false;
    this.bar.hidden = false;
    this.say(WORDS.started(tool, people.flat().length));
    await this.embed();
    this.draw();
    const [started, still] = [
      performance.now(),
      matchMedia("(prefers-reduced-motion: reduce)").matches,
    ];
    const end = await this.computer.ask(
      "cloak",
      {
        tool,
        settings,
        surrogates,
        people,
        trunk: this.about.trunk,
        watch: this.answering,
        every: Math.ceil(steps / FRAMES),
      },
      ({ step, images, rows, dssim }) => {
        if (this.run !== run) return;
        const left = ((performance.now() - started) / step / 1000) * (steps - step);
        this.bar.value = step / steps;
        this.stepping.textContent = `${WORDS.step(step, steps)}, ${WORDS.seconds(left)}`;
        if (!images) return;
        run.frames.push({ step, images, dssim, rows: { none: rows } });
        this.at = run.frames.length - 1;
        if (!still && this.trainer.purifier === "none") this.draw();
      },
    );
    if (this.run !== run) return;
    const seconds = (performance.now() - started) / 1000;
    await this.refresh();
    this.say(WORDS.done(seconds, end.stopped));
    this.outcome.textContent = this.outcomes().join(" ");
    this.place.dataset.run = JSON.stringify({ seconds, ...end, photographs: people.flat().length });
  }

  outcomes() {
    return this.answering.flatMap((name) => {
      const [before, after] = [this.ranks(name, false), this.ranks(name, true)];
      if (!before || !after) return [];
      return [`${WORDS.outcome(name, hits(after), hits(before), before.flat().length)}.`];
    });
  }

  /** @param {any} photo @param {Float32Array} cloaked @param {Float32Array} clean */
  download(photo, cloaked, clean) {
    return this.attempt(async () => {
      const file = await pasteBack(
        photo,
        cloaked.map((value, i) => value - clean[i]),
      );
      const url = URL.createObjectURL(file);
      h("a", { href: url, download: WORDS.cloakedName(photo.name) }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    });
  }

  /* ---- drawing ---- */

  /** Compute what is missing, then draw; a later call overtakes an earlier one. */
  async refresh() {
    const turn = ++this.turn;
    await this.attempt(async () => {
      await this.embed();
      if (turn === this.turn) this.draw();
    });
  }

  draw() {
    this.drawPictures();
    this.drawLaters();
    const { recogniser, way } = this.trainer;
    this.pairPart.hidden = way === "off";
    this.threshold.parentElement.parentElement.hidden = way !== "threshold";
    this.thresholdSaid.textContent = this.trainer.threshold.toFixed(2);
    const names = this.answering.filter((name) => recogniser === "all" || recogniser === name);
    const cards = this.subjects.length ? names.map((name) => this.card(name)) : [];
    if (this.subjects.length && way !== "off") cards.unshift(this.pairCard());
    if (this.answering.length === this.about.recognisers.length && !isLocked())
      cards.push(this.realCard());
    this.cards.replaceChildren(...cards);
    this.anecdote.textContent = this.own
      ? ""
      : WORDS.anecdote(this.run?.tool ?? this.tool.value, this.publishing);
  }

  drawPictures() {
    const { current, run } = this;
    const frame = run?.frames[this.at];
    const [clean, cloaked, difference] = this.canvases;
    const put = (canvas, image) => canvas.getContext("2d").putImageData(toPixels(image), 0, 0);
    const image = current && (frame?.images[current.p]?.[current.i] ?? current.image);
    const many = this.subjects.flatMap((subject) =>
      subject.published.slice(0, this.count(subject)).map((_, i) => WORDS.photo(subject.name, i)),
    );
    this.photoField.hidden = many.length < 2;
    refill(
      this.photoMenu,
      many.map((text, i) => [String(i), text]),
      String(Math.min(this.shown.photo, many.length - 1)),
    );
    if (current) {
      put(clean, current.image);
      put(cloaked, image);
      put(difference, change(image, current.image, 8));
    } else {
      for (const canvas of this.canvases) canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
    }
    const name = current?.subject.name ?? "";
    [WORDS.cleanAlt(name), frame ? WORDS.cloakedAlt(name) : WORDS.notYet, WORDS.changeAlt].forEach(
      (text, i) => this.canvases[i].setAttribute("aria-label", text),
    );
    this.measure.textContent =
      frame && current ? `(${WORDS.dssim(frame.dssim[current.p][current.i])})` : "";
    this.scrub.max = String(Math.max(0, (run?.frames.length ?? 1) - 1));
    this.scrub.valueAsNumber = this.at;
    this.scrub.disabled = !run || run.frames.length < 2;
    this.scrubbed.textContent = frame ? WORDS.step(frame.step, run.steps) : WORDS.notYet;
    this.scrub.setAttribute("aria-valuetext", this.scrubbed.textContent);
    const start = { step: 0, moved: Object.fromEntries(this.answering.map((one) => [one, 0])) };
    const trace = (run?.frames ?? []).map((one) => {
      const all = this.answering.map((key) => [key, this.moved(key, one)]);
      return { step: one.step, moved: Object.fromEntries(all.filter(([, far]) => far !== null)) };
    });
    drawChart(
      this.chart,
      this.answering,
      run ? [start, ...trace] : [],
      run?.steps ?? 0,
      frame?.step ?? 0,
    );
    this.downloads.replaceChildren(
      ...(this.own && frame && current ? current.subject.photos : []).map((photo, i) =>
        h(
          "button",
          {
            type: "button",
            onclick: () => this.download(photo, frame.images[0][i], current.subject.published[i]),
          },
          WORDS.download(photo.name),
        ),
      ),
    );
  }

  drawLaters() {
    const subject = this.current?.subject;
    const images = subject?.later ?? [];
    this.shown.later = Math.min(this.shown.later, Math.max(0, images.length - 1));
    if (this.laters.of !== subject) {
      this.laters.of = subject;
      this.laters.replaceChildren(
        ...images.map((image, i) => {
          const canvas = h("canvas", { width: SIDE, height: SIDE });
          canvas.getContext("2d").putImageData(toPixels(image), 0, 0);
          return h(
            "label",
            {},
            h("input", {
              type: "radio",
              name: "lab-later",
              "aria-label": WORDS.laterAlt(subject.name, i),
              ".checked": i === this.shown.later,
              onchange: () => ((this.shown.later = i), this.draw()),
            }),
            canvas,
          );
        }),
      );
    }
  }

  /** @param {string} name */
  card(name) {
    const {
      run,
      own,
      about: { real, rates },
    } = this;
    const frame = run?.frames[this.at];
    const tool = run?.tool ?? this.tool.value;
    const place = this.answering.indexOf(name);
    const known = run ? (run.surrogates.includes(name) ? WORDS.seen : WORDS.unseen) : "";
    const moved = frame ? this.moved(name, frame) : null;
    const far = moved === null ? "" : WORDS.moved(moved);
    const plain = !own && this.trainer.purifier === "none" && !this.trainer.leak;
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
        this.column(name, WORDS.publishedClean, this.ranks(name, false)),
        this.column(name, WORDS.publishedCloaked, this.ranks(name, true)),
      ),
      plain
        ? h("p", { class: "lab-note" }, WORDS.recorded(rates[tool][name][this.publishing - 1]))
        : null,
      own && name === real ? h("p", { class: "lab-note" }, WORDS.ownMeans) : null,
    );
  }

  /** @param {string} name @param {string} title
   * @param {import("./trainer.js").Match[][][] | null} ranks */
  column(name, title, ranks) {
    const head = h("h4", {}, title);
    if (!ranks) return h("div", {}, head, h("p", {}, WORDS.notYet));
    const current = this.subjects.indexOf(this.current.subject);
    const best = ranks[current][this.shown.later];
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
            h("span", {}, this.called(name, who)),
            " ",
            h("span", {}, similarity.toFixed(2)),
            bar,
          );
        }),
      ),
      h("p", { class: "lab-note" }, WORDS.ahead(best[0].similarity - best[1].similarity)),
    );
  }

  /** @param {string} name of the recogniser @param {number} who */
  called(name, who) {
    if (who === SELF) return this.own ? WORDS.you : WORDS.theRightPerson;
    return this.own && name === this.about.real ? WORDS.stranger(who) : WORDS.somebody(who);
  }

  pairCard() {
    const { way, accurate, robust, threshold } = this.trainer;
    const column = (title, cloaked) => {
      const [first, second] = [this.ranks(accurate, cloaked), this.ranks(robust, cloaked)];
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
        column(WORDS.publishedClean, false),
        column(WORDS.publishedCloaked, true),
      ),
    );
  }

  realCard() {
    const { real } = this.about;
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
            this.loadReal();
          },
        },
        WORDS.loadReal(this.bytes(this.realFiles())),
      ),
    );
  }
}

/** How many later photographs get the right name. @param {import("./trainer.js").Match[][][]} ranks */
const hits = (ranks) => ranks.flat().filter(([first]) => first.who === SELF).length;

/** Make a lab of an element. @param {HTMLElement} place */
export const start = async (place) => {
  const said = h("p", { class: "lab-said", role: "status" }, WORDS.preparing);
  const bar = h("progress", { max: 1, value: 0, "aria-label": WORDS.preparing });
  const bytes = h("p", { class: "lab-hint" });
  place.replaceChildren(said, bar, bytes);
  try {
    const about = await index();
    const lab = new Lab(place, about);
    const networks = about.recognisers.map((name) => `${name}.bin`);
    await lab.need(["multiply.wasm", ...networks, "gallery.rows", "people.bin"], (done, total) => {
      bar.value = done / total;
      bytes.textContent = WORDS.loading(done, total);
    });
    lab.build();
    await lab.refresh();
    lab.say(WORDS.ready(lab.fast));
    place.dataset.ready = "true";
    Object.assign(place, { lab });
  } catch (problem) {
    place.replaceChildren(
      h(
        "p",
        { class: "lab-problem", role: "alert" },
        typeof Worker === "function" ? WORDS.failed(problem.message) : WORDS.tooOld,
      ),
    );
  }
};
