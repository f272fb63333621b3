// The theme that was chosen on this page before, set before anything is drawn: no flicker.
(() => {
  const root = document.documentElement;
  const key = "tagkeras-report-theme";
  const remember = (theme) => { try { localStorage.setItem(key, theme); } catch { /* forgotten */ } };
  let theme = null;
  try { theme = localStorage.getItem(key); } catch { /* no storage: the system's theme */ }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.classList.add("has-script");
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#theme")) return;
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
  });
})();
