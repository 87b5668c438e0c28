// @ts-check
/* What the operations of engine.js are made of: the product of matrices that takes nearly all of the
   time, the memory that the numbers of a network lie in, and some arithmetic. */

/** @param {number[]} shape */
export const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** @param {Float32Array} from @param {number} rows @param {number} columns @param {Float32Array} to */
export const transpose = (from, rows, columns, to) => {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
  }
};

/** Phi(z), the normal distribution function, by the Chebyshev fit of Numerical Recipes (1.2e-7).
 * @param {number} z */
export const normal = (z) => {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const fit = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418,
    0.37409196, 1.00002368, -1.26551223,
  ].reduce((sum, coefficient) => sum * t + coefficient);
  const tail = (t * Math.exp(fit - x * x)) / 2;
  return z >= 0 ? 1 - tail : tail;
};
/**
 * C += A B for matrices of m x k, k x n and m x n numbers, row by row in memory.
 *
 * multiply.wasm (studio/lab/wasm.py) does the same with the processor's instructions for four
 * numbers at once, some six times as fast. This one runs where a browser does not have them.
 * @param {Float32Array} A @param {Float32Array} B @param {Float32Array} C
 * @param {number} m @param {number} k @param {number} n
 */
export const plainMultiply = (A, B, C, m, k, n) => {
  for (let i = 0, c = 0; i < m; i++, c += n) {
    const row = i * k;
    let p = 0;
    for (; p + 3 < k; p += 4) {
      const [a0, a1, a2, a3] = [A[row + p], A[row + p + 1], A[row + p + 2], A[row + p + 3]];
      const [b0, b1, b2, b3] = [p * n, (p + 1) * n, (p + 2) * n, (p + 3) * n];
      for (let j = 0; j < n; j++) {
        C[c + j] += a0 * B[b0 + j] + a1 * B[b1 + j] + a2 * B[b2 + j] + a3 * B[b3 + j];
      }
    }
    for (; p < k; p++) {
      for (let j = 0; j < n; j++) C[c + j] += A[row + p] * B[p * n + j];
    }
  }
};

/** An array of a network: `a` holds the numbers, once all arrays of the network are laid out. */
export class Block {
  /** @param {number} length @param {number} at */
  constructor(length, at) {
    this.length = length;
    this.at = at;
    this.a = new Float32Array(0);
  }
}

/** The memory of one network: of a WebAssembly instance, or plain arrays where there is none. */
export class Memory {
  /** @param {WebAssembly.Module | null} module */
  constructor(module) {
    this.instance = module && new WebAssembly.Instance(module);
    this.bytes = 0;
    /** @type {Block[]} */
    this.blocks = [];
  }

  /** @param {number} length */
  block(length) {
    const block = new Block(length, this.bytes);
    this.bytes += (4 * length + 15) & ~15;
    this.blocks.push(block);
    return block;
  }

  /** Give all blocks their place; none can be added afterwards.
   * @returns {typeof plainMultiply} the product of matrices for this memory */
  layOut() {
    if (!this.instance) {
      for (const block of this.blocks) block.a = new Float32Array(block.length);
      return plainMultiply;
    }
    const { memory, multiply } = /** @type {any} */ (this.instance.exports);
    memory.grow(Math.ceil(this.bytes / 65536));
    for (const block of this.blocks) {
      block.a = new Float32Array(memory.buffer, block.at, block.length);
    }
    return (A, B, C, m, k, n) => multiply(A.byteOffset, B.byteOffset, C.byteOffset, m, k, n);
  }
}
