// @ts-check
/* A network as a list of plain operations: forwards to the embedding, backwards to the pixels.

   The lists are written by `python -m poisonlib lab` (studio/lab/program.py). Read this file from
   top to bottom: one function for each operation, and the network that calls them in turn. The
   product of matrices, which takes nearly all of the time, is in numbers.js.

   One image goes through at a time. The value of each step has a fixed shape and lies in an array
   that is made once; beside it lies its gradient, that is, how much the quantity of interest
   changes with each of its numbers. Going backwards, an operation takes the gradient of what it
   made and *adds* what follows from it to the gradient of what it was given, since several
   operations may have used the same value. Weights get no gradient: here nobody trains. */

import { Memory, normal, size, transpose } from "./numbers.js";

/** @typedef {import("./numbers.js").Block} Block
 * @typedef {import("./files.js").Program} Program
 * @typedef {import("./files.js").Step} Step
 * @typedef {{forward: () => void, backward: () => void}} Operation */

/** @param {Float32Array} to @param {Float32Array} from */
const add = (to, from) => {
  for (let i = 0; i < to.length; i++) to[i] += from[i];
};

/** How each operation makes its value, and hands its gradient back.
 * @type {Record<string, (net: Network, step: Step) => Operation>} */
export const OPERATIONS = {
  /* Y = R X C for each colour: rows and columns resized by two matrices. */
  resize(net, { in: [x], out: y, rows, columns }) {
    const [, colours, H, W] = net.shapes[x];
    const [, , h, w] = net.shapes[y];
    const [R, C] = [net.constant(rows), net.constant(columns)];
    const [Rt, Ct] = [net.transposed(rows, h, H), net.transposed(columns, W, w)];
    const half = net.memory.block(H * w);
    const part = (block, length, c) => block.a.subarray(c * length, (c + 1) * length);
    return {
      forward() {
        net.values[y].a.fill(0);
        for (let c = 0; c < colours; c++) {
          half.a.fill(0);
          net.multiply(part(net.values[x], H * W, c), C.a, half.a, H, W, w);
          net.multiply(R.a, half.a, part(net.values[y], h * w, c), h, H, w);
        }
      },
      backward() {
        for (let c = 0; c < colours; c++) {
          half.a.fill(0);
          net.multiply(Rt.a, part(net.gradients[y], h * w, c), half.a, H, h, w);
          net.multiply(half.a, Ct.a, part(net.gradients[x], H * W, c), H, w, W);
        }
      },
    };
  },

  /* A convolution is one product: every patch of the image becomes a column of k x k x C numbers,
     and each of O filters is a row. Backwards, the columns are added up where they came from. */
  conv(net, { in: [x], out: y, w, b, k, stride, pad }) {
    const [, C, H, W] = net.shapes[x];
    const [, O, h, wide] = net.shapes[y];
    const K = C * k * k;
    const P = h * wide;
    const [filters, turned] = [net.constant(w), net.transposed(w, O, K)];
    const bias = b === null ? null : net.program.weights[b];
    const copied = k > 1 || stride > 1 || pad > 0;
    const patches = copied ? net.scratch(K * P) : null;
    /** Visit the runs of numbers that lie side by side in a column's row and in the image. */
    const runs = (visit) => {
      for (let row = 0; row < K; row++) {
        const [c, u, v] = [Math.floor(row / (k * k)), Math.floor(row / k) % k, row % k];
        const first = Math.max(0, Math.ceil((pad - v) / stride));
        const last = Math.min(wide, Math.floor((W - 1 + pad - v) / stride) + 1);
        for (let i = 0; i < h; i++) {
          const line = i * stride + u - pad;
          if (line < 0 || line >= H) continue;
          visit(row * P + i * wide, (c * H + line) * W + v - pad, first, last);
        }
      }
    };
    return {
      forward() {
        const [from, to] = [net.values[x].a, net.values[y].a];
        if (patches) {
          const columns = patches.a;
          if (pad) columns.fill(0, 0, K * P);
          runs((column, image, first, last) => {
            for (let j = first; j < last; j++) columns[column + j] = from[image + j * stride];
          });
        }
        for (let o = 0; o < O; o++) to.fill(bias ? bias[o] : 0, o * P, (o + 1) * P);
        net.multiply(filters.a, patches ? patches.a : from, to, O, K, P);
      },
      backward() {
        const [from, to] = [net.gradients[y].a, net.gradients[x].a];
        if (!patches) return net.multiply(turned.a, from, to, K, O, P);
        const columns = patches.a;
        columns.fill(0, 0, K * P);
        net.multiply(turned.a, from, columns, K, O, P);
        runs((column, image, first, last) => {
          for (let j = first; j < last; j++) to[image + j * stride] += columns[column + j];
        });
      },
    };
  },

  /* Y = X W^T + b, for each row of X. */
  linear(net, { in: [x], out: y, w, b }) {
    const [O, I] = net.program.sides[w];
    const rows = size(net.shapes[x]) / I;
    const [weight, turned] = [net.constant(w), net.transposed(w, O, I)];
    const bias = b === null ? null : net.program.weights[b];
    return {
      forward() {
        const to = net.values[y].a;
        to.fill(0);
        if (bias) for (let r = 0; r < rows; r++) to.set(bias, r * O);
        net.multiply(net.values[x].a, turned.a, to, rows, I, O);
      },
      backward: () => net.multiply(net.gradients[y].a, weight.a, net.gradients[x].a, rows, O, I),
    };
  },

  /* A scale and a shift for each channel: batch normalisation after training. */
  affine(net, { in: [x], out: y, w, b }) {
    const [scale, shift] = [net.program.weights[w], net.program.weights[b]];
    const P = size(net.shapes[x]) / scale.length;
    return {
      forward() {
        const [from, to] = [net.values[x].a, net.values[y].a];
        for (let c = 0, i = 0; c < scale.length; c++) {
          for (const end = i + P; i < end; i++) to[i] = from[i] * scale[c] + shift[c];
        }
      },
      backward() {
        const [from, to] = [net.gradients[y].a, net.gradients[x].a];
        for (let c = 0, i = 0; c < scale.length; c++) {
          for (const end = i + P; i < end; i++) to[i] += from[i] * scale[c];
        }
      },
    };
  },

  relu: (net, { in: [x], out: y }) => ({
    forward() {
      const [from, to] = [net.values[x].a, net.values[y].a];
      for (let i = 0; i < to.length; i++) to[i] = from[i] > 0 ? from[i] : 0;
    },
    backward() {
      const [from, to, made] = [net.gradients[y].a, net.gradients[x].a, net.values[y].a];
      for (let i = 0; i < to.length; i++) if (made[i] > 0) to[i] += from[i];
    },
  }),

  gelu: (net, { in: [x], out: y }) => ({
    forward() {
      const [from, to] = [net.values[x].a, net.values[y].a];
      for (let i = 0; i < to.length; i++) to[i] = from[i] * normal(from[i]);
    },
    backward() {
      const [from, to, given] = [net.gradients[y].a, net.gradients[x].a, net.values[x].a];
      for (let i = 0; i < to.length; i++) {
        const density = Math.exp((-given[i] * given[i]) / 2) / Math.sqrt(2 * Math.PI);
        to[i] += from[i] * (normal(given[i]) + given[i] * density);
      }
    },
  }),

  prelu(net, { in: [x], out: y, w }) {
    const slope = net.program.weights[w];
    const P = size(net.shapes[x]) / slope.length;
    return {
      forward() {
        const [from, to] = [net.values[x].a, net.values[y].a];
        for (let c = 0, i = 0; c < slope.length; c++) {
          for (const end = i + P; i < end; i++) to[i] = from[i] > 0 ? from[i] : from[i] * slope[c];
        }
      },
      backward() {
        const [from, to, given] = [net.gradients[y].a, net.gradients[x].a, net.values[x].a];
        for (let c = 0, i = 0; c < slope.length; c++) {
          for (const end = i + P; i < end; i++)
            to[i] += given[i] > 0 ? from[i] : from[i] * slope[c];
        }
      },
    };
  },

  /* The largest number of each window; the gradient goes to where that one was. */
  maxpool(net, { in: [x], out: y, k, stride, pad }) {
    const [, C, H, W] = net.shapes[x];
    const [, , h, w] = net.shapes[y];
    const chosen = new Int32Array(C * h * w);
    return {
      forward() {
        const [from, to] = [net.values[x].a, net.values[y].a];
        for (let o = 0; o < to.length; o++) {
          const [c, i, j] = [Math.floor(o / (h * w)), Math.floor(o / w) % h, o % w];
          const [top, left] = [i * stride - pad, j * stride - pad];
          to[o] = -Infinity;
          for (let u = Math.max(0, top); u < Math.min(H, top + k); u++) {
            for (let v = Math.max(0, left); v < Math.min(W, left + k); v++) {
              const q = (c * H + u) * W + v;
              if (from[q] > to[o]) [to[o], chosen[o]] = [from[q], q];
            }
          }
        }
      },
      backward() {
        const [from, to] = [net.gradients[y].a, net.gradients[x].a];
        for (let o = 0; o < from.length; o++) to[chosen[o]] += from[o];
      },
    };
  },

  avgpool(net, { in: [x], out: y, k, stride }) {
    const [, C, H, W] = net.shapes[x];
    const [, , h, w] = net.shapes[y];
    const windows = (visit) => {
      for (let o = 0; o < C * h * w; o++) {
        const line = Math.floor(o / (h * w)) * H + (Math.floor(o / w) % h) * stride;
        for (let q = 0; q < k * k; q++) {
          visit(o, (line + Math.floor(q / k)) * W + (o % w) * stride + (q % k));
        }
      }
    };
    return {
      forward() {
        const [from, to] = [net.values[x].a, net.values[y].a];
        to.fill(0);
        windows((o, q) => (to[o] += from[q] / (k * k)));
      },
      backward() {
        const [from, to] = [net.gradients[y].a, net.gradients[x].a];
        windows((o, q) => (to[q] += from[o] / (k * k)));
      },
    };
  },

  add: (net, { in: [x, z], out: y }) => ({
    forward() {
      const [a, b, to] = [net.values[x].a, net.values[z].a, net.values[y].a];
      for (let i = 0; i < to.length; i++) to[i] = a[i] + b[i];
    },
    backward() {
      add(net.gradients[x].a, net.gradients[y].a);
      add(net.gradients[z].a, net.gradients[y].a);
    },
  }),

  shift(net, { in: [x], out: y, w }) {
    return {
      forward() {
        net.values[y].a.set(net.values[x].a);
        add(net.values[y].a, net.program.weights[w]);
      },
      backward: () => add(net.gradients[x].a, net.gradients[y].a),
    };
  },

  /* The same numbers in another shape: the network gave both one array. */
  view: () => ({ forward() {}, backward() {} }),

  /* Numbers in another order, or some of them: transposed axes, a slice. */
  gather(net, { in: [x], out: y, strides, offset }) {
    const shape = net.shapes[y];
    const source = Int32Array.from({ length: size(shape) }, (_, i) => {
      let at = offset;
      for (let d = shape.length - 1, rest = i; d >= 0; d--) {
        at += (rest % shape[d]) * strides[d];
        rest = Math.floor(rest / shape[d]);
      }
      return at;
    });
    return moved(net, [[x, source]], y);
  },

  /* Zeros behind, below and to the right. */
  pad(net, { in: [x], out: y }) {
    const [, , H, W] = net.shapes[x];
    const [, , h, w] = net.shapes[y];
    const source = new Int32Array(size(net.shapes[y])).fill(-1);
    for (let q = 0; q < size(net.shapes[x]); q++) {
      source[(Math.floor(q / (H * W)) * h + (Math.floor(q / W) % H)) * w + (q % W)] = q;
    }
    return moved(net, [[x, source]], y);
  },

  /* Values one after the other along an axis. */
  cat(net, { in: parts, out: y, dim }) {
    const row = size(net.shapes[y].slice(dim));
    let before = 0;
    return moved(
      net,
      parts.map((x) => {
        const [own, start] = [size(net.shapes[x].slice(dim)), before];
        before += own;
        const source = Int32Array.from({ length: size(net.shapes[y]) }, (_, i) => {
          const along = (i % row) - start;
          return along >= 0 && along < own ? Math.floor(i / row) * own + along : -1;
        });
        return [x, source];
      }),
      y,
    );
  },

  /* Each row with mean 0 and variance 1, then a scale and a shift for each place. */
  layernorm(net, { in: [x], out: y, w, b, epsilon }) {
    const [scale, shift] = [net.program.weights[w], net.program.weights[b]];
    const N = scale.length;
    const R = size(net.shapes[x]) / N;
    const [unit, inverse] = [new Float32Array(R * N), new Float32Array(R)];
    return {
      forward() {
        for (let r = 0; r < R; r++) {
          const from = net.values[x].a.subarray(r * N, (r + 1) * N);
          const mean = from.reduce((sum, v) => sum + v, 0) / N;
          const variance = from.reduce((sum, v) => sum + (v - mean) ** 2, 0) / N;
          inverse[r] = 1 / Math.sqrt(variance + epsilon);
          for (let i = 0; i < N; i++) {
            unit[r * N + i] = (from[i] - mean) * inverse[r];
            net.values[y].a[r * N + i] = unit[r * N + i] * scale[i] + shift[i];
          }
        }
      },
      backward() {
        const [from, to] = [net.gradients[y].a, net.gradients[x].a];
        for (let r = 0, at = 0; r < R; r++, at += N) {
          let [sum, along] = [0, 0];
          for (let i = 0; i < N; i++) {
            sum += from[at + i] * scale[i];
            along += from[at + i] * scale[i] * unit[at + i];
          }
          for (let i = 0; i < N; i++) {
            to[at + i] += inverse[r] * (from[at + i] * scale[i] - (sum + along * unit[at + i]) / N);
          }
        }
      },
    };
  },

  /* softmax(Q K^T / sqrt(D)) V for each head: every token looks at all tokens. */
  attention(net, { in: [q, k, v], out: y }) {
    const [, heads, T, D] = net.shapes[q];
    const looks = new Float32Array(heads * T * T);
    const row = new Float32Array(T);
    const tokens = (visit) => {
      for (let t = 0; t < heads * T; t++) visit(t * D, t * T, Math.floor(t / T) * T * D);
    };
    const dot = (a, i, b, j) => {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += a[i + d] * b[j + d];
      return sum;
    };
    const addRow = (to, i, factor, from, j) => {
      for (let d = 0; d < D; d++) to[i + d] += factor * from[j + d];
    };
    return {
      forward() {
        const [Q, K, V, to] = [q, k, v, y].map((value) => net.values[value].a);
        to.fill(0);
        tokens((at, look, head) => {
          for (let j = 0; j < T; j++) row[j] = dot(Q, at, K, head + j * D) / Math.sqrt(D);
          const top = Math.max(...row);
          for (let j = 0; j < T; j++) row[j] = Math.exp(row[j] - top);
          const total = row.reduce((sum, value) => sum + value, 0);
          for (let j = 0; j < T; j++) {
            looks[look + j] = row[j] / total;
            addRow(to, at, looks[look + j], V, head + j * D);
          }
        });
      },
      backward() {
        const [Q, K, V] = [q, k, v].map((value) => net.values[value].a);
        const [toQ, toK, toV, from] = [q, k, v, y].map((value) => net.gradients[value].a);
        tokens((at, look, head) => {
          let along = 0;
          for (let j = 0; j < T; j++) {
            row[j] = dot(from, at, V, head + j * D);
            along += looks[look + j] * row[j];
            addRow(toV, head + j * D, looks[look + j], from, at);
          }
          for (let j = 0; j < T; j++) {
            const gradient = (looks[look + j] * (row[j] - along)) / Math.sqrt(D);
            addRow(toQ, at, gradient, K, head + j * D);
            addRow(toK, head + j * D, gradient, Q, at);
          }
        });
      },
    };
  },

  /* A vector at length 1. What would only make it longer has no effect, backwards neither. */
  unit(net, { in: [x], out: y }) {
    let length = 1;
    return {
      forward() {
        length = Math.hypot(...net.values[x].a);
        net.values[x].a.forEach((value, i) => (net.values[y].a[i] = value / length));
      },
      backward() {
        const [from, to, made] = [net.gradients[y].a, net.gradients[x].a, net.values[y].a];
        const along = from.reduce((sum, value, i) => sum + value * made[i], 0);
        for (let i = 0; i < to.length; i++) to[i] += (from[i] - along * made[i]) / length;
      },
    };
  },
};

