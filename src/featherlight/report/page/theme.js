// Before anything is painted: the theme that was chosen the last time, if any. Otherwise the system's holds.
try {
  const theme = localStorage.getItem("featherlight-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // a browser that keeps nothing for files: the system's theme it is
}
