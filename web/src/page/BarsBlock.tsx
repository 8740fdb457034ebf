import { approx } from "../format/int";
import { tone } from "../parts/Figures";
import type { Units } from "../parts/units";
import type { Bars } from "../schema.gen";
import { Shown } from "./value";

/** Bars from a common zero, each with its figure. */
export function BarsBlock({ block, id, units }: { block: Bars; id: string; units: Units }) {
  const values = block.rows.map((row) => approx(row.value));
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const zero = (-low / span) * 100;
  return (
    <figure class="bars" id={id} aria-label={block.caption}>
      <figcaption>{block.caption}</figcaption>
      <ul>
        {block.rows.map((row, at) => {
          const end = (((values[at] ?? 0) - low) / span) * 100;
          return (
            <li key={`${at}`} class={row.own ? "rival own" : "rival"}>
              <span class="rival-name">
                {row.label} {row.note && <small>{row.note}</small>}
              </span>
              <span class="rival-keep">
                <Shown value={row.value} kind={block.kind} units={units} />
              </span>
              <svg class="rival-bar" width="100%" height="8" aria-hidden="true">
                <rect class="track" width="100%" height="8" rx="2" />
                <rect
                  class={`bar ${tone(row.value)}`}
                  x={`${Math.min(zero, end)}%`}
                  width={`${Math.max(Math.abs(end - zero), 0.4)}%`}
                  height="8"
                  rx="2"
                />
                <line class="zero" x1={`${zero}%`} x2={`${zero}%`} y1="0" y2="8" />
              </svg>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}
