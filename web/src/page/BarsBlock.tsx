import { ZeroBar, zeroScale } from "../charts/ZeroBar";
import { approx } from "../format/int";
import type { Units } from "../parts/units";
import type { Bars } from "../schema.gen";
import { Shown } from "./value";

/** Bars from a common zero, each with its figure. */
export function BarsBlock({ block, id, units }: { block: Bars; id: string; units: Units }) {
  const scale = zeroScale(block.rows.map((row) => approx(row.value)));
  return (
    <figure class="bars" id={id} aria-label={block.caption}>
      <figcaption>{block.caption}</figcaption>
      <ul>
        {block.rows.map((row, at) => (
          <li key={at} class={row.own ? "rival own" : "rival"}>
            <span class="rival-name">
              {row.label} {row.note && <small>{row.note}</small>}
            </span>
            <span class="rival-keep">
              <Shown value={row.value} kind={block.kind} units={units} />
            </span>
            <ZeroBar value={approx(row.value)} scale={scale} />
          </li>
        ))}
      </ul>
    </figure>
  );
}
