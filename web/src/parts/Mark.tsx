/** The mark of tidemill: a wheel over moving water. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <g fill="none" stroke="currentColor" stroke-linecap="round">
        <circle cx="16" cy="13" r="9" stroke-width="2.2" />
        <path stroke-width="1.8" d="M16 4v18M7 13h18M9.6 6.6l12.8 12.8M22.4 6.6 9.6 19.4" />
        <path stroke-width="2.2" d="M2 26.5c2.3-2 4.7-2 7 0s4.7 2 7 0 4.7-2 7 0 4.7 2 7 0" />
      </g>
    </svg>
  );
}
