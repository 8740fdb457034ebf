import { BarTrack } from "../charts/BarTrack";
import { barSpans } from "../charts/bars";
import { homeSymbol } from "../format/money";
import { Money, tone } from "../parts/Figures";
import type { Units } from "../parts/units";
import type { Steps } from "../schema.gen";

/** A waterfall; where its rows are uncertain each bar has a whisker from the 5th to the 95th of a hundred. */
export function StepsBlock({ block, id, units }: { block: Steps; id: string; units: Units }) {
  const spans = barSpans(block.rows.map((row) => ({ flow: row.role === "flow", value: row.value, low: row.low, high: row.high })));
  const uncertain = block.rows.some((row) => row.low !== null);
  return (
    <table role="table" class={`waterfall${uncertain ? " uncertain" : ""}`} id={id}>
      <caption class="sr-only">{block.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Row</th>
          <th role="columnheader" scope="col" class="bar-head">
            <span class="sr-only">Bar</span>
          </th>
          <th role="columnheader" scope="col" class="figure">{uncertain ? `mean, ${homeSymbol(units.home)}` : homeSymbol(units.home)}</th>
          {uncertain && <th role="columnheader" scope="col" class="figure">5 to 95 of 100</th>}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {block.rows.map((row, at) => (
          <tr key={`${at}`} role="row" class={`row row-${row.role}`}>
            <th role="rowheader" scope="row">
              <span class="row-label">{row.label}</span>
              {row.note && <span class="row-note">{row.note}</span>}
            </th>
            <td role="cell" class="bar-cell" aria-hidden="true">
              <BarTrack
                span={spans[at] ?? { from: 0, to: 0, zero: 0, whisker: null }}
                look={row.role === "flow" ? tone(row.value) : "sum"}
                flow={row.role === "flow"}
                first={at === 0}
                last={at === block.rows.length - 1}
              />
            </td>
            <td role="cell" class="figure row-value">
              <Money value={row.value} units={units} signed toned />
            </td>
            {uncertain && (
              <td role="cell" class={`figure row-reach${row.low === null ? " nothing" : ""}`}>
                {row.low === null ? "–" : (
                  <>
                    <Money value={row.low} units={units} signed /> to <Money value={row.high} units={units} signed />
                  </>
                )}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
