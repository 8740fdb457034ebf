import type { Int } from "../schema.gen";
import { abs, big, divideHalfUp, fixed, power10, scientific, sign } from "./int";

const MICRO = 6;
const WHOLE = power10(MICRO);
/** From this many whole units on, a figure is shown as a power of ten. */
const HUGE = power10(15);

/** Currencies that have a sign of their own; any other home asset follows its amounts by symbol. */
const SIGNS: Readonly<Record<string, string>> = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" };
/** Assets of about the worth of a currency unit: two decimals say enough from one unit on. */
const CENTS = new Set(["USD", "EUR", "GBP", "JPY", "CHF", "USDC", "USDC.E", "USDT", "DAI", "USDS", "EURC", "FRAX", "LUSD"]);

export interface MoneyStyle {
  /** Write a plus sign before what is above zero. */
  readonly signed?: boolean;
  /** Leave the unit to a heading. */
  readonly bare?: boolean;
}

/** The symbol of a home asset given as `SYMBOL` or `SYMBOL@network`. */
export function homeSymbol(home: string): string {
  return home.split("@")[0] ?? home;
}

/** Home micro-units as a person reads them; what is not zero is never shown as zero. */
export function money(micro: Int, home: string, style: MoneyStyle = {}): string {
  const value = big(micro);
  const size = abs(value);
  const decimals = shownDecimals(size, CENTS.has(homeSymbol(home).toUpperCase()));
  const figure =
    size >= HUGE * WHOLE ? scientific(size, MICRO) : fixed(divideHalfUp(size, power10(MICRO - decimals)), decimals);
  const prefix = sign(value, style.signed ?? false);
  return style.bare ? prefix + figure : withUnit(prefix, figure, home);
}

/** Home micro-units to the last digit. */
export function exactMoney(micro: Int, home: string): string {
  const value = big(micro);
  return withUnit(sign(value, false), fixed(abs(value), MICRO), home);
}

/** Put sign, figure and unit together. */
export function withUnit(prefix: string, figure: string, home: string): string {
  const symbol = homeSymbol(home);
  const currency = SIGNS[symbol.toUpperCase()];
  return currency === undefined ? `${prefix}${figure}\u00a0${symbol}` : `${prefix}${currency}${figure}`;
}

function shownDecimals(size: bigint, cents: boolean): number {
  if (cents) {
    if (size === 0n || size >= WHOLE) return 2;
    return size >= 100n ? 4 : 6;
  }
  if (size === 0n || size >= 1000n * WHOLE) return 2;
  return size >= WHOLE ? 4 : 6;
}
