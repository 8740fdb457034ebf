import type { Int, TokenInfo } from "../schema.gen";
import { abs, big, divideHalfUp, fixed, power10, scientific, sign } from "./int";

/** The token of a key that is a symbol or a `SYMBOL@network` id. */
export function findToken(tokens: readonly TokenInfo[], key: string): TokenInfo | undefined {
  return tokens.find((token) => token.id === key) ?? tokens.find((token) => token.symbol === key);
}

/** Raw units as a person reads them: six significant digits or so, never zero for what is not. */
export function tokenAmount(raw: Int, decimals: number, signed = false): string {
  const value = big(raw);
  const size = abs(value);
  return sign(value, signed) + figure(size, decimals);
}

/** Raw units to the last digit. */
export function exactTokenAmount(raw: Int, decimals: number): string {
  const value = big(raw);
  return sign(value, false) + trimmed(fixed(abs(value), decimals));
}

function figure(size: bigint, decimals: number): string {
  if (size === 0n) return "0";
  const unit = power10(decimals);
  const whole = size / unit;
  if (whole >= power10(15) || size * power10(9) < unit) return scientific(size, decimals);
  const shown = Math.min(decimals, whole > 0n ? wholeDecimals(whole) : leadingZeros(size, decimals) + 4);
  return trimmed(fixed(divideHalfUp(size, power10(decimals - shown)), shown));
}

function wholeDecimals(whole: bigint): number {
  return Math.max(2, 6 - whole.toString().length);
}

function leadingZeros(size: bigint, decimals: number): number {
  return decimals - size.toString().length;
}

function trimmed(figure: string): string {
  return figure.includes(".") ? figure.replace(/\.?0+$/, "") : figure;
}
