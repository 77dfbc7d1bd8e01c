// The confusion matrix: a row a true class, a column what it was taken for; the darker, the larger the share of the row.

function confusion(figure, data, labels) {
  const canvas = figure.querySelector(".canvas");
  const { rows } = data;
  const count = rows.length;
  const names = data.labels;
  const drawing = stage(canvas, labels, (i) => rows[Math.floor(i / count)][i % count].lines, next, 0);
  const { svg } = drawing;

  function next(index, key) {
    const [row, column] = [Math.floor(index / count), index % count];
    const to = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column], Home: [row, 0], End: [row, count - 1],
    }[key].map((place) => Math.min(Math.max(place, 0), count - 1));
    return to[0] * count + to[1];
  }

  function redraw() {
    const width = canvas.clientWidth;
    if (!width) return;
    const longest = Math.max(...names.map((name) => name.length));
    const side = Math.min(6.6 * longest + 10, 0.3 * width, 150);
    const cell = Math.max(13, Math.min(44, (width - side - 4) / count));
    const focused = drawing.focused();
    svg.replaceChildren();
    const [wide, high] = [side + cell * count + 2, side + cell * count + 2];
    svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    svg.setAttribute("width", wide);
    svg.setAttribute("height", high);
    const text = add(svg, "g", { class: "axes", "aria-hidden": "true" });
    names.forEach((name, index) => {
      const middle = side + (index + 0.5) * cell;
      add(text, "text", { x: side - 8, y: middle + 4, "text-anchor": "end" }, fitted(name, side - 6));
      add(text, "text", { transform: `translate(${middle + 4},${side - 8}) rotate(-90)` }, fitted(name, side - 6));
    });
    const digits = String(Math.max(...rows.flat().map((each) => each.count))).length;
    rows.forEach((cells, row) => cells.forEach((each, column) => {
      const g = drawing.thing(svg, row * count + column, { class: row === column ? "cell right" : "cell wrong" });
      const [x, y] = [side + column * cell, side + row * cell];
      add(g, "rect", { x, y, width: cell - 1, height: cell - 1, class: "ground" });
      // The root, so that a mistake in a hundred can be seen.
      add(g, "rect", { x, y, width: cell - 1, height: cell - 1, "fill-opacity": (0.6 * Math.sqrt(each.share)).toFixed(3) });
      if (each.count && cell >= 6 + 7 * digits) { // numbers in all cells or in none
        add(g, "text", { x: x + cell / 2 - 0.5, y: y + cell / 2 + 4, "text-anchor": "middle" }, String(each.count));
      }
    }));
    if (focused !== null) drawing.focus(focused);
  }
  return redraw;
}
