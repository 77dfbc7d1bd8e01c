// A plane with two axes that can be zoomed: by buttons, by keys, by the wheel, by drawing a rectangle.
//
// An axis: { domain: [low, high], log, label, format(value), count }. Zooming moves a view inside the unit square, which
// is the whole of both domains. `draw(frame)` draws what is in the plane; `below` are pixels that are kept free between
// the plane and the axis of x.

function plane(figure, drawing, { x, y, below = 0, left = 52, draw }) {
  const { svg } = drawing;
  const canvas = svg.parentElement;
  const home = { x: [0, 1], y: [0, 1] };
  let view = home;
  let active = false; // the wheel zooms once the chart was clicked; before, it scrolls the page

  const transform = (axis, value) => (axis.log ? Math.log(value) : value);
  function place(axis, [from, to], start, end) {
    const [low, high] = axis.domain.map((value) => transform(axis, value));
    return (value) => start + ((transform(axis, value) - low) / (high - low) - from) / (to - from) * (end - start);
  }
  function seen(axis, [from, to]) {
    const [low, high] = axis.domain.map((value) => transform(axis, value));
    const back = (u) => (axis.log ? Math.exp(low + u * (high - low)) : low + u * (high - low));
    return [back(from), back(to)];
  }

  function size() {
    return { width: canvas.clientWidth, height: canvas.clientHeight };
  }
  function edges() {
    const { width, height } = size();
    return { left, right: width - 12, top: 38, bottom: height - 44 - below };
  }

  function redraw() {
    const { width, height } = size();
    if (!width) return;
    const focused = drawing.focused();
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const edge = edges();
    const frame = {
      ...edge, floor: edge.bottom + below,
      x: place(x, view.x, edge.left, edge.right), y: place(y, view.y, edge.bottom, edge.top),
      seenX: seen(x, view.x), seenY: seen(y, view.y), zoomed: view !== home,
    };
    axes(frame);
    const clip = `${figure.id}-clip`;
    add(add(add(svg, "defs"), "clipPath", { id: clip }), "rect", {
      x: edge.left, y: 0, width: edge.right - edge.left, height: frame.floor + 1,
    });
    frame.layer = add(svg, "g", { "clip-path": `url(#${clip})` });
    draw(frame);
    drawing.settle();
    if (focused !== null) drawing.focus(focused);
    svg.style.touchAction = frame.zoomed ? "none" : "auto";
    for (const button of figure.querySelectorAll("[data-zoom]")) {
      button.disabled = !frame.zoomed && button.dataset.zoom !== "in";
    }
  }

  function axes({ left, right, top, bottom, floor, x: atX, y: atY, seenX, seenY }) {
    const grid = add(svg, "g", { class: "axes", "aria-hidden": "true" });
    for (const value of ticks(...seenX, Math.max(2, Math.min(8, (right - left) / 70)), x.log)) {
      add(grid, "line", { x1: atX(value), x2: atX(value), y1: top, y2: floor, class: "grid" });
      add(grid, "text", { x: atX(value), y: floor + 18, "text-anchor": "middle" }, x.format(value));
    }
    for (const value of bottom - top > 40 ? ticks(...seenY, Math.max(2, Math.min(8, (bottom - top) / 44)), y.log) : []) {
      add(grid, "line", { x1: left, x2: right, y1: atY(value), y2: atY(value), class: "grid" });
      add(grid, "text", { x: left - 8, y: atY(value) + 4, "text-anchor": "end" }, y.format(value));
    }
    add(grid, "line", { x1: left, x2: right, y1: floor, y2: floor, class: "axis" });
    add(grid, "text", { x: (left + right) / 2, y: floor + 38, "text-anchor": "middle" }, x.label);
    add(grid, "text", { x: 0, y: 12 }, y.label);
  }

  function zoom(factor, u = 0.5, v = 0.5) {
    const scaled = ([from, to], at) => {
      const wide = Math.min(1, Math.max(0.005, (to - from) * factor));
      const start = Math.min(Math.max(from + at * (to - from) - at * wide, 0), 1 - wide);
      return [start, start + wide];
    };
    look({ x: scaled(view.x, u), y: scaled(view.y, v) });
  }

  function look(wanted) {
    const whole = [wanted.x, wanted.y].every(([from, to]) => to - from > 0.999);
    view = whole ? home : wanted;
    redraw();
  }

  // Where in the view a pointer is: 0 to 1 from the left, and from the bottom.
  function at(event) {
    const box = svg.getBoundingClientRect();
    const edge = edges();
    const share = (value, start, end) => Math.min(1, Math.max(0, (value - start) / (end - start)));
    return [share(event.clientX - box.left, edge.left, edge.right),
            share(event.clientY - box.top, edge.bottom, edge.top)];
  }
  const inView = ([from, to], share) => from + share * (to - from);

  svg.addEventListener("wheel", (event) => {
    const outOfHome = view === home && event.deltaY > 0;
    if (!(event.ctrlKey || event.metaKey || active) || outOfHome) return;
    event.preventDefault();
    hush();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, ...at(event));
  }, { passive: false });

  // A mouse draws a rectangle to zoom into; a finger moves what is zoomed.
  let drag = null;
  svg.addEventListener("pointerdown", (event) => {
    active = true;
    if (event.button !== 0 || (event.pointerType === "touch" && view === home)) return;
    drag = { from: at(event), view, pans: event.pointerType === "touch" };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const to = at(event);
    if (drag.pans) {
      const moved = (range, i) => {
        const wide = range[1] - range[0];
        const start = Math.min(Math.max(range[0] - (to[i] - drag.from[i]) * wide, 0), 1 - wide);
        return [start, start + wide];
      };
      look({ x: moved(drag.view.x, 0), y: moved(drag.view.y, 1) });
      return;
    }
    const edge = edges();
    drag.to = to;
    svg.querySelector(".selection")?.remove();
    const box = (i, start, end) => [drag.from[i], to[i]].map((share) => start + share * (end - start)).sort((a, b) => a - b);
    const [x0, x1] = box(0, edge.left, edge.right);
    const [y0, y1] = box(1, edge.bottom, edge.top);
    if (x1 - x0 > 4) svg.setPointerCapture(event.pointerId);
    add(svg, "rect", { class: "selection", x: x0, y: y0, width: x1 - x0, height: y1 - y0 });
  });
  function drop() {
    const { from, to, pans } = drag ?? {};
    drag = null;
    svg.querySelector(".selection")?.remove();
    if (pans || !to || Math.abs(to[0] - from[0]) < 0.02) return;
    const range = (axis, i) => {
      const sides = [from[i], to[i]].map((share) => inView(view[axis], share)).sort((a, b) => a - b);
      return sides[1] - sides[0] < 0.005 ? view[axis] : sides; // a stroke along the axis of x keeps all of y
    };
    hush();
    look({ x: range("x", 0), y: range("y", 1) });
  }
  svg.addEventListener("pointerup", drop);
  svg.addEventListener("pointercancel", () => { drag = null; });
  svg.addEventListener("pointerleave", () => { active = false; });
  svg.addEventListener("dblclick", () => look(home));

  const steps = { in: () => zoom(0.6), out: () => zoom(1 / 0.6), home: () => look(home) };
  figure.addEventListener("click", (event) => steps[event.target.closest("[data-zoom]")?.dataset.zoom]?.());
  svg.addEventListener("keydown", (event) => {
    const step = steps[{ "+": "in", "=": "in", "-": "out", 0: "home" }[event.key]];
    if (step && !event.ctrlKey && !event.metaKey) step();
  });
  return redraw;
}
