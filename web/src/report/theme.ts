/** The theme of the page: the reader's choice, else the system's; paper is always light. */
export type Theme = "light" | "dark";

const KEY = "tidemill-theme";
const CHANGED = "tidemill-theme-changed";
const system = matchMedia("(prefers-color-scheme: dark)");

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A page opened from a file may have no storage; the choice then lasts as long as the page.
  }
  dispatchEvent(new Event(CHANGED));
}

/** Take up the choice of an earlier visit. */
export function restoreTheme(): void {
  try {
    const stored = localStorage.getItem(KEY);
    if (stored === "light" || stored === "dark") document.documentElement.dataset["theme"] = stored;
  } catch {
    // As above.
  }
}

/** Call `listener` when the theme shown has changed; returns what stops it. */
export function onThemeChange(listener: () => void): () => void {
  addEventListener(CHANGED, listener);
  system.addEventListener("change", listener);
  return () => {
    removeEventListener(CHANGED, listener);
    system.removeEventListener("change", listener);
  };
}
