import type uPlot from "uplot";
import type { PositionRow } from "../schema.gen";
import { approx } from "../format/int";
import { faded, type Palette } from "./palette";

/** A position's range over its life, in seconds and prices. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
}

/** The bands of positions that have a range; one that is still open lasts to `end`. */
export function bandsOf(positions: readonly PositionRow[], end: number): Band[] {
  return positions.flatMap((row) =>
    row.price_lower === null || row.price_upper === null
      ? []
      : [
          {
            from: approx(row.opened),
            to: row.closed === null ? end : approx(row.closed),
            low: Math.min(row.price_lower, row.price_upper),
            high: Math.max(row.price_lower, row.price_upper),
          },
        ],
  );
}

/** Price limits that show the path and the ranges near it; a full range does not flatten the path. */
export function priceRange(prices: readonly (number | null)[], bands: readonly Band[]): [number, number] {
  const known = prices.filter((value) => value !== null);
  const low = Math.min(...known);
  const high = Math.max(...known);
  const reach = (high - low) * 1.5 || high * 0.05;
  const near = bands.flatMap((band) => [band.low, band.high]).filter((at) => at >= low - reach && at <= high + reach);
  const bottom = Math.min(low, ...near);
  const top = Math.max(high, ...near);
  const margin = (top - bottom) * 0.06 || high * 0.02 || 1;
  return [bottom - margin, top + margin];
}

/** Draw the bands beneath the price. */
export function drawBands(chart: uPlot, bands: readonly Band[], palette: Palette, zoom: number): void {
  const { ctx, bbox } = chart;
  const x = (at: number) => clamp(chart.valToPos(at, "x", true), bbox.left, bbox.left + bbox.width);
  const y = (at: number) => clamp(chart.valToPos(at, "y", true), bbox.top, bbox.top + bbox.height);
  const line = Math.max(1, zoom * devicePixelRatio);
  ctx.save();
  for (const band of bands) {
    const left = x(band.from);
    const right = x(band.to);
    if (right <= left) continue;
    const top = y(band.high);
    const bottom = y(band.low);
    ctx.fillStyle = faded(palette.own, 0.17);
    ctx.fillRect(left, top, right - left, bottom - top);
    ctx.fillStyle = faded(palette.own, 0.75);
    if (top > bbox.top) ctx.fillRect(left, top, right - left, line);
    if (bottom < bbox.top + bbox.height) ctx.fillRect(left, bottom - line, right - left, line);
    ctx.fillStyle = faded(palette.own, 0.35);
    ctx.fillRect(left, top, line, bottom - top);
  }
  ctx.restore();
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
