import { approx } from "../format/int";
import type { Units } from "../parts/units";
import type { Spread } from "../schema.gen";
import { said } from "./value";
import { TableBlock } from "./TableBlock";

const HEIGHT = 120;
const STRIP = 34;

/** A distribution: bins where it was counted, and a strip of its quantiles, darker where it is likelier. */
export function SpreadBlock({ block, id, units }: { block: Spread; id: string; units: Units }) {
  const values = block.values.map(approx);
  const edges = block.edges.map(approx);
  const counts = block.counts.map(approx);
  const low = Math.min(0, ...values, ...edges);
  const span = Math.max(0, ...values, ...edges) - low || 1;
  const x = (value: number) => ((value - low) / span) * 100;
  const most = Math.max(1, ...counts);
  const top = counts.length > 0 ? HEIGHT : 0;
  const pairs = Math.floor(values.length / 2);
  const text = (value: number) => said(Math.round(value), block.kind, units.home);
  const middle = block.percents.findIndex((percent) => approx(percent) === 50);
  const words = block.percents.map((percent, at) => `${approx(percent)} of 100 below ${said(block.values[at] ?? null, block.kind, units.home)}`);
  return (
    <figure class="chart spread" id={id}>
      <figcaption>{block.caption}</figcaption>
      <svg width="100%" height={top + STRIP} role="img" aria-label={`${block.caption}: ${words.join("; ")}.`}>
        {counts.map((count, at) => {
          const [from, to] = [edges[at] ?? 0, edges[at + 1] ?? 0];
          const height = (count / most) * (HEIGHT - 8);
          return (
            <rect
              key={at}
              class={`bin ${to <= 0 ? "loss" : "gain"}`}
              x={`${x(from)}%`}
              width={`${Math.max(x(to) - x(from) - 0.15, 0.1)}%`}
              y={HEIGHT - height}
              height={height}
            />
          );
        })}
        {Array.from({ length: pairs }, (_, at) => {
          const [from, to] = [values[at] ?? 0, values[values.length - 1 - at] ?? 0];
          return <rect key={at} class="band" x={`${x(from)}%`} width={`${Math.max(x(to) - x(from), 0.3)}%`} y={top + 9} height="16" rx="2" />;
        })}
        {middle >= 0 && <rect class="middle" x={`${x(values[middle] ?? 0)}%`} width="3" y={top + 5} height="24" rx="1" />}
        <line class="zero" x1={`${x(0)}%`} x2={`${x(0)}%`} y1="0" y2={top + STRIP} />
      </svg>
      <p class="ends" aria-hidden="true">
        <span>{text(low)}</span>
        <span>{text(low + span)}</span>
      </p>
      <TableBlock
        block={{
          type: "table",
          caption: block.caption,
          columns: [
            { title: "So many futures", kind: "text" },
            { title: "keep less than", kind: block.kind },
          ],
          rows: block.percents.map((percent, at) => [`${approx(percent)} of 100 below`, block.values[at] ?? null]),
          marked: [],
          empty: "",
          shown: 25,
          bare: false,
        }}
        units={units}
      />
    </figure>
  );
}
