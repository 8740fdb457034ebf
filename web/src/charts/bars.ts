import type { Int } from "../schema.gen";
import { approx, big } from "../format/int";

/** A row of a waterfall, as its bar needs it; `low` and `high` where it is uncertain. */
export interface BarRow {
  readonly flow: boolean;
  readonly value: Int;
  readonly low?: Int | null;
  readonly high?: Int | null;
}

/** Where a bar begins and ends, in percent of the width; its whisker where it has one. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly zero: number;
  readonly whisker: readonly [number, number] | null;
}

/** Flows float on the sum so far, totals stand on zero; a whisker spans what the row may be, from where it begins. */
export function barSpans(rows: readonly BarRow[]): Span[] {
  let sum = 0n;
  const ends = rows.map((row) => {
    const from = row.flow ? sum : 0n;
    sum = row.flow ? sum + big(row.value) : big(row.value);
    const reach = [row.low, row.high].map((end) => (end === null || end === undefined ? null : approx((from + big(end)).toString())));
    return { from: approx(from.toString()), to: approx(sum.toString()), reach };
  });
  const all = ends.flatMap(({ from, to, reach }) => [from, to, ...reach.filter((end) => end !== null)]);
  const low = Math.min(0, ...all);
  const high = Math.max(0, ...all);
  const scale = (value: number) => (high === low ? 0 : ((value - low) / (high - low)) * 100);
  return ends.map(({ from, to, reach: [least, most] }) => ({
    from: scale(from),
    to: scale(to),
    zero: scale(0),
    whisker: least === null || least === undefined || most === null || most === undefined ? null : [scale(least), scale(most)],
  }));
}
