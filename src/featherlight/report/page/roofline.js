// The roofline: each operation by multiply-adds a byte and the rate it reaches, under what the machine could do.

function roofline(figure, data, labels) {
  const { points, peak, bandwidths } = data;
  const intensities = points.map((point) => point.intensity);
  const ridge = peak.rate / bandwidths.at(-1).rate;
  const x = {
    domain: [Math.min(...intensities, ridge) / 2, Math.max(...intensities, ridge) * 2], log: true,
    label: "multiply-adds for a byte moved", format: (value) => String(+value.toPrecision(3)),
  };
  const rates = points.map((point) => point.rate);
  const y = {
    domain: [Math.min(...rates, peak.rate / 10) / 2e9, Math.max(peak.rate, ...rates) * 2e-9], log: true,
    label: "billion multiply-adds a second", format: (value) => String(+value.toPrecision(3)),
  };
  const drawing = stage(figure.querySelector(".canvas"), labels, (i) => points[i].lines, inRow(points.length), 0);
  const redraw = plane(figure, drawing, { x, y, draw });

  function draw(frame) {
    const { left, right, top, bottom, layer } = frame;
    const roof = add(layer, "g", { "aria-hidden": "true" });
    const [low, high] = [x.domain[0], x.domain[1]];
    const billions = (rate) => frame.y(rate / 1e9);
    add(roof, "line", { x1: frame.x(peak.rate / bandwidths[0].rate), x2: frame.x(high),
                        y1: billions(peak.rate), y2: billions(peak.rate), class: "roof" });
    add(roof, "text", { x: right - 6, y: billions(peak.rate) - 8, "text-anchor": "end", class: "roof-name" },
        right - left > 360 ? peak.label : peak.short);
    bandwidths.forEach(({ rate, label, short }, index) => {
      const corner = peak.rate / rate;
      add(roof, "line", { x1: frame.x(low), y1: billions(low * rate), x2: frame.x(corner), y2: billions(peak.rate),
                          class: "roof" });
      drawBandwidth(roof, frame, billions, rate, right - left > 360 ? label : short, index);
    });
    const order = points.map((_, index) => index).sort((a, b) => points[b].share - points[a].share);
    for (const index of order) {
      const point = points[index];
      const [at, up] = [frame.x(point.intensity), billions(point.rate)];
      if (at < left || at > right || up < top || up > bottom) continue;
      const r = Math.max(3.5, Math.min(14, 40 * Math.sqrt(point.share)));
      const g = drawing.thing(layer, index, { class: `point ${tint("w", point.colour)}` });
      add(g, "circle", { cx: at, cy: up, r: Math.max(9, r), class: "reach" });
      add(g, "path", { d: shape(point.colour, r), transform: `translate(${at},${up})`, class: "mark glass" });
    }
  }

  // Its name along the line, each further to the right than the last so that close lines do not cover each other's.
  function drawBandwidth(roof, { left, right, top, bottom, x: atX }, billions, rate, label, index) {
    const [low, high] = [x.domain[0], peak.rate / rate];
    const slope = (billions(high * rate) - billions(low * rate)) / (atX(high) - atX(low));
    const height = (px) => billions(low * rate) + slope * (px - atX(low));
    const start = Math.max(left, left + (bottom - height(left)) / slope) + 8; // where the line comes into view
    const px = start + index * 6.4 * label.length;
    if (px + 5 * label.length > Math.min(right, atX(high)) || height(px) < top) return;
    const turn = Math.atan(slope) * 180 / Math.PI;
    add(roof, "text", { transform: `translate(${px},${height(px)}) rotate(${turn})`, y: -5, class: "roof-name" }, label);
  }

  legend(figure.querySelector(".legend"), data.legend, "w");
  return redraw;
}
