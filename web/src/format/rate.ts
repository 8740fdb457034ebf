import type { Int } from "../schema.gen";
import { abs, big, fixed, power10, scientific, sign } from "./int";

/** Basis points as a percentage with two decimals. */
export function percent(bps: Int, signed = false): string {
  const value = big(bps);
  const size = abs(value);
  const figure = size >= power10(9) ? scientific(size, 2) : fixed(size, 2);
  return `${sign(value, signed)}${figure}%`;
}
