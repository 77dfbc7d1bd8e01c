// Draws every chart of the page from its data, again when its width changes, and switches the theme.

const CHARTS = { accuracy_time: accuracyTime, icicle, roofline, confusion };
const data = JSON.parse(document.getElementById("data").textContent);

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const { chart, chapter } = figure.dataset;
  const own = chapter === undefined ? data[chart] : data.chapters[chapter][chart];
  const redraw = CHARTS[chart](figure, own, { title: `${figure.id}-title`, text: `${figure.id}-text` });
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) redraw();
    width = contentRect.width;
  }).observe(figure.querySelector(".canvas"));
  redraw();
}

const toggle = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
const name = () => { toggle.textContent = theme() === "dark" ? "Light" : "Dark"; };
toggle.addEventListener("click", () => {
  document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
  name();
  try {
    localStorage.setItem("featherlight-theme", theme());
  } catch {
    // kept for this visit alone
  }
});
dark.addEventListener("change", name);
name();
addEventListener("scroll", follow, { passive: true });
