// @ts-check
/* The book's cloaking tools, for one photograph, step by step.

   Each is a generator that yields {now, kept}, arrays of 3 x 112 x 112 numbers in [0, 1], after every
   step, so that a page can draw, and stop. `kept` is what the tool would publish; rounded to 8 bits,
   it is the cloak. The settings are those of poisonlib/attacks, where the same is written in torch
   and explained: fawkes_v03.py, fawkes_v1.py, lowkey.py; the ten lines are in chapter 1. */

import { blurring, mirrored } from "./pictures.js";
import { Dssim, INNER_LOOP_STRIDE, Lpips, VALUES } from "./visibility.js";

/**
 * @typedef {import("./engine.js").Network} Network
 * @typedef {Generator<{now: Float32Array, kept: Float32Array}, void>} Walk
 */

/** Numbers in [0, 1) that a seed fixes (mulberry32). torch draws others, which changes no outcome.
 * @param {number} seed */
export const uniform = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const difference = (a, b) => a.map((value, i) => value - b[i]);
const square = (a) => a.reduce((sum, value) => sum + value * value, 0);
const mean = (rows) =>
  rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);

/** The optimiser of both Fawkes: steps as long as the last ones were, whatever the gradient's size. */
class Adadelta {
  /** @param {number} rate @param {number} epsilon */
  constructor(rate, epsilon) {
    this.rate = rate;
    this.epsilon = epsilon;
    this.decay = 0.95;
    this.restart();
  }

  restart() {
    this.squares = new Float32Array(VALUES);
    this.moves = new Float32Array(VALUES);
  }

  /** @param {Float32Array} variables changed in place @param {Float32Array} gradient */
  step(variables, gradient) {
    const { squares, moves, epsilon, decay } = this;
    for (let i = 0; i < VALUES; i++) {
      squares[i] = decay * squares[i] + (1 - decay) * gradient[i] ** 2;
      const move = (Math.sqrt(moves[i] + epsilon) / Math.sqrt(squares[i] + epsilon)) * gradient[i];
      moves[i] = decay * moves[i] + (1 - decay) * move ** 2;
      variables[i] -= this.rate * move;
    }
  }
}

const SPAN = 2 - 1e-6;

/** The change of variable of both Fawkes, x = tanh(z) / SPAN + 1/2, which keeps pixels in [0, 1]. */
class TanhSpace {
  /** @param {Float32Array} image @param {number} [reach] the largest change of a value */
  constructor(image, reach = Infinity) {
    this.image = image;
    this.reach = reach;
    this.start = image.map((value) => Math.atanh((value - 0.5) * SPAN));
    this.slope = new Float32Array(VALUES);
  }

  /** The image after a change of the variables; `slope` is then that of its values.
   * @param {Float32Array} change */
  at(change) {
    const { start, slope, image, reach } = this;
    return image.map((clean, i) => {
      const sigmoid = 1 / (1 + Math.exp(-2 * (start[i] + change[i])));
      const free = Math.fround((2 * sigmoid) / SPAN + 0.5 - 1 / SPAN);
      const bound = Math.min(Math.max(free, clean - reach), clean + reach);
      slope[i] = free === bound ? (4 / SPAN) * sigmoid * (1 - sigmoid) : 0;
      return bound;
    });
  }
}

/** Add to `total` the gradient of penalty * max(DSSIM - budget, 0)^2; returns DSSIM.
 * @param {Float64Array} total @param {Dssim} visibility @param {Float32Array} image
 * @param {Record<string, number>} settings */
const penalise = (total, visibility, image, { budget, penalty }) => {
  const { value, gradient } = visibility.at(image, budget);
  if (gradient) {
    const factor = 2 * penalty * (value - budget);
    for (let i = 0; i < VALUES; i++) total[i] += factor * gradient[i];
  }
  return value;
};

/** Fawkes v1.0: as far away from oneself as the budget of visibility allows.
 * @param {Float32Array} image @param {Network[]} nets
 * @param {Record<string, number>} settings @param {() => number} random
 * @returns {Walk} */
