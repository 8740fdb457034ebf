import { tone } from "../parts/Figures";

/** Where values lie on a common scale that holds zero, in percent of its width. */
export function zeroScale(values: readonly number[]): (value: number) => number {
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  return (value) => ((value - low) / span) * 100;
}

/** A bar from zero to a value, on a scale that its neighbours share. */
export function ZeroBar({ value, scale }: { value: number; scale: (value: number) => number }) {
  const [zero, end] = [scale(0), scale(value)];
  return (
    <svg class="rival-bar" width="100%" height="8" aria-hidden="true">
      <rect class="track" width="100%" height="8" rx="2" />
      <rect
        class={`bar ${tone(Math.sign(value))}`}
        x={`${Math.min(zero, end)}%`}
        width={`${Math.max(Math.abs(end - zero), 0.4)}%`}
        height="8"
        rx="2"
      />
      <line class="zero" x1={`${zero}%`} x2={`${zero}%`} y1="0" y2="8" />
    </svg>
  );
}
