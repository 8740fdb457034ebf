import type { Int } from "../schema.gen";

/** The integer as a bigint, exact whatever its size. */
export function big(value: Int): bigint {
  return BigInt(value);
}

/** The integer as a float, for drawing and for small counts only. */
export function approx(value: Int): number {
  return Number(value);
}

export function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** `n / d` of non-negative integers, halves rounded up: for display only. */
export function divideHalfUp(n: bigint, d: bigint): bigint {
  return (2n * n + d) / (2n * d);
}

export function power10(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** Thousands separators: `1234567` becomes `1,234,567`. */
export function grouped(value: bigint | number): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** `scaled / 10^decimals` with exactly that many decimals. */
export function fixed(scaled: bigint, decimals: number): string {
  const digits = scaled.toString().padStart(decimals + 1, "0");
  const whole = grouped(BigInt(digits.slice(0, digits.length - decimals)));
  return decimals === 0 ? whole : `${whole}.${digits.slice(digits.length - decimals)}`;
}

/** Three significant digits and a power of ten, for what does not fit a line: `1.23 × 10³⁰`. */
export function scientific(value: bigint, decimals: number): string {
  let exponent = value.toString().length - 1;
  let mantissa = exponent >= 2 ? divideHalfUp(value, power10(exponent - 2)) : value * power10(2 - exponent);
  if (mantissa === 1000n) {
    mantissa = 100n;
    exponent += 1;
  }
  return `${fixed(mantissa, 2)}\u00a0×\u00a010${superscript(exponent - decimals)}`;
}

/** An exponent in raised digits. */
export function superscript(exponent: number): string {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return [...exponent.toString()].map((c) => (c === "-" ? "⁻" : digits[Number(c)])).join("");
}

/** `+`, a true minus sign, or nothing; zero never has a sign. */
export function sign(value: bigint, always: boolean): string {
  if (value < 0n) return "\u2212";
  return always && value > 0n ? "+" : "";
}
