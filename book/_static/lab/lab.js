// @ts-check
/* The live lab: what the page shows and what its controls do.

   worker.js computes, experiment.js keeps what came back, and `draw` shows it. */

import { Album } from "./album.js";
import { card, hits, pairCard, realCard } from "./cards.js";
import { draw as drawChart } from "./chart.js";
import { Experiment } from "./experiment.js";
import { index, isLocked, lock } from "./loading.js";
import { Odd, pasteBack } from "./own.js";
import { box, h, labelled, menu, refill, svg } from "./page.js";
import { change, toPixels } from "./pictures.js";
import { SELF } from "./trainer.js";
import { SIDE } from "./visibility.js";
import { WORDS } from "./words.js";

const FRAMES = 30;

export class Lab extends Experiment {
  /** @param {HTMLElement} place @param {import("./loading.js").Index} about */
  constructor(place, about) {
    super(about);
    this.place = place;
    this.turn = 0;
    /** Part of the lab in a chapter: one tool, some recognisers, one photograph. */
    this.part = "part" in place.dataset;
    if (this.part) {
      this.answering = place.dataset.recognisers.split(" ");
      this.publishing = 1;
    }
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
      this.place.dataset.tool ?? "Fawkes v1.0",
      () => (this.setTool(), this.draw()),
    );
    this.mode = menu([], "", () => {});
    this.number = menu(
      [1, 2, 3].map((n) => [String(n), String(n)]),
      String(this.publishing),
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
    const kindPart = h("div", { hidden: this.part }, ...kinds);
    const head = (text) => (this.part ? h("div") : h("h2", {}, text));
    this.numberField.hidden = this.part;
    this.place.replaceChildren(
      h("section", {}, head(WORDS.whose), kindPart, this.renderedPart, this.ownPart),
      h(
        "section",
        {},
        head(WORDS.tool),
        h(
          "div",
          { class: "lab-row" },
          labelled(WORDS.toolLabel, this.tool),
          labelled(WORDS.strength, this.mode),
          this.numberField,
        ),
        h("details", { hidden: this.part }, h("summary", {}, WORDS.looks), this.networks),
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
        head(WORDS.answers),
        h("p", {}, WORDS.answersHint),
        this.laters,
        this.cards,
        this.anecdote,
      ),
      h(
        "section",
        { hidden: this.part },
        head(WORDS.trainer),
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
    }).finally(() => this.draw());
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
    this.say(WORDS.started(people.flat().length));
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
    const cards = this.subjects.length ? names.map((name) => card(this, name)) : [];
    if (this.subjects.length && way !== "off") cards.unshift(pairCard(this));
    if (!this.part && !this.answering.includes(this.about.real) && !isLocked())
      cards.push(realCard(this));
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
}

/** What a lab needs before it is ready. @param {import("./loading.js").Index} about
 * @param {string[]} names of the recognisers that answer */
const first = (about, names) => [
  "multiply.wasm",
  ...names.map((name) => `${name}.bin`),
  "gallery.rows",
  "people.bin",
];

/** Make a lab of an element. @param {HTMLElement} place
 * @param {import("./loading.js").Index} [known] what there is, where that is known already */
export const start = async (place, known) => {
  const said = h("p", { class: "lab-said", role: "status" }, WORDS.preparing);
  const bar = h("progress", { max: 1, value: 0, "aria-label": WORDS.preparing });
  const bytes = h("p", { class: "lab-hint" });
  place.replaceChildren(said, bar, bytes);
  try {
    const about = known ?? (await index());
    const lab = new Lab(place, about);
    await lab.need(first(about, lab.answering), (done, total) => {
      bar.value = done / total;
      bytes.textContent = WORDS.loading(done, total);
    });
    lab.build();
    await lab.refresh();
    lab.say(WORDS.ready(lab.fast));
    place.dataset.ready = "true";
    Object.assign(place, { lab });
  } catch (problem) {
    const why = typeof Worker === "function" ? WORDS.failed(problem.message) : WORDS.tooOld;
    place.replaceChildren(h("p", { class: "lab-problem", role: "alert" }, why));
  }
};

/** A button in a chapter that makes a part of the lab of its place, with what that loads.
 * @param {HTMLElement} place */
export const offer = async (place) => {
  const about = await index();
  const names = first(about, place.dataset.recognisers.split(" "));
  const size = names.reduce((sum, name) => sum + about.files[name], 0);
  const begin = () => start(place, about).then(() => place.querySelector("button")?.focus());
  place.append(h("button", { type: "button", onclick: begin }, WORDS.offer(size)));
};
