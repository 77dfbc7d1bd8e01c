// Accuracy against time: those that were trained in the plane, the others by their time alone in a strip below it.

function accuracyTime(figure, data, labels) {
  const canvas = figure.querySelector(".canvas");
  const { points, budgets, lines } = data;
  const known = points.filter((point) => point.accuracy !== null);
  const times = [...points.flatMap((point) => [point.p10, point.p90]), ...budgets.map((budget) => budget.seconds)];
  const accuracies = known.map((point) => 100 * point.accuracy);
  const [low, high] = [Math.min(...accuracies), Math.max(...accuracies)];
  const margin = Math.max(2, 0.15 * (high - low));
  const x = {
    domain: [Math.min(...times) / 1.15e-3, Math.max(...times) * 1.15e3], log: true,
    label: "time for one image, ms", format: (value) => String(+value.toPrecision(3)),
  };
  const y = {
    domain: known.length ? [Math.max(0, low - margin), Math.min(100, high + margin)] : [0, 1],
    label: known.length ? "images named right" : "", format: (value) => `${+value.toPrecision(4)} %`,
  };
  const drawing = stage(canvas, labels, (i) => points[i].lines, inRow(points.length),
    Math.max(0, points.findIndex((point) => point.chosen)));
  const strip = points.length - known.length;
  const below = !strip ? 0 : known.length ? Math.min(170, 40 + 12 * strip) : canvas.clientHeight - 80;
  const redraw = plane(figure, drawing, { x, y, below, draw });

  function draw(frame) {
    const { left, right, top, bottom, floor, layer } = frame;
    const time = (seconds) => frame.x(1e3 * seconds);
    budgetLines(frame, time);
    const inPlane = known.length > 0;
    if (strip && inPlane) {
      const back = add(layer, "g", { "aria-hidden": "true" });
      add(back, "rect", { x: left, y: bottom + 8, width: right - left, height: floor - bottom - 8, class: "strip" });
      add(back, "text", { x: left + 8, y: bottom + 24, class: "name" }, "timed, not trained");
    }
    const height = inPlane
      ? lanes(points.filter((point) => point.accuracy === null), time, bottom + 38, floor - 10)
      : lanes(points, time, top + 24, floor - 10);
    if (inPlane) lines.forEach(({ colour, points: joined }) => joinedLine(frame, colour, joined, time));
    const taken = [];
    points.forEach((point, index) => {
      const [at, up] = [time(point.median), height.get(point) ?? frame.y(100 * point.accuracy)];
      if (at < left - 1 || at > right + 1 || up < top - 1 || up > floor) return;
      if (point.accuracy !== null && up > bottom + 1) return;
      drawPoint(point, index, at, up, time);
      if (point.accuracy !== null) drawName(layer, point, at, up, frame, taken);
    });

    function drawPoint(point, index, at, up, time) {
      const g = drawing.thing(layer, index, { class: `point ${tint("f", point.colour)}` });
      add(g, "circle", { cx: at, cy: up, r: 11, class: "reach" });
      add(g, "line", { x1: time(point.p10), x2: time(point.p90), y1: up, y2: up, class: "spread" });
      if (point.chosen) add(g, "circle", { cx: at, cy: up, r: 12, class: "ring" });
      const look = point.accuracy === null || point.final ? "mark" : "mark hollow";
      add(g, "path", { d: shape(point.colour, 6), transform: `translate(${at},${up})`, class: look });
    }
  }

  function joinedLine({ layer, y }, colour, joined, time) {
    const d = joined.map((point, index) => `${index ? "L" : "M"}${time(point.seconds)},${y(100 * point.accuracy)}`);
    add(layer, "path", { d: d.join(""), class: `front ${tint("f", colour)}`, "aria-hidden": "true" });
  }

  function budgetLines({ left, right, top, floor, layer }, time) {
    budgets.forEach(({ seconds, label }, index) => {
      const at = time(seconds);
      if (budgets.length === 1 && at < right) {
        add(layer, "rect", { x: Math.max(at, left), y: top, width: right - Math.max(at, left), height: floor - top,
                             class: "beyond", "aria-hidden": "true" });
      }
      add(layer, "line", { x1: at, x2: at, y1: top - 6, y2: floor, class: "budget" });
      const fits = at + 4 * label.length < right;
      if (at >= left && at <= right) {
        add(layer, "text", { x: fits ? at : right, y: top - 10 - 14 * (index % 2), class: "budget-name",
                             "text-anchor": fits ? "middle" : "end" }, label);
      }
    });
  }

  // A name beside a point where there is room; that of the chosen one always, below it if need be.
  function drawName(layer, point, at, up, { left, right }, taken) {
    const wide = 6.8 * point.name.length;
    const beside = [at + 16, at - 16 - wide].find((x) => x > left && x + wide < right);
    const below = { x: Math.max(left + 4, Math.min(at - wide / 2, right - wide)), y: up + 14 };
    const box = { ...(beside ? { x: beside, y: up - 20 } : below), width: wide, height: 16 };
    const free = beside && !taken.some((other) => box.x < other.x + other.width && other.x < box.x + box.width
      && Math.abs(box.y - other.y) < 16);
    if (!free && !point.chosen) return;
    taken.push(box);
    add(layer, "text", { x: box.x, y: box.y + 12, "aria-hidden": "true", class: point.chosen ? "label chosen" : "label" },
        fitted(point.name, right - box.x));
  }

  // The height of each point in the strip: the first lane where its bar meets no other.
  function lanes(some, time, from, to) {
    const ends = [];
    const lane = new Map();
    for (const point of some) {
      const start = Math.min(time(point.p10), time(point.median) - 9);
      let free = ends.findIndex((end) => end < start);
      if (free < 0) free = ends.push(0) - 1;
      ends[free] = Math.max(time(point.p90), time(point.median) + 9);
      lane.set(point, free);
    }
    const pitch = ends.length > 1 ? Math.min(20, (to - from) / (ends.length - 1)) : 0;
    for (const [point, free] of lane) lane.set(point, from + free * pitch);
    return lane;
  }

  legend(figure.querySelector(".legend"), data.legend, "f");
  return redraw;
}
