/* The knobs of the figures: poisonlib/figures/controls.py writes them, here they turn.

   A figure says "poisonlib:drawn" once plotly has drawn it and knows its frames; only then are its
   controls enabled. */
"use strict";
(() => {
  const AT_ONCE = {
    mode: "immediate",
    frame: { duration: 0, redraw: true },
    transition: { duration: 0 },
  };

  /** Show the frame of a name; a frame that the next one overtakes is no error. */
  const show = (plot, frame) =>
    Plotly.animate(plot, [frame], AT_ONCE).catch((reason) => {
      if (reason) throw reason;
    });

  function connectSlider(controls, plot) {
    const frames = JSON.parse(controls.dataset.frames);
    const range = controls.querySelector("input");
    const output = controls.querySelector("output");
    const moveTo = (step) => {
      range.value = step;
      output.textContent = frames[step];
      range.setAttribute("aria-valuetext", frames[step]);
      return show(plot, frames[step]);
    };
    const button = controls.querySelector("button");
    const stop = button ? connectPlayer(button, range, moveTo) : () => {};
    range.addEventListener("input", () => {
      stop();
      moveTo(range.valueAsNumber);
    });
  }

  /** A button that plays from where the slider stands, or from the start when it is at its end. */
  function connectPlayer(button, range, moveTo) {
    const slower = matchMedia("(prefers-reduced-motion: reduce)");
    const last = Number(range.max);
    let waiting = null;
    const stop = () => {
      clearTimeout(waiting);
      waiting = null;
      button.textContent = "Play";
    };
    const next = () => {
      moveTo(range.valueAsNumber + 1);
      if (range.valueAsNumber < last) wait();
      else stop();
    };
    const wait = () => {
      waiting = setTimeout(next, button.dataset.milliseconds * (slower.matches ? 2 : 1));
    };
    button.addEventListener("click", () => {
      if (waiting !== null) return stop();
      button.textContent = "Pause";
      if (range.valueAsNumber === last) moveTo(0);
      wait();
    });
    return stop;
  }

  function connectChoosers(controls, plot, changed) {
    const menus = [...controls.querySelectorAll("select")];
    const chosen = () => menus.map((menu) => menu.value).join(" | ");
    controls.addEventListener("change", () => show(plot, chosen()).then(changed));
  }

  /** The photograph of the mark that is pointed at; a slider leads through the same for a keyboard. */
  function connectPhotographs(controls, plot) {
    const { photographs, photograph_alts: alts } = plot.layout.meta;
    const range = controls.querySelector("input");
    const panel = controls.querySelector(".poisonlib-shown");
    const hint = panel.firstElementChild;
    const face = Object.assign(new Image(), { className: "face" });
    const text = document.createElement("p");
    let marks = [];
    let current = null;

    const see = (photograph) => {
      current = photograph;
      if (photograph === null) return panel.replaceChildren(hint);
      face.src = photographs[photograph];
      face.alt = text.textContent = alts[photograph];
      panel.replaceChildren(face, text);
      range.value = marks.findIndex((mark) => mark.photograph === photograph);
      range.setAttribute("aria-valuetext", alts[photograph]);
    };
    const list = () => {
      marks = plot._fullData.flatMap((trace, curveNumber) =>
        Array.from((trace.visible === true && trace.customdata) || [], (photograph, pointNumber) =>
          ({ photograph, curveNumber, pointNumber }))
          .filter((mark) => Number.isInteger(mark.photograph)));
      range.max = Math.max(0, marks.length - 1);
      see(marks.some((mark) => mark.photograph === current) ? current : null);
    };
    const pointed = (event) => {
      const photograph = event.points[0].customdata;
      if (Number.isInteger(photograph)) see(photograph);
    };
    plot.on("plotly_hover", pointed);
    plot.on("plotly_click", pointed);
    const point = () => {
      if (!marks.length) return;
      const { photograph, curveNumber, pointNumber } = marks[range.valueAsNumber];
      see(photograph);
      Plotly.Fx.hover(plot, [{ curveNumber, pointNumber }]);
    };
    range.addEventListener("input", point);
    range.addEventListener("focus", point);
    range.setAttribute("aria-valuetext", "none yet");
    list();
    return list;
  }

  /** Pixels of a drawing's height that its picture or plane, which keeps its shape, leaves empty. */
  const spare = ({ _fullLayout: { yaxis, _size } }) => {
    if (!yaxis?.scaleanchor) return 0;
    const [low, high] = yaxis._inputDomain;
    const [bottom, top] = yaxis.domain;
    return Math.floor(_size.h * (high - low - (top - bottom)));
  };

  /** Draw anew for the width that there is: after a fold opened, a phone was turned, at first. */
  const widths = new WeakMap();
  const heights = new WeakMap();
  const fit = async (plot, width) => {
    widths.set(plot, width);
    if (!heights.has(plot)) heights.set(plot, plot._fullLayout.height);
    const redraw = (height) => {
      plot.parentElement.style.height = `${height}px`;
      return Plotly.relayout(plot, { height, autosize: true });
    };
    const full = heights.get(plot);
    if (plot._fullLayout.height !== full || plot._fullLayout.width !== width) await redraw(full);
    if (spare(plot) > 8) await redraw(full - spare(plot));
  };
  const fitting = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const width = Math.round(contentRect.width);
      if (width && width !== widths.get(target)) fit(target, width);
    }
  });

  const connect = (plot) => {
    const figure = plot.closest("figure.poisonlib-figure");
    const slider = figure.querySelector(".poisonlib-slider");
    const choosers = figure.querySelector(".poisonlib-choosers");
    const photograph = figure.querySelector(".poisonlib-photograph");
    const list = photograph ? connectPhotographs(photograph, plot) : () => {};
    if (slider) connectSlider(slider, plot);
    if (choosers) connectChoosers(choosers, plot, list);
    for (const control of figure.querySelectorAll(".poisonlib-controls :disabled")) {
      control.disabled = false;
    }
    fitting.observe(plot);
  };

  /* A figure's controls stand behind its drawing: they may not be there yet when it is drawn. */
  document.addEventListener("poisonlib:drawn", ({ target: plot }) => {
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", () => connect(plot));
    } else {
      connect(plot);
    }
  });
})();
