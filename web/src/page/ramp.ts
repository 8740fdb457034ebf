/** A ramp from dark to light whose lightness only rises, so that it reads in grey, in both themes and by any eye. */
const STOPS: readonly (readonly [number, number, number])[] = [
  [38, 32, 72],
  [46, 68, 112],
  [45, 108, 128],
  [74, 148, 132],
  [146, 186, 132],
  [226, 220, 150],
];

/** The colour at a share of the ramp, and the ink that stands out on it. */
export function rampAt(share: number): { readonly fill: string; readonly ink: string } {
  const at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const left = Math.min(Math.floor(at), STOPS.length - 2);
  const [from, to] = [STOPS[left] ?? [0, 0, 0], STOPS[left + 1] ?? [0, 0, 0]];
  const mixed = [0, 1, 2].map((part) => Math.round((from[part] ?? 0) + ((to[part] ?? 0) - (from[part] ?? 0)) * (at - left)));
  return { fill: `rgb(${mixed.join(" ")})`, ink: luminance(mixed) > 0.19 ? "#0c1418" : "#fff" };
}

function luminance(colour: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
