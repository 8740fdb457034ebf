import { useMemo } from "preact/hooks";
import type { Int, PositionRow, Series } from "../schema.gen";
import { approx } from "../format/int";
import { money } from "../format/money";
import { price } from "../format/price";
import { day } from "../format/time";
import type { Units } from "../parts/units";
import { moneyLabels, plainLabels } from "./axes";
import { drawDifference } from "./difference";
import { bandsOf, drawBands, priceRange } from "./ranges";
import { TimeChart, type Line } from "./TimeChart";

const MICRO = 1e6;

interface SeriesProps {
  readonly series: Series;
  readonly units: Units;
}

/** What the position is worth at each moment, against the same capital simply held. */
export function ValueChart({ series, units }: SeriesProps) {
  const time = useTimes(series);
  const lines = useMemo<Line[]>(
    () => [
      { label: "This position", values: wholes(series.value), tint: "own" },
      { label: "Held", values: wholes(series.hold), tint: "hold", width: 1.25 },
    ],
    [series],
  );
  return (
    <TimeChart
      id="chart-value"
      description={`Value over time: ${course(series.value, series, units)}; held: ${course(series.hold, series, units)}.`}
      time={time}
      lines={lines}
      axis={(splits) => moneyLabels(splits, units.home)}
      figure={(line, at) => moneyAt([series.value, series.hold], line, at, units)}
      underlay={drawDifference}
    />
  );
}

/** Costs smaller than this share of the fees would be a line on the floor of one picture. */
const COSTS_SEEN = 0.1;

/** What was earned and what it cost, summed up over time: on one scale, or on two where one would hide the costs. */
export function FlowChart({ series, costsKnown, units }: SeriesProps & { readonly costsKnown: boolean }) {
  const time = useTimes(series);
  const [fees, costs] = useMemo<[Line, Line]>(
    () => [
      { label: "Income", values: wholes(series.fees), tint: "gain", filled: true },
      { label: "Costs", values: wholes(series.costs), tint: "loss", filled: true, stepped: true },
    ],
    [series],
  );
  const together = useMemo(() => reach(costs) >= COSTS_SEEN * reach(fees), [fees, costs]);
  const panels = useMemo(
    () => (!costsKnown ? [[fees]] : together ? [[fees, costs]] : [[fees], [costs]]),
    [fees, costs, costsKnown, together],
  );
  const figures = together && costsKnown ? [[series.fees, series.costs]] : [[series.fees], [series.costs]];
  return (
    <>
      {panels.map((lines, panel) => (
        <TimeChart
          key={lines.map((line) => line.label).join()}
          id={panel === 0 ? "chart-flows" : "chart-costs"}
          description={`Summed up over time. ${lines
            .map((line, at) => `${line.label} ${course(figures[panel]?.[at] ?? [], series, units)}`)
            .join("; ")}.`}
          time={time}
          lines={lines}
          axis={(splits) => moneyLabels(splits, units.home)}
          figure={(line, at) => moneyAt(figures[panel] ?? [], line, at, units)}
          low={panel > 0}
          {...(panel > 0 && { remark: "on a scale of their own" })}
        />
      ))}
    </>
  );
}

function reach(line: Line): number {
  return line.values.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
}

interface PriceProps {
  readonly series: Series;
  readonly positions: readonly PositionRow[];
  readonly units: Units;
}

/** The price, and the range of each position while it was open. */
export function PriceChart({ series, positions }: PriceProps) {
  const time = useTimes(series);
  const known = series.price.some((value) => value !== null);
  const bands = useMemo(() => bandsOf(positions, time.at(-1) ?? 0), [positions, time]);
  const limits = useMemo(() => priceRange(series.price, bands), [series, bands]);
  const label = series.price_label || "price";
  const lines = useMemo<Line[]>(() => [{ label, values: series.price, tint: "price", width: 1.5 }], [series]);
  const show = (at: number) => {
    const value = series.price[at] ?? null;
    return value === null ? "unknown" : price(value);
  };
  if (!known) return null;
  return (
    <TimeChart
      id="chart-price"
      description={`${label} from ${show(0)} to ${show(time.length - 1)}, with the ranges of ${bands.length} positions.`}
      time={time}
      lines={lines}
      axis={plainLabels}
      figure={(_line, at) => show(at)}
      underlay={(chart, palette, zoom) => drawBands(chart, bands, palette, zoom)}
      range={(_chart, low) => (low === null ? [null, null] : [...limits])}
      {...(bands.length > 0 && { extra: [{ label: "your ranges", tint: "own" as const }] })}
    />
  );
}

function useTimes(series: Series): readonly number[] {
  return useMemo(() => series.time.map(approx), [series]);
}

function wholes(values: readonly Int[]): number[] {
  return values.map((value) => approx(value) / MICRO);
}

function moneyAt(curves: readonly (readonly Int[])[], line: number, at: number, units: Units): string {
  const value = curves[line]?.[at];
  return value === undefined ? "unknown" : money(value, units.home);
}

function course(values: readonly Int[], series: Series, units: Units): string {
  const first = values[0];
  const last = values.at(-1);
  if (first === undefined || last === undefined) return "none";
  const [from, to] = [series.time[0] ?? 0, series.time.at(-1) ?? 0];
  return `from ${money(first, units.home)} on ${day(from)} to ${money(last, units.home)} on ${day(to)}`;
}
