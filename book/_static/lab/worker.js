// @ts-check
/* The half of the lab that computes, beside the page, which stays free to draw and to listen.

   It is told what to do by messages {id, job, ...what} and answers {id, ...}: any number of times with
   `progress`, once with `end`. All files come with messages: nothing in here asks the network for
   anything. */

import { fawkesV03, fawkesV03Goals, fawkesV1, lowkey, tenLines, uniform } from "./attacks.js";
import { Network } from "./engine.js";
import { halves, read } from "./files.js";
import { eightBits, PURIFIERS } from "./pictures.js";
import { Dssim } from "./visibility.js";

/** @type {WebAssembly.Module | null} */
let module = null;
const programs = new Map();
const networks = new Map();
const targets = new Map();
let running = 0;

/** A network by name; `role` keeps what an attack remembers apart from what recognisers do.
 * @param {string} name @param {string} [role] @returns {Network} */
const network = (name, role = "") => {
  const key = `${name} ${role}`;
  if (!networks.has(key)) networks.set(key, new Network(programs.get(name), module));
  return networks.get(key);
};

/** A generator for each photograph of each person, all of one tool. */
const walks = ({ tool, settings, surrogates, people, trunk, seed = 0 }) => {
  const nets = surrogates.map((name) => network(name, "attack"));
  const random = uniform(seed);
  const make = {
    "Fawkes v1.0": (image) => fawkesV1(image, nets, settings, random),
    LowKey(image) {
      const pairs = surrogates.map((name, k) => [nets[k], network(name, "mirror")]);
      return lowkey(image, pairs, settings, random, network(trunk));
    },
    "Ten lines": (image) => tenLines(image, nets, settings, random),
  };
  if (tool !== "Fawkes v0.3") return people.map((images) => images.map(make[tool]));
  return people.map((images) => {
    const goals = fawkesV03Goals(
      images,
      nets,
      surrogates.map((name) => targets.get(name)),
      settings,
    );
    return images.map((image, i) => fawkesV03(image, nets, settings, goals[i]));
  });
};

/** Let messages come in. */
const breathe = () =>
  new Promise((resume) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resume;
    channel.port2.postMessage(0);
  });

const jobs = {
  /** Take in a file that the page has loaded. */
  async give({ file, buffer }) {
    if (file === "multiply.wasm") {
      const usable = typeof WebAssembly === "object" && WebAssembly.validate(buffer);
      module = usable ? new WebAssembly.Module(buffer) : null;
    } else if (file.startsWith("targets-")) {
      const rows = halves(buffer);
      const people = rows.length / 2 / 128;
      const part = (from) =>
        Array.from({ length: people }, (_, i) =>
          rows.slice((from + i) * 128, (from + i + 1) * 128),
        );
      targets.set(file.slice(8, -5), { candidates: part(0), goals: part(people) });
    } else {
      programs.set(file.slice(0, -4), read(buffer));
    }
    return { fast: module !== null };
  },

  /** The embeddings of images, by recogniser, after a purifier. */
  async embed({ names, images, purifier = "none" }) {
    const clean = [];
    for (const image of images) {
      const purified = await PURIFIERS[purifier](image);
      clean.push(purifier === "none" ? image : eightBits(purified));
    }
    return {
      rows: Object.fromEntries(
        names.map((name) => [name, clean.map((image) => network(name).embed(image))]),
      ),
    };
  },

  /** Embedding and gradient of one image: for the tests. */
  async gradient({ name, image, back }) {
    const net = network(name);
    return { embedding: net.embed(image), gradient: net.pull([back]).slice() };
  },

  /** Run a tool on all photographs of all people, one step of each in turn. */
  async cloak(what, post) {
    const mine = ++running;
    const {
      people,
      watch,
      every,
      settings: { steps },
    } = what;
    const all = walks(what);
    const seen = people.map((images) => images.map((image) => new Dssim(image)));
    let attack = 0;
    for (let step = 1; step <= steps; step++) {
      const frame = [];
      for (const [p, own] of all.entries()) {
        frame.push([]);
        for (const walk of own) {
          const started = performance.now();
          const { value } = walk.next();
          attack += performance.now() - started;
          if (value) frame[p].push(value.kept);
          await breathe();
          if (mine !== running) return { stopped: true, step: step - 1, attack };
        }
      }
      if (step % every !== 0 && step !== steps) {
        post({ progress: true, step });
        continue;
      }
      const images = frame.map((own) => own.map(eightBits));
      const rows = Object.fromEntries(
        watch.map((name) => [
          name,
          images.map((own) => own.map((image) => network(name).embed(image))),
        ]),
      );
      const dssim = images.map((own, p) => own.map((image, i) => seen[p][i].at(image).value));
      post({ progress: true, step, images, rows, dssim });
      await breathe();
      if (mine !== running) return { stopped: true, step, attack };
    }
    return { stopped: false, step: steps, attack };
  },

  async stop() {
    running++;
    return {};
  },
};

self.onmessage = async ({ data: { id, job, ...what } }) => {
  try {
    const end = await jobs[job](what, (message) => self.postMessage({ id, ...message }));
    self.postMessage({ id, end: true, ...end });
  } catch (problem) {
    self.postMessage({ id, end: true, problem: String(problem) });
  }
};
