// What all charts share: elements, shapes, ticks, the box of words beside a thing, and walking by keyboard.

const SVG = "http://www.w3.org/2000/svg";

// An SVG element inside `parent`.
function add(parent, tag, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

// Outlines around (0, 0) of about the same area: families are told apart without colour too.
const SHAPES = [
  (r) => `M${r},0A${r},${r} 0 1 1 ${-r},0A${r},${r} 0 1 1 ${r},0Z`,
  (r) => polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]], r),
  (r) => polygon([[0, -1.25], [1.15, 0.8], [-1.15, 0.8]], r),
  (r) => polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], r),
  (r) => polygon([[0, 1.25], [1.15, -0.8], [-1.15, -0.8]], r),
  (r) => polygon([[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2],
                  [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]], r),
  (r) => polygon([[0, -1.2], [1.14, -0.37], [0.71, 0.97], [-0.71, 0.97], [-1.14, -0.37]], r),
  (r) => polygon([[-1.3, -0.75], [1.3, -0.75], [1.3, 0.75], [-1.3, 0.75]], r),
];

function polygon(corners, r) {
  return "M" + corners.map(([x, y]) => `${(x * r).toFixed(2)},${(y * r).toFixed(2)}`).join("L") + "Z";
}

// A legend in `box`: a shape (or a tile, for what is drawn as one) and a colour a name; `kind` is the letter of the
// colours' classes in the style sheet.
function legend(box, items, kind, tiles = false) {
  box.replaceChildren(...items.map(({ name, colour }) => {
    const item = document.createElement("li");
    const svg = add(item, "svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" });
    if (tiles) add(svg, "rect", { x: -7, y: -7, width: 14, height: 14, rx: 3, class: `tile ${tint(kind, colour)}` });
    else add(svg, "path", { d: shape(colour, 5), class: `mark ${tint(kind, colour)}` });
    item.append(name);
    return item;
  }));
}

const shape = (colour, r) => SHAPES[colour % SHAPES.length](r);
const tint = (kind, colour) => `${kind}${colour % SHAPES.length}`;

// Round numbers in [low, high], about `count` of them: 1, 2 and 5 times powers of ten.
function ticks(low, high, count, log) {
  if (log && high / low > 5) {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const digit of [1, 2, 5]) all.push(digit * 10 ** power);
    }
    const inside = all.filter((value) => value >= low && value <= high);
    return inside.length > count ? inside.filter((value) => /^1(e|0|$)|^0?\.0*1$/.test(String(+value.toPrecision(3))))
                                 : inside;
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high * (1 + 1e-9); value += step) found.push(value);
  return found;
}

// The box of words: at the thing, never outside the window.
const tip = document.getElementById("tip");
let spoken = null; // the thing that it is about

function tell(lines, thing) {
  const [name, ...figures] = lines;
  const strong = document.createElement("strong");
  strong.textContent = name;
  tip.replaceChildren(strong, ...figures.map((line) => {
    const element = document.createElement("span");
    element.textContent = line;
    return element;
  }));
  spoken = thing;
  tip.hidden = false;
  follow();
}

function follow() {
  if (!spoken) return;
  const box = spoken.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const middle = Math.min(Math.max((box.left + box.right) / 2, 0), innerWidth);
  const left = Math.min(Math.max(middle - width / 2, 8), innerWidth - width - 8);
  const above = box.top - height - 10;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : Math.min(box.bottom + 10, innerHeight - height - 8)}px`;
}

function hush() {
  spoken = null;
  tip.hidden = true;
}

// A drawing of things that speak when they are pointed at or have the focus. One of them is in the tab order; arrow
// keys lead from it to the others. `lines(i)` are thing i's words, `next(i, key)` is where an arrow key leads from it.
function stage(canvas, labels, lines, next, first) {
  // Listening for the focus alone would put the drawing itself into the tab order.
  const svg = add(canvas, "svg", {
    role: "group", "aria-labelledby": labels.title, "aria-describedby": labels.text, tabindex: -1,
  });
  let current = first;
  const thingOf = (event) => event.target.closest("[data-at]");
  const find = (index) => svg.querySelector(`[data-at="${index}"]`);

  function enter(index) {
    find(current)?.setAttribute("tabindex", -1);
    current = index;
    const thing = find(index);
    thing?.setAttribute("tabindex", 0);
    return thing;
  }

  svg.addEventListener("pointerover", (event) => {
    const thing = thingOf(event);
    if (thing) tell(lines(+thing.dataset.at), thing);
  });
  svg.addEventListener("pointerout", (event) => thingOf(event) && hush());
  svg.addEventListener("focusin", (event) => {
    const thing = thingOf(event);
    if (thing) tell(lines(+thing.dataset.at), enter(+thing.dataset.at));
  });
  svg.addEventListener("focusout", hush);
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hush();
    const thing = thingOf(event);
    const arrow = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
    if (!thing || !arrow) return;
    event.preventDefault();
    find(next(+thing.dataset.at, event.key))?.focus();
  });

  return {
    svg,
    // An element for thing `index`; what is drawn into it is what can be pointed at.
    thing: (parent, index, attributes = {}) => add(parent, "g", {
      ...attributes, "data-at": index, role: "img", "aria-label": lines(index).join(". "),
      tabindex: index === current ? 0 : -1,
    }),
    focus: (index) => find(index)?.focus(),
    focused: () => (svg.contains(document.activeElement) ? current : null),
    // After drawing: where the one in the tab order is out of view, another takes its place.
    settle() {
      const other = svg.querySelector("[data-at]");
      if (other && !find(current)) enter(+other.dataset.at);
    },
  };
}

// Where arrow keys lead in a row of `count` things.
const inRow = (count) => (index, key) => ({
  ArrowRight: Math.min(index + 1, count - 1), ArrowDown: Math.min(index + 1, count - 1),
  ArrowLeft: Math.max(index - 1, 0), ArrowUp: Math.max(index - 1, 0), Home: 0, End: count - 1,
})[key];

// Text that fits into `width` pixels at 12 pixels a line, cut if need be, "" where not even a few letters do.
function fitted(text, width) {
  const letters = Math.floor(width / 6.4);
  return text.length <= letters ? text : letters < 4 ? "" : text.slice(0, letters - 1) + "…";
}
