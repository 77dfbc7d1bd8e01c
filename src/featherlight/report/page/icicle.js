// Where the time goes: the network above its blocks above their operations, each as wide as its time.

function icicle(figure, data, labels) {
  const canvas = figure.querySelector(".canvas");
  const nodes = [];
  (function flatten(node, parent, depth, start) {
    const index = nodes.push({ ...node, parent, depth, start, children: [] }) - 1;
    if (parent !== null) nodes[parent].children.push(index);
    for (const child of node.children ?? []) {
      flatten(child, index, depth + 1, start);
      start += child.seconds;
    }
  })(data.root, null, 0, 0);
  const deepest = Math.max(...nodes.map((node) => node.depth));
  let top = 0; // the node that is as wide as the chart
  const drawing = stage(canvas, labels, (i) => nodes[i].lines, next, 0);
  const { svg } = drawing;

  function next(index, key) {
    const { parent, children } = nodes[index];
    const beside = nodes.flatMap((node, i) => (node.depth === nodes[index].depth && shown(i) ? [i] : []));
    const place = beside.indexOf(index);
    return {
      ArrowUp: parent ?? index, ArrowDown: children[0] ?? index,
      ArrowLeft: beside[Math.max(place - 1, 0)], ArrowRight: beside[Math.min(place + 1, beside.length - 1)],
      Home: beside[0], End: beside.at(-1),
    }[key];
  }
  const above = (index) => (index === null ? [] : [index, ...above(nodes[index].parent)]);
  const shown = (index) => above(index).includes(top) || above(top).includes(index);

  function redraw() {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const focused = drawing.focused();
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const tall = height / (deepest + 1);
    const widest = nodes[top];
    nodes.forEach((node, index) => {
      if (!shown(index)) return;
      const over = above(top).includes(index); // the one on top, and what holds it, fill the width
      const x = over ? 0 : (node.start - widest.start) / widest.seconds * width;
      const wide = over ? width : node.seconds / widest.seconds * width;
      drawNode(node, index, x, wide, tall);
    });
    drawing.settle();
    if (focused !== null) drawing.focus(shown(focused) ? focused : top);
    figure.querySelector("[data-zoom=home]").disabled = top === 0;
  }

  function drawNode(node, index, x, wide, tall) {
    const kind = node.colour === undefined ? "whole" : tint("w", node.colour);
    const g = drawing.thing(svg, index, { class: `node ${kind}` });
    // The remainder has no parts: it reaches down to the operations' line.
    const lines = node.children.length === 0 ? deepest - node.depth + 1 : 1;
    const [y, high] = [node.depth * tall, lines * tall - 2];
    add(g, "rect", { x, y, width: Math.max(0.7, wide - 1), height: high, rx: wide > 8 ? 3 : 0 });
    const share = `${(100 * node.seconds / nodes[0].seconds).toFixed(1)} %`;
    const [name, figures] = [fitted(node.name, wide - 12), fitted(share, wide - 12)];
    if (name) add(g, "text", { x: x + 6, y: y + high / 2 + (figures ? -2 : 4) }, name);
    if (name && figures) add(g, "text", { x: x + 6, y: y + high / 2 + 14 }, figures);
  }

  function look(index) {
    top = index;
    hush();
    redraw();
  }

  svg.addEventListener("click", (event) => {
    const thing = event.target.closest("[data-at]");
    if (!thing) return;
    const index = +thing.dataset.at;
    look(index === top ? nodes[index].parent ?? 0 : index);
    drawing.focus(index);
  });
  svg.addEventListener("keydown", (event) => {
    const index = drawing.focused();
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      look(index === top ? nodes[index].parent ?? 0 : index);
    } else if (event.key === "Escape" || event.key === "0") look(0);
  });
  figure.addEventListener("click", (event) => event.target.closest("[data-zoom=home]") && look(0));

  legend(figure.querySelector(".legend"), data.legend, "w", true);
  return redraw;
}
