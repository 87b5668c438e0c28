// @ts-check
/* What the trainer does with embeddings: nearest neighbours, and two recognisers in place of one. */

/**
 * @typedef {{rows: Float32Array, labels: number[]}} Gallery rows of 128 numbers, and whose they are
 * @typedef {{who: number, similarity: number}} Match
 */

export const SELF = -1;
const WIDTH = 128;

/** The cosine of two embeddings, the second inside a longer array.
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} [at] */
export const cosine = (a, b, at = 0) => {
  let sum = 0;
  for (let d = 0; d < WIDTH; d++) sum += a[d] * b[at + d];
  return sum;
};

/** The distance of two unit embeddings, between 0 and 2.
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export const distance = (a, b) => Math.sqrt(Math.max(0, 2 - 2 * cosine(a, b)));

/** Everybody in a gallery by their photograph nearest to a later one, nearest first.
 * @param {Gallery} gallery of other people; the wearer's own rows in it are left out
 * @param {Float32Array[]} own what is in the gallery under the wearer's name
 * @param {number} wearer label of the wearer in the gallery, or SELF
 * @param {Float32Array} later @returns {Match[]} `who` is SELF for the wearer */
export const rank = ({ rows, labels }, own, wearer, later) => {
  /** @type {Map<number, number>} */
  const best = new Map([[SELF, Math.max(...own.map((row) => cosine(later, row)))]]);
  labels.forEach((who, i) => {
    if (who === wearer) return;
    const similarity = cosine(later, rows, i * WIDTH);
    if (similarity > (best.get(who) ?? -Infinity)) best.set(who, similarity);
  });
  return [...best]
    .map(([who, similarity]) => ({ who, similarity }))
    .sort((a, b) => b.similarity - a.similarity);
};

/** The names that a trainer with two recognisers comes up with.
 * @param {"top2" | "threshold"} way both answers for a person to compare, or the accurate one's where
 *   its nearest neighbour is near enough and the robust one's elsewhere
 * @param {Match[]} accurate @param {Match[]} robust @param {number} threshold a distance in [0, 2]
 * @returns {number[]} */
export const combined = (way, [accurate], [robust], threshold) => {
  if (way === "top2") return [...new Set([accurate.who, robust.who])];
  const near = Math.sqrt(Math.max(0, 2 - 2 * accurate.similarity)) <= threshold;
  return [near ? accurate.who : robust.who];
};
