// @ts-check
/* Pieces of a page. */

/** An element with attributes, properties (`.name`) and listeners (`onname`), and what is in it.
 * @param {string} name @param {Record<string, any>} [what] @param {...(Node | string | null)} inside
 * @returns {any} */
export const h = (name, what = {}, ...inside) => {
  const element = document.createElement(name);
  set(element, what);
  element.append(...inside.filter((one) => one !== null));
  return element;
};

/** @param {any} element @param {Record<string, any>} what */
const set = (element, what) => {
  for (const [key, value] of Object.entries(what)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith(".")) element[key.slice(1)] = value;
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null) element.setAttribute(key, value);
  }
};

/** The same for drawings. @param {string} name @param {Record<string, any>} what
 * @param {...(Node | string)} inside */
export const svg = (name, what, ...inside) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(element, what);
  element.append(...inside);
  return element;
};

let labels = 0;

/** A control with its label in front of it. @param {string} text @param {any} control */
export const labelled = (text, control) => {
  control.id ||= `lab-control-${labels++}`;
  return h("div", { class: "lab-field" }, h("label", { for: control.id }, text), control);
};

/** A box that can be ticked, or one of several that can be picked.
 * @param {string} text @param {Record<string, any>} what */
export const box = (text, what) =>
  h("label", { class: "lab-box" }, h("input", { type: "checkbox", ...what }), ` ${text}`);

/** A menu. @param {[string, string][]} options values and texts @param {string} chosen
 * @param {(value: string) => void} changed */
export const menu = (options, chosen, changed) => {
  const select = h("select", { onchange: () => changed(select.value) });
  refill(select, options, chosen);
  return select;
};

/** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} chosen */
export const refill = (select, options, chosen) => {
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
};