export function* fawkesV1(image, nets, settings, random) {
  const { budget, steps, learning_rate, max_change } = settings;
  const anchors = nets.map((net) => net.embed(image));
  const space = new TanhSpace(image, max_change);
  const visibility = new Dssim(image, INNER_LOOP_STRIDE);
  const optimiser = new Adadelta(learning_rate, 1e-7);
  const change = image.map(() => (2 * random() - 1) * 1e-4);
  let [balance, side, best, kept] = [1, 1, 0, image];
  for (let step = 0; step < steps; step++) {
    const now = space.at(change);
    const total = new Float64Array(VALUES);
    let distance = 0;
    nets.forEach((net, k) => {
      const away = difference(net.embed(now), anchors[k]);
      distance += square(away);
      net.pull([away.map((d) => -2 * balance * d)]).forEach((g, i) => (total[i] += g));
    });
    const dssim = penalise(total, visibility, now, settings);
    const gradient = space.slope.map((slope, i) => slope * total[i]);
    optimiser.step(change, gradient);
    if (step === 0) {
      gradient.forEach((g, i) => (change[i] -= 0.01 * Math.sign(g)));
      optimiser.restart();
    }
    const under = dssim <= 0.9 * budget && balance <= 129;
    const over = !under && dssim >= 1.1 * budget && balance >= 1 / 129;
    const next = under ? 1 : over ? -1 : 0;
    balance = next === 0 || next === -side ? 1 : under ? 2 * balance : balance / 2;
    side = next;
    if (dssim <= 1.1 * budget && distance > best) [best, kept] = [distance, now];
    if (step === steps - 1 && best < 0.3 && dssim < 0.015 && distance > best) kept = now;
    yield { now, kept };
  }
}

/** The person that Fawkes v0.3 pulls to, and where each photograph is to go, for each network.
 * @param {Float32Array[]} images of one person @param {Network[]} nets
 * @param {{candidates: Float32Array[], goals: Float32Array[]}[]} targets public people by network
 * @param {Record<string, number>} settings
 * @returns {Float32Array[][]} goals by photograph and network */
export const fawkesV03Goals = (images, nets, targets, { farthest, drawn }) => {
  const own = images.map((image) => nets.map((net) => net.embed(image)));
  const distances = targets[0].candidates.map((_, person) =>
    Math.min(
      ...own.map((rows) =>
        rows.reduce(
          (sum, row, k) => sum + square(difference(row, targets[k].candidates[person])),
          0,
        ),
      ),
    ),
  );
  const order = distances.map((_, person) => person).sort((a, b) => distances[b] - distances[a]);
  const target = order[Math.min(drawn, farthest - 1, order.length - 1)];
  const middle = nets.map((_, k) => mean(own.map((rows) => rows[k])));
  return own.map((rows) =>
    rows.map((row, k) =>
      row.map((value, i) => value + 2 * (targets[k].goals[target][i] - middle[k][i])),
    ),
  );
};

/** Fawkes v0.3: towards somebody else, under a budget of visibility.
 * @param {Float32Array} image @param {Network[]} nets @param {Record<string, number>} settings
 * @param {Float32Array[]} goals of `fawkesV03Goals`, one for each network
 * @returns {Walk} */
export function* fawkesV03(image, nets, settings, goals) {
  const { steps, learning_rate } = settings;
  const space = new TanhSpace(image);
  const visibility = new Dssim(image, INNER_LOOP_STRIDE);
  const optimiser = new Adadelta(learning_rate, 1e-8);
  const change = image.map(() => 1e-6);
  let [best, kept] = [Infinity, image];
  for (let step = 0; step <= steps; step++) {
    const now = space.at(change);
    const total = new Float64Array(VALUES);
    let distance = 0;
    nets.forEach((net, k) => {
      const away = difference(net.embed(now), goals[k]);
      const [far, length] = [Math.sqrt(square(away)), Math.sqrt(square(goals[k]))];
      distance += far / length;
      if (step === steps) return;
      net.pull([away.map((d) => d / far / length)]).forEach((g, i) => (total[i] += g));
    });
    if (step > 0) {
      if (distance < best) [best, kept] = [distance, now];
      yield { now, kept };
    }
    if (step === steps) return;
    penalise(total, visibility, now, settings);
    optimiser.step(
      change,
      space.slope.map((slope, i) => slope * total[i]),
    );
    if (step > 0 && step % Math.max(1, Math.floor(steps / 3)) === 0) optimiser.rate *= 0.8;
  }
}

