import type uPlot from "uplot";
import { withUnit } from "../format/money";
import { superscript } from "../format/int";
import { clock, shortDay } from "../format/time";

const DAY = 86_400;
/** Steps between the marks of a time axis, in seconds. */
const STEPS = [60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 61 * DAY, 91 * DAY, 182 * DAY, 365 * DAY];

export const TIME_STEPS: number[] = STEPS;

/** Labels of a UTC time axis: days, and hours where the marks are closer than a day. */
export function timeLabels(splits: readonly number[], step: number): string[] {
  if (step >= 182 * DAY) return splits.map((at) => `${shortDay(at).slice(-3)} ${new Date(at * 1000).getUTCFullYear()}`);
  if (step >= DAY) return splits.map(shortDay);
  return splits.map((at) => (at % DAY === 0 ? shortDay(at) : clock(at)));
}

/** Labels of an axis of time since a start: days, and hours where the marks are closer. */
export function sinceLabels(splits: readonly number[], step: number): string[] {
  return splits.map((at) => (step >= DAY || at % DAY === 0 ? `day ${Math.round(at / DAY)}` : `${Math.round(at / 3600)} h`));
}

/** Labels of an axis in the home asset. */
export function moneyLabels(splits: readonly number[], home: string): string[] {
  return labels(splits).map((figure, at) => {
    const negative = (splits[at] ?? 0) < 0;
    return withUnit(negative ? "\u2212" : "", figure, home);
  });
}

/** Labels of a plain axis. */
export function plainLabels(splits: readonly number[]): string[] {
  return labels(splits).map((figure, at) => ((splits[at] ?? 0) < 0 ? `\u2212${figure}` : figure));
}

/** Sizes only, with as many decimals as the distance of the marks needs. */
function labels(splits: readonly number[]): string[] {
  const size = Math.max(...splits.map(Math.abs));
  const step = splits.length > 1 ? Math.abs((splits[1] ?? 0) - (splits[0] ?? 0)) : size;
  const [unit, suffix] = scaleOf(size, step);
  const decimals = step === 0 ? 2 : decimalsOf(step / unit);
  const style = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return splits.map((value) => (Math.abs(value) / unit).toLocaleString("en-US", style) + suffix);
}

/** As many decimals as write the distance of two marks in full: 2.5 needs one. */
function decimalsOf(step: number): number {
  const wanted = [0, 1, 2, 3, 4, 5, 6, 7].find((digits) => {
    const scaled = step * 10 ** digits;
    return scaled >= 1 - 1e-9 && Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled;
  });
  return wanted ?? 8;
}

/** Shorten large figures, as long as neighbours on the axis stay apart within two decimals. */
function scaleOf(size: number, step: number): [number, string] {
  if (size >= 1e15) {
    const exponent = Math.floor(Math.log10(size));
    return [10 ** exponent, `·10${superscript(exponent)}`];
  }
  for (const [unit, suffix] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= 10 * unit && step >= unit / 100) return [unit, suffix];
  }
  return [1, ""];
}

/** The room that the widest label of an axis needs, in CSS pixels. */
export function labelRoom(zoom: number, size: number, font: string): uPlot.Axis.Size {
  return (chart, values) => {
    const context = chart.ctx;
    context.save();
    context.font = `${size}px ${font}`;
    const widest = Math.max(0, ...(values ?? []).map((label) => context.measureText(label).width));
    context.restore();
    return (Math.ceil(widest) + 14) * zoom;
  };
}
