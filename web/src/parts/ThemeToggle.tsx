import { useEffect, useState } from "preact/hooks";
import { currentTheme, onThemeChange, setTheme } from "../report/theme";

/** Switches between light and dark; until it is used the page follows the system. */
export function ThemeToggle() {
  const [theme, show] = useState(currentTheme());
  useEffect(() => onThemeChange(() => show(currentTheme())), []);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      class="theme-toggle no-print"
      aria-label={`Switch to ${other} theme`}
      title={`Switch to ${other} theme`}
      onClick={() => setTheme(other)}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        {theme === "dark" ? (
          <g fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round">
            <circle cx="10" cy="10" r="3.6" fill="currentColor" stroke="none" />
            <path d="M10 1.8v2M10 16.2v2M1.8 10h2M16.2 10h2M4.2 4.2l1.4 1.4M14.4 14.4l1.4 1.4M15.8 4.2l-1.4 1.4M5.6 14.4l-1.4 1.4" />
          </g>
        ) : (
          <path fill="currentColor" d="M16.8 12.3A7.2 7.2 0 0 1 7.7 3.2a7.2 7.2 0 1 0 9.1 9.1Z" />
        )}
      </svg>
    </button>
  );
}
