import { Fragment } from "preact";
import { useState } from "preact/hooks";
import type { Int, WaterfallRow } from "../schema.gen";
import { BarTrack } from "../charts/BarTrack";
import { barSpans, type Span } from "../charts/bars";
import { big } from "../format/int";
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
  const spans = barSpans(rows.map((row) => ({ flow: row.kind === "flow", value: row.value })));
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
              span={spans[at] ?? { from: 0, to: 0, zero: 0, whisker: null }}
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
          <BarTrack span={span} look={row.kind === "flow" ? tone(row.value) : "sum"} flow={row.kind === "flow"} first={first} last={last} />
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

function micro(value: Int): string {
  return big(value).toLocaleString("en-US").replace("-", "\u2212");
}
