import type uPlot from "uplot";
import { faded, type Palette } from "./palette";

/** Fill between the first two lines: in the colour of gain where the first is above, of loss where it is below. */
export function drawDifference(chart: uPlot, palette: Palette): void {
  const { ctx, bbox } = chart;
  const first = points(chart, 1);
  const second = points(chart, 2);
  if (first.length < 2 || second.length < 2) return;
  const between = polygon([...first, ...second.reverse()]);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  // `second` now runs from right to left; close it along the top and along the bottom of the plot.
  for (const [edge, colour] of [
    [bbox.top, palette.gain],
    [bbox.top + bbox.height, palette.loss],
  ] as const) {
    ctx.save();
    ctx.clip(polygon([...second, [second.at(-1)?.[0] ?? 0, edge], [second[0]?.[0] ?? 0, edge]]));
    ctx.fillStyle = faded(colour, 0.2);
    ctx.fill(between, "evenodd");
    ctx.restore();
  }
  ctx.restore();
}

export type Point = readonly [number, number];

/** Where a line of the chart runs, in pixels of the canvas. */
export function points(chart: uPlot, line: number): Point[] {
  const time = chart.data[0];
  const values = chart.data[line] ?? [];
  return [...values].flatMap((value, at): Point[] =>
    value === null || value === undefined
      ? []
      : [[chart.valToPos(time[at] ?? 0, "x", true), chart.valToPos(value, "y", true)]],
  );
}

/** The area within corners. */
export function polygon(corners: readonly Point[]): Path2D {
  const path = new Path2D();
  for (const [x, y] of corners) path.lineTo(x, y);
  path.closePath();
  return path;
}
