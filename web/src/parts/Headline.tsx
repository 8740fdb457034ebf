import type { ComponentChildren } from "preact";
import { ZeroBar, zeroScale } from "../charts/ZeroBar";
import { Shown } from "../page/value";
import type { Comparison, Headline as HeadlineData, Int, Say, StudyInfo } from "../schema.gen";
import { abs, approx, big } from "../format/int";
import { homeSymbol, money } from "../format/money";
import { percent } from "../format/rate";
import { duration } from "../format/time";
import { Money, None, Rate, Tokens, tone } from "./Figures";
import type { Units } from "./units";

interface HeadlineProps {
  readonly headline: HeadlineData;
  readonly study: StudyInfo;
  readonly comparisons: readonly Comparison[];
  /** False where the source of the figures (logs) does not hold network fees. */
  readonly feesKnown: boolean;
  /** What the page says of the result in words: the risk and the next step are shown here. */
  readonly says: readonly Say[];
  readonly units: Units;
}

/** The answer first: what a person keeps, at their size, and whether holding would have been better. */
export function Headline({ headline, study, comparisons, feesKnown, says, units }: HeadlineProps) {
  const period = duration(approx(study.end) - approx(study.start));
  const hold = holding(comparisons);
  const figure = money(headline.keep, units.home, { signed: true });
  return (
    <section class="headline" aria-labelledby="headline-title">
      <div class="answer">
        <h2 id="headline-title" class="answer-title">
          What you keep
        </h2>
        <p class={`answer-figure ${tone(headline.keep)}${figure.length > 14 ? " long" : ""}`} id="keep">
          <Money value={headline.keep} units={units} signed />
        </p>
        <p class="answer-line">
          <Rate bps={headline.keep_bps} signed /> on <Money value={headline.capital_value} units={units} /> in {period},{" "}
          {feesKnown ? "after every cost" : "before network fees"}, counted in {homeSymbol(units.home)}
        </p>
        {hold && <AgainstHolding keep={headline.keep} hold={hold} units={units} />}
      </div>
      <Rivals keep={headline.keep} keepBps={headline.keep_bps} comparisons={comparisons} units={units} />
      <Facts headline={headline} study={study} units={units} />
      {says
        .filter((say) => say.about === "risk" || say.about === "next")
        .map((say) => (
          <p key={say.about} class={`notice notice-change notice-${say.about}`}>
            <strong>{say.title}:</strong> {say.value !== null && <Shown value={say.value} kind={say.kind} units={units} toned />} {say.words}
          </p>
        ))}
      {headline.what_would_change && (
        <p class="notice notice-change notice-what">
          <strong>What would change this:</strong> {headline.what_would_change}
        </p>
      )}
    </section>
  );
}

/** The comparison with simply holding, if the document has one. */
export function holding(comparisons: readonly Comparison[]): Comparison | undefined {
  return comparisons.find((other) => /\bhold/i.test(other.name));
}

function AgainstHolding({ keep, hold, units }: { keep: Int; hold: Comparison; units: Units }) {
  const gap = big(keep) - big(hold.keep);
  const verdict = gap > 0n ? "better" : gap < 0n ? "worse" : "neither better nor worse";
  return (
    <p class="answer-hold" id="against-hold">
      <span class={`verdict ${tone(gap.toString())}`}>
        {gap !== 0n && <Money value={abs(gap).toString()} units={units} />} {verdict}
      </span>{" "}
      than holding, which keeps <Money value={hold.keep} units={units} signed />
    </p>
  );
}

/** Bars from a common zero: this position and what the same capital does otherwise. */
function Rivals({ keep, keepBps, comparisons, units }: {
  keep: Int;
  keepBps: Int;
  comparisons: readonly Comparison[];
  units: Units;
}) {
  if (comparisons.length === 0) return null;
  const rows = [{ name: "This position", keep, keep_bps: keepBps, own: true }, ...comparisons.slice(0, 5).map(
    (other) => ({ ...other, own: false }),
  )];
  const values = rows.map((row) => approx(row.keep));
  const scale = zeroScale(values);
  return (
    <figure class="rivals" aria-label="What you keep, compared">
      <figcaption>The same capital, the same days</figcaption>
      <ul>
        {rows.map((row, at) => {
          return (
            <li key={`${at}-${row.name}`} class={row.own ? "rival own" : "rival"}>
              <span class="rival-name">{row.name}</span>
              <span class="rival-keep">
                {money(row.keep, units.home, { signed: true })} <small>{percent(row.keep_bps, true)}</small>
              </span>
              <ZeroBar value={values[at] ?? 0} scale={scale} />
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

function Facts({ headline, study, units }: { headline: HeadlineData; study: StudyInfo; units: Units }) {
  const day = headline.break_even_day;
  return (
    <dl class="facts">
      <Fact title="You put in" note={<Tokens amounts={study.capital} units={units} />}>
        <Money value={headline.capital_value} units={units} />
      </Fact>
      <Fact title="You end with">
        <Money value={headline.final_value} units={units} />
      </Fact>
      <Fact
        title="Per year"
        note={
          headline.money_weighted_bps === null ? (
            headline.per_year_note
          ) : (
            <>
              {headline.per_year_note}; money-weighted <Rate bps={headline.money_weighted_bps} signed />: each amount from when it came
            </>
          )
        }
      >
        <Rate bps={headline.per_year_bps} signed note={headline.per_year_note} />
      </Fact>
      <Fact title="Break-even" note={headline.break_even_note}>
        {day === null ? (
          <None note={headline.break_even_note} />
        ) : (
          <>
            day <data value={day.toString()}>{day.toFixed(1)}</data>
          </>
        )}
      </Fact>
      <Fact title="Smallest sensible capital" note={headline.minimum_capital_note}>
        {headline.minimum_capital === null ? (
          <None note={headline.minimum_capital_note} />
        ) : (
          <Money value={headline.minimum_capital} units={units} />
        )}
      </Fact>
    </dl>
  );
}

function Fact({ title, note, children }: { title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{title}</dt>
      <dd class="fact-figure">{children}</dd>
      {note && <dd class="fact-note">{note}</dd>}
    </div>
  );
}
