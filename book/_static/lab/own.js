// @ts-check
/* A reader's own photographs: opened, aligned by two marks on the eyes, and the cloak put back into
   them. All of it happens in the page. */

import { SIDE } from "./visibility.js";
import { fromPixels } from "./pictures.js";
import { WORDS } from "./words.js";

/** Where the eyes of an aligned face are (poisonlib/alignment.py): left of the picture first. */
const EYES = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
];
const [MEGAPIXELS, SMALLEST, EYES_APART] = [40, 64, 16];
/** Two pictures are the same if the values of their thumbnails differ by less than this on average. */
const SAME = 2.5 / 255;

/** @typedef {{name: string, image: HTMLImageElement, url: string, width: number, height: number,
 *   thumbnail: Float32Array, note: string, eyes: [number, number][], placed: boolean[]}} Photo */

/** Something that a reader can mend, said in words. */
export class Odd extends Error {}

/** @param {number} width @param {number} height */
const canvasOf = (width, height) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // behind pictures that let something through
  context.fillRect(0, 0, width, height);
  return { canvas, context };
};

/** Open a file; the orientation that it states is followed.
 * @param {File} file @returns {Promise<Photo>} */
export const open = async (file) => {
  const url = URL.createObjectURL(file);
  const image = new Image();
  try {
    await new Promise((resolve, reject) => {
      Object.assign(image, { onload: resolve, onerror: reject, src: url });
    });
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    if (width * height > MEGAPIXELS * 1e6) {
      throw new Odd(WORDS.odd.large(file.name, (width * height) / 1e6));
    }
    if (Math.min(width, height) < SMALLEST)
      throw new Odd(WORDS.odd.small(file.name, width, height));
    const { context } = canvasOf(SIDE, SIDE);
    context.drawImage(image, 0, 0, SIDE, SIDE);
    return {
      name: file.name,
      image,
      url,
      width,
      height,
      thumbnail: fromPixels(context.getImageData(0, 0, SIDE, SIDE).data),
      note: file.type === "image/gif" ? WORDS.odd.moving(file.name) : "",
      eyes: [
        [0.4 * width, 0.42 * height],
        [0.6 * width, 0.42 * height],
      ],
      placed: [false, false],
    };
  } catch (problem) {
    URL.revokeObjectURL(url);
    throw problem instanceof Odd ? problem : new Odd(WORDS.odd.decode(file.name));
  }
};

/** Whether two arrays of values show the same picture.
 * @param {Float32Array} a @param {Float32Array} b */
export const same = (a, b) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length < SAME;

/** The similarity (a turn, a scale and a shift) that takes the marks to where eyes belong, as
 * x' = c x - s y + u, y' = s x + c y + v. It is a division of complex numbers.
 * @param {Photo} photo */
const similarity = ({ name, eyes, placed }) => {
  if (!placed.every(Boolean)) throw new Odd(WORDS.odd.unmarked(name));
  const [[ax, ay], [bx, by]] = [...eyes].sort((a, b) => a[0] - b[0]);
  const [[left, top], [right, bottom]] = EYES;
  const [dx, dy, gx, gy] = [bx - ax, by - ay, right - left, bottom - top];
  const apart = Math.hypot(dx, dy);
  if (apart < EYES_APART) throw new Odd(WORDS.odd.oneSpot(name, apart));
  const c = (gx * dx + gy * dy) / apart ** 2;
  const s = (gy * dx - gx * dy) / apart ** 2;
  return { c, s, u: left - c * ax + s * ay, v: top - s * ax - c * ay };
};

/** The aligned face, 3 x 112 x 112 numbers.
 * @param {Photo} photo @returns {Float32Array} */
export const aligned = (photo) => {
  const { c, s, u, v } = similarity(photo);
  const { context } = canvasOf(SIDE, SIDE);
  context.setTransform(c, s, -s, c, u, v);
  context.drawImage(photo.image, 0, 0);
  return fromPixels(context.getImageData(0, 0, SIDE, SIDE).data);
};

/** Keys' cubic, as picture libraries interpolate. @param {number} x */
const cubic = (x) => {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
};

const FADE = 2;
/** One inside an aligned face, falling to zero over its outermost pixels. @param {number} i */
const fade = (i) => {
  const inwards = Math.min(1, (Math.min(i, SIDE - 1 - i) + 0.5) / FADE);
  return (1 - Math.cos(Math.PI * inwards)) / 2;
};

/** The photograph in full size with the change of its face (workbench/folders/paste.py).
 * @param {Photo} photo @param {Float32Array} change cloaked minus clean, aligned
 * @returns {Promise<Blob>} a PNG */
export const pasteBack = async (photo, change) => {
  const { c, s, u, v } = similarity(photo);
  const faded = change.map(
    (value, i) => value * fade(i % SIDE) * fade(Math.floor(i / SIDE) % SIDE),
  );
  const { canvas, context } = canvasOf(photo.width, photo.height);
  context.drawImage(photo.image, 0, 0);
  const scale = c * c + s * s;
  const corners = [
    [0, 0],
    [SIDE, 0],
    [0, SIDE],
    [SIDE, SIDE],
  ].map(([x, y]) => [(c * (x - u) + s * (y - v)) / scale, (c * (y - v) - s * (x - u)) / scale]);
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)].map((x) => Math.max(0, Math.floor(x)));
  const right = Math.min(photo.width, Math.ceil(Math.max(...xs)));
  const bottom = Math.min(photo.height, Math.ceil(Math.max(...ys)));
  if (right <= left || bottom <= top) throw new Odd(WORDS.odd.unmarked(photo.name));
  const part = context.getImageData(left, top, right - left, bottom - top);
  for (let y = top, at = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, at += 4) {
      const [X, Y] = [x + 0.5, y + 0.5];
      const [a, b] = [c * X - s * Y + u - 0.5, s * X + c * Y + v - 0.5];
      if (a < -0.5 || b < -0.5 || a > SIDE - 0.5 || b > SIDE - 0.5) continue;
      const added = [0, 0, 0];
      for (let j = Math.floor(b) - 1; j <= Math.floor(b) + 2; j++) {
        for (let i = Math.floor(a) - 1; i <= Math.floor(a) + 2; i++) {
          if (i < 0 || j < 0 || i >= SIDE || j >= SIDE) continue;
          const weight = 255 * cubic(a - i) * cubic(b - j);
          added.forEach((_, colour) => {
            added[colour] += weight * faded[(colour * SIDE + j) * SIDE + i];
          });
        }
      }
      added.forEach((value, colour) => (part.data[at + colour] += value)); // rounded and clipped
    }
  }
  context.putImageData(part, left, top);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Odd(WORDS.odd.decode(photo.name)))),
      "image/png",
    ),
  );
};
