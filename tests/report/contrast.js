// For each element that holds text: the contrast of its colour with the first ground behind it that is opaque (WCAG 2,
// relative luminance). In a chart the ground is that of the figure, and the rectangles that the text stands on.
() => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (top, share, ground) => {
    const [a, b] = [channels(top), channels(ground)];
    return `rgb(${[0, 1, 2].map((i) => share * a[i] + (1 - share) * b[i]).join(",")})`;
  };
  const ground = (element) => {
    let colour = null;
    const rects = element.tagName === "text" && element.closest("[data-at]")?.querySelectorAll("rect") || [];
    for (let up = element; up && !colour; up = up.parentElement) {
      const found = getComputedStyle(up).backgroundColor;
      if (found.startsWith("rgb(")) colour = found;
    }
    for (const rect of rects) {
      const style = getComputedStyle(rect);
      colour = over(style.fill, +style.fillOpacity, colour);
    }
    return colour;
  };
  const told = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest("script, :disabled, #tip[hidden]")) continue;
    const style = getComputedStyle(element);
    const back = ground(element);
    const fore = over(element.namespaceURI.endsWith("svg") ? style.fill : style.color, +style.opacity, back);
    const [dark, light] = [luminance(fore), luminance(back)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) told.push(`${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return told;
}
