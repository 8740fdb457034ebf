import { superscript } from "./int";

/** A price for display: enough digits to tell two neighbours apart, a power of ten where it is extreme. */
export function price(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e12 || size < 1e-6)) {
    const [mantissa, exponent] = value.toExponential(2).split("e");
    return `${mantissa}\u00a0×\u00a010${superscript(Number(exponent))}`;
  }
  const decimals = size >= 1000 ? 2 : size >= 1 ? 4 : Math.min(10, 4 + Math.floor(-Math.log10(size || 1)));
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, decimals) });
}
