import type { Int, TokenInfo } from "../schema.gen";
import { abs, big, divideHalfUp, fixed, power10, scientific, sign } from "./int";

/** The token of a key that is a symbol or a `SYMBOL@network` id. */
export function findToken(tokens: readonly TokenInfo[], key: string): TokenInfo | undefined {
  return tokens.find((token) => token.id === key) ?? tokens.find((token) => token.symbol === key);
}

/** The symbol; with its network where the key names one and the study has the same symbol on two. */
export function tokenLabel(tokens: readonly TokenInfo[], token: TokenInfo, key: string): string {
  const shared = tokens.filter((other) => other.symbol === token.symbol).length > 1;
  return shared && key === token.id ? token.id : token.symbol;
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
  return trimmed(fixed(divideHalfUp(size, power10(decimals - shown)), shown), whole > 0n ? 2 : 0);
}

function wholeDecimals(whole: bigint): number {
  return Math.max(2, 6 - whole.toString().length);
}

function leadingZeros(size: bigint, decimals: number): number {
  return decimals - size.toString().length;
}

/** Without the zeros that end a fraction; a fraction that stays keeps `least` decimals. */
function trimmed(figure: string, least = 0): string {
  if (!figure.includes(".")) return figure;
  const bare = figure.replace(/\.?0+$/, "");
  const decimals = bare.includes(".") ? bare.length - bare.indexOf(".") - 1 : 0;
  return decimals === 0 ? bare : bare + "0".repeat(Math.max(0, least - decimals));
}