/** An operation that moves numbers: where each number of y comes from in some x, or -1.
 * @param {Network} net @param {[number, Int32Array][]} sources @param {number} y
 * @returns {Operation} */
const moved = (net, sources, y) => ({
  forward() {
    const to = net.values[y].a;
    to.fill(0);
    for (const [x, source] of sources) {
      const from = net.values[x].a;
      for (let i = 0; i < to.length; i++) if (source[i] >= 0) to[i] = from[source[i]];
    }
  },
  backward() {
    const from = net.gradients[y].a;
    for (const [x, source] of sources) {
      const to = net.gradients[x].a;
      for (let i = 0; i < from.length; i++) if (source[i] >= 0) to[source[i]] += from[i];
    }
  },
});

/** A program with its arrays. */
export class Network {
  /** @param {Program} program @param {WebAssembly.Module | null} [module] multiply.wasm, if any */
  constructor(program, module = null) {
    this.program = program;
    this.memory = new Memory(module);
    this.shapes = [program.shape, ...program.steps.map(({ shape }) => shape)];
    /** @type {[Block, () => void][]} */
    this.fills = [];
    this.shared = this.memory.block(0);
    let longest = 0;
    this.scratch = (length) => ((longest = Math.max(longest, length)), this.shared);
    const arrays = () => {
      const blocks = [this.memory.block(size(program.shape))];
      for (const {
        op,
        in: [x],
        shape,
      } of program.steps) {
        blocks.push(op === "view" ? blocks[x] : this.memory.block(size(shape)));
      }
      return blocks;
    };
    this.values = arrays();
    this.gradients = arrays();
    this.operations = program.steps.map((step) => OPERATIONS[step.op](this, step));
    Object.assign(this.shared, this.memory.block(longest));
    this.memory.blocks.push(this.shared);
    this.multiply = this.memory.layOut();
    for (const [, fill] of this.fills) fill();
  }