/** LowKey: away from oneself in several networks, plain and blurred, held down by LPIPS.
 * @param {Float32Array} image
 * @param {[Network, Network][]} pairs each network twice: for the picture and its mirror image
 * @param {Record<string, number>} settings
 * @param {() => number} random @param {Network} trunk of LPIPS
 * @param {ArrayLike<number>} [noise] to start with, instead of what `random` draws
 * @returns {Walk} */
export function* lowkey(image, pairs, settings, random, trunk, noise) {
  const { steps, step_size, lpips_weight, coordinates } = settings;
  const features = ([net, twin], x) => {
    const [a, b] = [net.embed(x), twin.embed(mirrored(x))];
    const sum = a.map((value, i) => value + b[i]);
    const length = Math.sqrt(square(sum));
    return { row: sum.map((value) => value / length), length };
  };
  const anchors = pairs.map((pair) => features(pair, image).row);
  const visibility = new Lpips(trunk, image);
  const blur = blurring(settings.blur_size, settings.blur_sigma);
  /** The gradient of the mean squared distance from the clean features, for one branch. */
  const uphill = (branch) => {
    const total = new Float32Array(VALUES);
    pairs.forEach((pair, k) => {
      const { row, length } = features(pair, branch);
      const factor = 1 / coordinates / pairs.length; // two branches, and 2 d from the square
      const pull = difference(row, anchors[k]).map((d) => factor * d);
      const along = pull.reduce((sum, d, i) => sum + d * row[i], 0);
      const back = [pull.map((d, i) => (d - along * row[i]) / length)];
      const [plain, turned] = [pair[0].pull(back), mirrored(pair[1].pull(back))];
      for (let i = 0; i < VALUES; i++) total[i] += plain[i] + turned[i];
    });
    return total;
  };
  let now = image.map(
    (value, i) => value + (noise ? noise[i] : (2 * random() - 1) * settings.noise),
  );
  for (let step = 0; step < steps; step++) {
    const [plain, blurred] = [uphill(now), blur(uphill(blur(now)), true)];
    const seen = visibility.at(now).gradient;
    now = now.map(
      (value, i) => value + step_size * Math.sign(plain[i] + blurred[i] - lpips_weight * seen[i]),
    );
    yield { now, kept: now };
  }
}

/** Chapter 1's ten lines: away from oneself, every value by at most epsilon.
 * @param {Float32Array} image @param {Network[]} nets
 * @param {Record<string, number>} settings @param {() => number} random
 * @returns {Walk} */
export function* tenLines(image, nets, { epsilon, steps }, random) {
  const starts = nets.map((net) => net.embed(image));
  let change = image.map(() => epsilon * (random() - 0.5));
  for (let step = 0; step < steps; step++) {
    const now = image.map((value, i) => value + change[i]);
    const uphill = new Float64Array(VALUES);
    nets.forEach((net, k) => {
      const away = difference(net.embed(now), starts[k]);
      net.pull([away.map((d) => 2 * d)]).forEach((g, i) => (uphill[i] += g));
    });
    change = change.map((value, i) =>
      Math.min(
        Math.max(value + ((2.5 * epsilon) / steps) * Math.sign(uphill[i]), -epsilon),
        epsilon,
      ),
    );
    const after = image.map((value, i) => Math.min(Math.max(value + change[i], 0), 1));
    yield { now: after, kept: after };
  }
}
