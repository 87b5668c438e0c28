// @ts-check
/* How visible a change is, with its gradient: DSSIM, which Fawkes holds down, and LPIPS, which LowKey
   does. In Python they are poisonlib/attacks/ssim.py and poisonlib/attacks/lpips.py. */

export const SIDE = 112;
export const PIXELS = SIDE * SIDE;
export const VALUES = 3 * PIXELS;

/** Weights of a Gaussian that add up to 1. @param {number} size @param {number} sigma */
export const gaussian = (size, sigma) => {
  const middle = (size - 1) / 2;
  const weights = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - middle) ** 2) / (2 * sigma ** 2)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

const [WINDOW, SIGMA, LUMINANCE, CONTRAST] = [11, 1.5, 0.01 ** 2, 0.03 ** 2];
export const INNER_LOOP_STRIDE = 3;

/** @param {Float32Array} a @param {Float32Array} b */
const product = (a, b) => a.map((value, i) => value * b[i]);

/** Structural dissimilarity to a fixed picture. */
export class Dssim {
  /** @param {Float32Array} reference @param {number} stride between windows, in pixels */
  constructor(reference, stride = 1) {
    this.stride = stride;
    this.count = Math.floor((SIDE - WINDOW) / stride) + 1;
    this.weights = gaussian(WINDOW, SIGMA);
    this.reference = reference;
    this.mean = this.means(reference);
    this.variance = this.means(product(reference, reference)).map((s, i) => s - this.mean[i] ** 2);
  }

  /** The weighted mean of values under each window. @param {Float32Array} values */
  means(values) {
    const { count, stride, weights } = this;
    const out = new Float64Array(3 * count * count);
    const line = new Float64Array(SIDE);
    for (let c = 0, o = 0; c < 3; c++) {
      for (let i = 0; i < count; i++) {
        line.fill(0);
        for (let t = 0; t < WINDOW; t++) {
          const at = (c * SIDE + i * stride + t) * SIDE;
          for (let x = 0; x < SIDE; x++) line[x] += weights[t] * values[at + x];
        }
        for (let j = 0; j < count; j++, o++) {
          for (let t = 0; t < WINDOW; t++) out[o] += weights[t] * line[j * stride + t];
        }
      }
    }
    return out;
  }

  /** The adjoint of `means`: from a value for each window back to pixels.
   * @param {Float64Array} windows */
  spread(windows) {
    const { count, stride, weights } = this;
    const out = new Float64Array(VALUES);
    const line = new Float64Array(SIDE);
    for (let c = 0, o = 0; c < 3; c++) {
      for (let i = 0; i < count; i++) {
        line.fill(0);
        for (let j = 0; j < count; j++, o++) {
          for (let t = 0; t < WINDOW; t++) line[j * stride + t] += weights[t] * windows[o];
        }
        for (let t = 0; t < WINDOW; t++) {
          const at = (c * SIDE + i * stride + t) * SIDE;
          for (let x = 0; x < SIDE; x++) out[at + x] += weights[t] * line[x];
        }
      }
    }
    return out;
  }

  /** The dissimilarity of an image, and its gradient where that is larger than `free`.
   * @param {Float32Array} image @param {number} [free]
   * @returns {{value: number, gradient: Float64Array | null}} */
  at(image, free = Infinity) {
    const { mean: M, variance: V, reference } = this;
    const m = this.means(image);
    const s = this.means(product(image, image));
    const x = this.means(product(image, reference));
    const n = m.length;
    const [byMean, bySquare, byMixed] = [0, 1, 2].map(() => new Float64Array(n));
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const both = m[i] * M[i];
      const l1 = 2 * both + LUMINANCE;
      const l2 = m[i] ** 2 + M[i] ** 2 + LUMINANCE;
      const k1 = 2 * (x[i] - both) + CONTRAST;
      const k2 = s[i] - m[i] ** 2 + V[i] + CONTRAST;
      const similarity = (l1 * k1) / (l2 * k2);
      const weight = -1 / (2 * n);
      const scale = (2 * weight) / (l2 * k2);
      sum += similarity;
      byMixed[i] = scale * l1;
      bySquare[i] = (-weight * similarity) / k2;
      byMean[i] =
        scale * M[i] * (k1 - l1) - (2 * weight * m[i] * similarity) / l2 - 2 * m[i] * bySquare[i];
    }
    const value = (1 - sum / n) / 2;
    if (value <= free) return { value, gradient: null };
    const gradient = this.spread(byMean);
    const [square, mixed] = [this.spread(bySquare), this.spread(byMixed)];
    for (let i = 0; i < VALUES; i++)
      gradient[i] += 2 * image[i] * square[i] + reference[i] * mixed[i];
    return { value, gradient };
  }
}

const TRUNK_WEIGHT = 0.41;

/** Perceptual distance to a fixed picture: between the activations of a trunk network. */
export class Lpips {
  /** @param {import("./engine.js").Network} trunk @param {Float32Array} reference */
  constructor(trunk, reference) {
    this.trunk = trunk;
    this.channels = trunk.program.outputs.map((value) => trunk.shapes[value][1]);
    this.anchors = trunk
      .run(reference)
      .map((layer, l) => unitChannels(layer, this.channels[l]).unit);
  }

  /** The distance of an image and its gradient, which the next call overwrites.
   * @param {Float32Array} image */
  at(image) {
    let value = 0;
    const back = this.trunk.run(image).map((layer, l) => {
      const C = this.channels[l];
      const { unit, inverse } = unitChannels(layer, C);
      const P = inverse.length;
      const weight = TRUNK_WEIGHT / this.channels.length / P;
      const gradient = new Float32Array(layer.length);
      for (let p = 0; p < P; p++) {
        let along = 0;
        for (let i = p; i < layer.length; i += P) {
          const difference = unit[i] - this.anchors[l][i];
          value += weight * difference ** 2;
          gradient[i] = 2 * weight * difference;
          along += gradient[i] * unit[i];
        }
        for (let i = p; i < layer.length; i += P) {
          gradient[i] = (gradient[i] - along * unit[i]) * inverse[p];
        }
      }
      return gradient;
    });
    return { value, gradient: this.trunk.pull(back) };
  }
}

/** The channels at each position as a vector of length 1.
 * @param {Float32Array} layer @param {number} channels */
const unitChannels = (layer, channels) => {
  const P = layer.length / channels;
  const inverse = new Float32Array(P);
  for (let p = 0; p < P; p++) {
    let sum = 1e-10;
    for (let i = p; i < layer.length; i += P) sum += layer[i] ** 2;
    inverse[p] = 1 / Math.sqrt(sum);
  }
  return { unit: layer.map((value, i) => value * inverse[i % P]), inverse };
};
