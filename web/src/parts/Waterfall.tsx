import { Fragment } from "preact";
import { useState } from "preact/hooks";
import type { Int, WaterfallRow } from "../schema.gen";
import { approx, big } from "../format/int";
import { homeSymbol } from "../format/money";
import { Money, Rate, Tokens, tone } from "./Figures";
import { Section } from "./Section";
import type { Units } from "./units";

interface WaterfallProps {
  readonly rows: readonly WaterfallRow[];
  readonly unexplained: Int;
  readonly unexplainedBound: Int;
  readonly perYearNote: string;
  readonly units: Units;
}

/** From what was earned gross to what is kept: each row a bar, its figures, and the formula on demand. */
export function Waterfall({ rows, unexplained, unexplainedBound, perYearNote, units }: WaterfallProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const allOpen = rows.length > 0 && rows.every((row) => open.has(row.key));
  const perYear = rows.some((row) => row.per_year_bps !== null);
  const spans = barSpans(rows);
  const toggle = (key: string) =>
    setOpen((before) => new Set(before.has(key) ? [...before].filter((k) => k !== key) : [...before, key]));
  return (
    <Section
      id="waterfall"
      title="From gross to what you keep"
      lead={
        <>
          Every row is computed by a formula of its own; the rows add up to what you keep.
          {!perYear && ` Yearly rates are unknown${perYearNote && `: ${perYearNote}`}.`}
        </>
      }
      aside={
        <button
          type="button"
          class="quiet-button no-print"
          aria-expanded={allOpen}
          onClick={() => setOpen(new Set(allOpen ? [] : rows.map((row) => row.key)))}
        >
          {allOpen ? "Hide formulas" : "Show formulas"}
        </button>
      }
    >
      <table role="table" class="waterfall">
        <caption class="sr-only">From gross earnings to what you keep</caption>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">Row</th>
            <th role="columnheader" scope="col" class="bar-head">
              <span class="sr-only">Bar</span>
            </th>
            <th role="columnheader" scope="col" class="figure">{homeSymbol(units.home)}</th>
            {perYear && <th role="columnheader" scope="col" class="figure">per year</th>}
            <th role="columnheader" scope="col" class="figure">Tokens</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, at) => (
            <Row
              key={row.key}
              row={row}
              span={spans[at] ?? { from: 0, to: 0, zero: 0 }}
              first={at === 0}
              last={at === rows.length - 1}
              perYear={perYear}
              open={open.has(row.key)}
              toggle={() => toggle(row.key)}
              units={units}
            />
          ))}
        </tbody>
      </table>
      <p class="unexplained" id="unexplained">
        Left unexplained by these rows: <data value={unexplained.toString()}>{micro(unexplained)}</data>; rounding
        allows up to <data value={unexplainedBound.toString()}>{micro(unexplainedBound)}</data> millionths of one{" "}
        {homeSymbol(units.home)}.
      </p>
    </Section>
  );
}

interface RowProps {
  readonly row: WaterfallRow;
  readonly span: Span;
  readonly first: boolean;
  readonly last: boolean;
  readonly perYear: boolean;
  readonly open: boolean;
  readonly toggle: () => void;
  readonly units: Units;
}

function Row({ row, span, first, last, perYear, open, toggle, units }: RowProps) {
  const formula = `formula-${row.key}`;
  return (
    <Fragment>
      <tr role="row" class={`row row-${row.kind}`} data-key={row.key}>
        <th role="rowheader" scope="row">
          <span class="row-label">{row.label}</span>
          {row.formula && (
            <>
              &nbsp;
              <button
                type="button"
                class="formula-button no-print"
                aria-expanded={open}
                aria-controls={formula}
                aria-label={`Formula of ${row.label}`}
                onClick={toggle}
              >
                ƒ
              </button>
            </>
          )}
          {row.note && <span class="row-note">{row.note}</span>}
        </th>
        <td role="cell" class="bar-cell" aria-hidden="true">
          <Bar row={row} span={span} first={first} last={last} />
        </td>
        <td role="cell" class="figure row-value">
          <Money value={row.value} units={units} signed toned />
        </td>
        {perYear && (
          <td role="cell" class="figure row-year" data-label="per year">
            <Rate bps={row.per_year_bps} signed />
          </td>
        )}
        <td role="cell" class="figure row-tokens">
          <Tokens amounts={row.tokens} units={units} signed />
        </td>
      </tr>
      {row.formula && (
        <tr role="row" class="formula-row" id={formula} hidden={!open}>
          <td role="cell" colSpan={perYear ? 5 : 4}>
            <code>{row.formula}</code>
          </td>
        </tr>
      )}
    </Fragment>
  );
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly zero: number;
}

/** Where each bar begins and ends, in percent of the width: flows float on the sum so far, totals stand on zero. */
export function barSpans(rows: readonly WaterfallRow[]): Span[] {
  let sum = 0n;
  const ends = rows.map((row) => {
    const from = row.kind === "flow" ? sum : 0n;
    sum = row.kind === "flow" ? sum + big(row.value) : big(row.value);
    return [approx(from.toString()), approx(sum.toString())] as const;
  });
  const low = Math.min(0, ...ends.flat());
  const high = Math.max(0, ...ends.flat());
  const scale = (value: number) => (high === low ? 0 : ((value - low) / (high - low)) * 100);
  return ends.map(([from, to]) => ({ from: scale(from), to: scale(to), zero: scale(0) }));
}

function Bar({ row, span, first, last }: { row: WaterfallRow; span: Span; first: boolean; last: boolean }) {
  const left = Math.min(span.from, span.to);
  const style = row.kind === "flow" ? tone(row.value) : "sum";
  return (
    <svg class="bar-track" width="100%" height="100%">
      <line class="zero" x1={`${span.zero}%`} x2={`${span.zero}%`} y1="0" y2="100%" />
      {row.kind === "flow" && !first && <line class="link" x1={`${span.from}%`} x2={`${span.from}%`} y1="0" y2="50%" />}
      {!last && <line class="link" x1={`${span.to}%`} x2={`${span.to}%`} y1="50%" y2="100%" />}
      <svg y="50%" overflow="visible">
        <rect
          class={`bar ${style}`}
          x={`${left}%`}
          y="-8"
          height="16"
          width={`${Math.max(Math.abs(span.to - span.from), 0.35)}%`}
          rx="1.5"
        />
      </svg>
    </svg>
  );
}

function micro(value: Int): string {
  return big(value).toLocaleString("en-US").replace("-", "\u2212");
}
