import type { Page } from "../schema.gen";
import type { Units } from "../parts/units";
import { said, Shown, toneOf } from "./value";

/** The first minute: what is kept, what is risked, what to do next, what would change it; then the figures beside it. */
export function Minute({ page, units }: { page: Page; units: Units }) {
  return (
    <section class="minute" aria-label="In one minute">
      {page.says.map((say) => {
        const figure = say.value === null ? "" : said(say.value, say.kind, units.home);
        return (
          <div key={say.about} id={`say-${say.about}`} class={`say say-${say.about}`}>
            <h2 class="answer-title">{say.title}</h2>
            {say.value !== null && (
              <p class={`say-figure ${toneOf(say.value, say.kind)}${figure.length > 14 ? " long" : ""}`}>
                <Shown value={say.value} kind={say.kind} units={units} />
              </p>
            )}
            <p class="say-words">{say.words}</p>
          </div>
        );
      })}
      {page.figures.length > 0 && (
        <dl class="facts">
          {page.figures.map((one) => (
            <div key={one.title} class="fact">
              <dt>{one.title}</dt>
              <dd class="fact-figure">
                <Shown value={one.value} kind={one.kind} units={units} note={one.note} />
              </dd>
              {one.note && <dd class="fact-note">{one.note}</dd>}
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
