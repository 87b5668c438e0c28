// @ts-check
/* What `python -m poisonlib lab` writes, read: networks (studio/lab/program.py) and embeddings. */

import { size } from "./numbers.js";

/**
 * @typedef {{op: string, in: number[], out: number, shape: number[], [setting: string]: any}} Step
 * @typedef {{name: string, shape: number[], outputs: number[], steps: Step[],
 *   weights: Float32Array[], sides: number[][]}} Program
 */

/** The numbers of half precision that 16 bits hold: a sign, five bits of exponent, ten of fraction.
 * @param {number} bits */
const halfPrecision = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => halfPrecision(bits));

/** Numbers of half precision. @param {ArrayBuffer} buffer @param {number} [from] in bytes
 * @param {number} [length] in numbers */
export const halves = (buffer, from = 0, length = (buffer.byteLength - from) / 2) => {
  const bits = new Uint16Array(buffer, from, length);
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = HALVES[bits[i]];
  return numbers;
};

/** Read a file of studio/lab/program.py: the length of the header, the header, the weights.
 * @param {ArrayBuffer} buffer @returns {Program} */
export const read = (buffer) => {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const weights = header.weights.map(({ type, shape, at }) => {
    const from = 4 + length + at;
    if (type === "F16") return halves(buffer, from, size(shape));
    return new Float32Array(buffer, from, size(shape));
  });
  return { ...header, weights, sides: header.weights.map(({ shape }) => shape) };
};
