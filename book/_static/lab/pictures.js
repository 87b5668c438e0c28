// @ts-check
/* Photographs as numbers: 3 x 112 x 112 of them in [0, 1], colour by colour, as in Python. */

import { gaussian, PIXELS, SIDE, VALUES } from "./visibility.js";

/** What an 8-bit file can hold. @param {Float32Array} image */
export const eightBits = (image) =>
  image.map((value) => Math.round(Math.min(Math.max(value, 0), 1) * 255) / 255);

/** The numbers of a picture's pixels, which are red, green, blue and opacity.
 * @param {Uint8ClampedArray} pixels */
export const fromPixels = (pixels) => {
  const image = new Float32Array(VALUES);
  for (let i = 0; i < VALUES; i++) {
    image[i] = pixels[4 * (i % PIXELS) + Math.floor(i / PIXELS)] / 255;
  }
  return image;
};

/** @param {Float32Array} image @returns {ImageData} */
export const toPixels = (image) => {
  const picture = new ImageData(SIDE, SIDE);
  picture.data.fill(255);
  for (let i = 0; i < VALUES; i++) {
    picture.data[4 * (i % PIXELS) + Math.floor(i / PIXELS)] = Math.round(255 * image[i]);
  }
  return picture;
};

/** How a picture differs from another, enlarged so many times around middle grey.
 * @param {Float32Array} image @param {Float32Array} reference @param {number} times */
export const change = (image, reference, times) =>
  eightBits(image.map((value, i) => 0.5 + times * (value - reference[i])));

/** @param {Float32Array} image */
export const mirrored = (image) => image.map((_, i) => image[i - 2 * (i % SIDE) + SIDE - 1]);

/** A Gaussian blur with reflected borders, and its adjoint.
 * @param {number} size of the window, odd @param {number} sigma
 * @returns {(image: Float32Array, back?: boolean) => Float32Array} */
export const blurring = (size, sigma) => {
  const weights = gaussian(size, sigma);
  const reach = (size - 1) / 2;
  const reflect = (i) => (i < 0 ? -i : i >= SIDE ? 2 * SIDE - 2 - i : i);
  const pass = (from, stride, back) => {
    const to = new Float32Array(VALUES);
    for (let i = 0; i < VALUES; i++) {
      const place = Math.floor(i / stride) % SIDE;
      for (let t = 0; t < size; t++) {
        const j = i + (reflect(place + t - reach) - place) * stride;
        if (back) to[j] += weights[t] * from[i];
        else to[i] += weights[t] * from[j];
      }
    }
    return to;
  };
  return (image, back = false) => pass(pass(image, SIDE, back), 1, back);
};

/** Resize rows and columns to half and back, as torch interpolates (antialiased on the way down).
 * @param {Float32Array} image */
const halved = (image) => {
  const lines = (from, to) =>
    Array.from({ length: to }, (_, i) => {
      const [middle, reach] = [((i + 0.5) * from) / to, Math.max(1, from / to)];
      const near = Array.from({ length: from }, (_, j) => j)
        .map((j) => [j, Math.max(0, 1 - Math.abs(j + 0.5 - middle) / reach)])
        .filter(([, weight]) => weight > 0);
      const total = near.reduce((sum, [, weight]) => sum + weight, 0);
      return near.map(([j, weight]) => [j, weight / total]);
    });
  /** Resize along rows of a picture of some width and turn it, so that twice does both. */
  const resized = (from, height, width, taps) => {
    const to = new Float32Array(3 * height * taps.length);
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < height; y++) {
        taps.forEach((near, x) => {
          for (const [j, weight] of near) {
            to[(c * taps.length + x) * height + y] += weight * from[(c * height + y) * width + j];
          }
        });
      }
    }
    return to;
  };
  const half = SIDE / 2;
  const [down, up] = [lines(SIDE, half), lines(half, SIDE)];
  const small = resized(resized(image, SIDE, SIDE, down), half, SIDE, down);
  return resized(resized(small, half, half, up), SIDE, half, up);
};

/** Compressed and opened again, by the browser's own JPEG. @param {number} quality */
const jpeg = (quality) => async (image) => {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.putImageData(toPixels(image), 0, 0);
  const file = await canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
  const opened = await createImageBitmap(file, { colorSpaceConversion: "none" });
  context.drawImage(opened, 0, 0);
  return fromPixels(context.getImageData(0, 0, SIDE, SIDE).data);
};

/** What a trainer may do to every photograph first (poisonlib/defenses/purify.py).
 * @type {Record<string, (image: Float32Array) => Float32Array | Promise<Float32Array>>} */
export const PURIFIERS = {
  none: (image) => image,
  "jpeg-75": jpeg(75),
  "jpeg-30": jpeg(30),
  blur: blurring(7, 1),
  resize: halved,
};
