/* The definition of a term beside the link to it: on hover, on keyboard focus, and on a first tap.
   It stays while the pointer is on the link or on the definition, and Escape puts it away. */

(() => {
  const PATIENCE = 250; // milliseconds in which the pointer may cross from the link to its text
  const EDGE = 8; // pixels kept free at the edges of the window
  let shown = null; // {link, tooltip}
  let leaving = 0;

  const hide = () => {
    clearTimeout(leaving);
    if (shown) shown.tooltip.hidden = true;
    shown = null;
  };

  const hideSoon = () => {
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      const kept = shown && document.activeElement === shown.link && shown.link.matches(":focus-visible");
      if (!kept) hide();
    }, PATIENCE);
  };

  const show = (link, tooltip) => {
    clearTimeout(leaving);
    if (shown && shown.link === link) return;
    hide();
    shown = { link, tooltip };
    tooltip.hidden = false;
    const line = link.getClientRects()[0]; // of a link that breaks over lines, where it begins
    const room = document.documentElement.clientWidth - tooltip.offsetWidth - EDGE;
    const below = line.bottom + tooltip.offsetHeight + EDGE <= window.innerHeight;
    const top = below ? line.bottom + 2 : Math.max(EDGE, line.top - tooltip.offsetHeight - 2);
    tooltip.style.left = `${Math.max(EDGE, Math.min(line.left, room)) + window.scrollX}px`;
    tooltip.style.top = `${top + window.scrollY}px`;
  };

  const connect = (link) => {
    const tooltip = document.getElementById(link.getAttribute("aria-describedby"));
    let tapped = false; // a tap shows the definition first; the next one follows the link
    link.addEventListener("pointerdown", (event) => {
      tapped = event.pointerType === "touch" && !(shown && shown.link === link);
    });
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "touch") show(link, tooltip);
    });
    link.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") hideSoon();
    });
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) show(link, tooltip);
    });
    link.addEventListener("blur", hideSoon);
    link.addEventListener("click", (event) => {
      if (!tapped) return;
      tapped = false;
      event.preventDefault();
      show(link, tooltip);
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const tooltip of document.querySelectorAll(".poisonlib-definition")) {
      document.body.append(tooltip); // placed in the page, not in whatever box it was written into
      tooltip.addEventListener("pointerenter", () => clearTimeout(leaving));
      tooltip.addEventListener("pointerleave", hideSoon);
    }
    document.querySelectorAll("a.poisonlib-term").forEach(connect);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
    });
    document.addEventListener("pointerdown", (event) => {
      if (shown && !shown.link.contains(event.target) && !shown.tooltip.contains(event.target)) hide();
    });
  });
})();
