/** The colours of the page's theme, as a canvas needs them. */
export interface Palette {
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly own: string;
  readonly hold: string;
  readonly gain: string;
  readonly loss: string;
  readonly price: string;
  readonly font: string;
}

/** The name of a colour that differs from theme to theme. */
export type Tint = "own" | "hold" | "gain" | "loss" | "price" | "muted";

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"),
    muted: colour("muted"),
    grid: colour("line"),
    own: colour("own"),
    hold: colour("hold"),
    gain: colour("gain"),
    loss: colour("loss"),
    price: colour("price"),
    font: style.fontFamily,
  };
}

/** The `#rrggbb` colour made translucent. */
export function faded(colour: string, alpha: number): string {
  return `${colour}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
}
