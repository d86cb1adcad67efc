// Light or dark, as it was chosen here: before anything is drawn, so that nothing flashes.
try {
  const chosen = localStorage.getItem("vestal-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // No storage, no choice: as the system has it.
}
