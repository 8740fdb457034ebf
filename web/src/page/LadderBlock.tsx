import { approx } from "../format/int";
import { moment, span } from "../format/time";
import type { Ladder } from "../schema.gen";

/** What comes when: from the earliest to the latest moment of each step, a mark where it usually comes. */
export function LadderBlock({ block, id }: { block: Ladder; id: string }) {
  const start = approx(block.start);
  const latest = Math.max(...block.rungs.map((rung) => approx(rung.worst ?? rung.usual)), start + 1);
  const open = block.rungs.some((rung) => rung.worst === null);
  const reach = (latest - start) * (open ? 1.12 : 1);
  const x = (at: number) => ((at - start) / reach) * 100;
  const when = (at: number) => (block.dated ? `${moment(at)} UTC` : span(at - start));
  return (
    <figure class="chart ladder" id={id}>
      <figcaption>
        <span>{block.caption}</span>
        <ul class="legend">
          <li>
            <span class="ladder-key reach" aria-hidden="true" /> earliest to latest
          </li>
          <li>
            <span class="ladder-key usual" aria-hidden="true" /> usually
          </li>
        </ul>
      </figcaption>
      <ol>
        {block.rungs.map((rung, at) => {
          const [first, usual] = [approx(rung.first), approx(rung.usual)];
          const worst = rung.worst === null ? null : approx(rung.worst);
          return (
            <li key={at} class="rung">
              <span class="rung-label">{rung.label}</span>
              <span class="rung-when">
                {usual === start ? "at once" : `usually ${span(usual - start)}`}
                {worst === null ? ", no bound" : worst > usual ? `, at worst ${span(worst - start)}` : ""}
              </span>
              <svg width="100%" height="18" aria-hidden="true">
                <rect class="track" width="100%" height="6" y="6" rx="3" />
                <rect
                  class={`reach${worst === null ? " open" : ""}`}
                  x={`${x(first)}%`}
                  width={`${Math.max((worst === null ? 100 : x(worst)) - x(first), 0.6)}%`}
                  y="6"
                  height="6"
                  rx="3"
                />
                <svg x={`${x(usual)}%`} overflow="visible">
                  <rect class="usual" x={usual === start ? 0 : -4} width="5" height="18" rx="2" />
                </svg>
              </svg>
              <span class="rung-note">
                {block.dated && `first ${when(first)}${usual > first ? `, usually ${when(usual)}` : ""}${worst !== null && worst > usual ? `, at worst ${when(worst)}` : ""}. `}
                {rung.note}
              </span>
            </li>
          );
        })}
      </ol>
    </figure>
  );
}