  /** A weight that the product of matrices reads. @param {number} w */
  constant(w) {
    const block = this.memory.block(this.program.weights[w].length);
    this.fills.push([block, () => block.a.set(this.program.weights[w])]);
    return block;
  }

  /** The same with rows and columns exchanged. @param {number} w
   * @param {number} rows @param {number} columns */
  transposed(w, rows, columns) {
    const block = this.memory.block(rows * columns);
    this.fills.push([block, () => transpose(this.program.weights[w], rows, columns, block.a)]);
    return block;
  }

  /** Forwards: what the network makes of an image, as arrays that the next call overwrites.
   * @param {ArrayLike<number>} image @returns {Float32Array[]} */
  run(image) {
    this.values[0].a.set(image);
    for (const { forward } of this.operations) forward();
    return this.program.outputs.map((value) => this.values[value].a);
  }

  /** The embedding of an image, a copy. @param {ArrayLike<number>} image */
  embed(image) {
    return this.run(image)[0].slice();
  }

  /** Backwards, after `run`: the gradient of the image, given those of the outputs.
   * @param {ArrayLike<number>[]} gradients @returns {Float32Array} overwritten by the next call */
  pull(gradients) {
    for (const block of this.gradients) block.a.fill(0);
    this.program.outputs.forEach((value, i) => this.gradients[value].a.set(gradients[i]));
    for (const { backward } of [...this.operations].reverse()) backward();
    return this.gradients[0].a;
  }
}
