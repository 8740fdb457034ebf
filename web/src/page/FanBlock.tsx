import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import { moneyLabels } from "../charts/axes";
import { points, polygon } from "../charts/difference";
import { faded, type Palette } from "../charts/palette";
import { TimeChart, type Line } from "../charts/TimeChart";
import { approx } from "../format/int";
import { money } from "../format/money";
import { span } from "../format/time";
import type { Units } from "../parts/units";
import type { Fan, Table } from "../schema.gen";
import { Behind } from "./Behind";

const MICRO = 1e6;
/** Rows of the table behind the picture. */
const ROWS = 24;

/** Quantiles over time: the middle one as a line, the others as bands around it. */
export function FanBlock({ block, id, units }: { block: Fan; id: string; units: Units }) {
  const time = useMemo(() => block.time.map(approx), [block]);
  const middle = (block.lines.length - 1) / 2;
  const lines = useMemo<Line[]>(
    () =>
      block.lines.map((line, at) => ({
        label: line.label,
        values: line.values.map((value) => approx(value) / MICRO),
        tint: at === middle ? "own" : "price",
        width: at === middle ? 2 : 0.75,
      })),
    [block],
  );
  const last = block.lines.map((line) => `${line.label} ${money(line.values.at(-1) ?? 0, units.home)}`).join(", ");
  return (
    <>
      <TimeChart
        id={id}
        description={`${block.caption}. At the end: ${last}.`}
        time={time}
        lines={lines}
        axis={(splits) => moneyLabels(splits, units.home)}
        figure={(line, at) => money(block.lines[line]?.values[at] ?? 0, units.home)}
        underlay={drawBands}
        since
      />
      <Behind block={behind(block)} units={units} />
    </>
  );
}

/** Fill between the outermost pair of lines, then between the next: what is likelier is darker. */
function drawBands(chart: uPlot, palette: Palette): void {
  const count = chart.data.length - 1;
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = faded(palette.price, 0.16);
  for (let low = 1; low < count - low + 1; low++) {
    ctx.fill(polygon([...points(chart, low), ...points(chart, count - low + 1).reverse()]));
  }
  ctx.restore();
}

function behind(block: Fan): Table {
  const step = Math.max(1, Math.ceil(block.time.length / ROWS));
  const shown = block.time.map((_, at) => at).filter((at) => at % step === 0 || at === block.time.length - 1);
  return {
    type: "table",
    caption: block.caption,
    columns: [{ title: "after", kind: "text" }, ...block.lines.map((line) => ({ title: line.label, kind: "money" as const }))],
    rows: shown.map((at) => [span(approx(block.time[at] ?? 0)), ...block.lines.map((line) => line.values[at] ?? null)]),
    marked: [],
    empty: "",
    shown: 25,
    bare: false,
  };
}
