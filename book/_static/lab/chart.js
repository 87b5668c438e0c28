// @ts-check
/* The curves: how far the point of the cloaked photograph is from that of the clean one. */

import { svg } from "./page.js";
import { WORDS } from "./words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, HIGHEST] = [400, 180, 22, 24, 8, 2];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4"];

/** @param {number} place among the recognisers */
const pen = (place) => ({ stroke: `var(--lab-${place + 1})`, "stroke-dasharray": DASHES[place] });

/** A piece of a recogniser's line, for its heading. @param {number} place */
export const swatch = (place) =>
  svg(
    "svg",
    { viewBox: "0 0 34 10", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 34, y1: 5, y2: 5, "stroke-width": 3.5, ...pen(place) }),
  );

/** @param {Element} drawing an svg, filled anew @param {string[]} names of recognisers
 * @param {{step: number, moved: Record<string, number>}[]} trace
 * @param {number} steps in all @param {number} at the step shown */
export const draw = (drawing, names, trace, steps, at) => {
  const X = (step) => LEFT + ((WIDTH - LEFT - 8) * step) / Math.max(1, steps);
  const Y = (moved) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * moved) / HIGHEST;
  const axis = { stroke: "currentColor", "stroke-width": 1 };
  const faint = { ...axis, "stroke-opacity": 0.25 };
  drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  drawing.replaceChildren(
    ...[0, 1, 2].flatMap((value) => [
      svg("line", {
        x1: LEFT,
        x2: WIDTH - 8,
        y1: Y(value),
        y2: Y(value),
        ...(value ? faint : axis),
      }),
      svg("text", { x: LEFT - 6, y: Y(value) + 4, "text-anchor": "end" }, String(value)),
    ]),
    svg(
      "text",
      { x: WIDTH - 8, y: HEIGHT - 6, "text-anchor": "end" },
      `${WORDS.chartAxis} ${steps}`,
    ),
    svg("text", { x: LEFT, y: HEIGHT - 6, "text-anchor": "middle" }, "0"),
    svg("line", { x1: X(at), x2: X(at), y1: TOP, y2: Y(0), ...axis, "stroke-opacity": 0.6 }),
    ...names.map((name, place) =>
      svg("polyline", {
        ...pen(place),
        points: trace
          .filter(({ moved }) => name in moved)
          .map(({ step, moved }) => `${X(step).toFixed(1)},${Y(moved[name]).toFixed(1)}`)
          .join(" "),
      }),
    ),
  );
  const last = trace.filter(({ step }) => step <= at).at(-1);
  const parts = names
    .filter((name) => last && name in last.moved)
    .map((name) => `${name} ${last.moved[name].toFixed(2)}`);
  drawing.setAttribute("aria-label", parts.length ? WORDS.chartAlt(parts) : WORDS.notYet);
};
