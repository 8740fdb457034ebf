import { useMemo, useState } from "preact/hooks";
import type { Heat, Table } from "../schema.gen";
import { approx } from "../format/int";
import type { Units } from "../parts/units";
import { Behind } from "./Behind";
import { rampAt } from "./ramp";
import { said } from "./value";

/** Cells in a row up to which each shows its figure. */
const FIGURES = 9;
const ROOM = 64;

/** A map of values over two axes; arrow keys or the pointer move over it, the line below says what is there. */
export function HeatBlock({ block, id, units }: { block: Heat; id: string; units: Units }) {
  const [bestRow = 0, bestColumn = 0] = block.best.map(Number);
  const [at, move] = useState<readonly [number, number]>([bestRow, bestColumn]);
  const [low, high] = useMemo(() => reach(block), [block]);
  const columns = block.columns.length;
  const tall = block.rows.length <= 6 ? 38 : block.rows.length <= 14 ? 28 : 16;
  const share = (value: number) => (high === low ? 1 : (value - low) / (high - low));
  const near = new Set(block.near.map((cell) => cell.join()));
  const rough = useMemo(() => new Set(block.estimated.map((cell) => cell.join())), [block]);
  const onKey = (event: KeyboardEvent) => {
    const step = ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] } as const)[event.key];
    if (!step) return;
    event.preventDefault();
    move([clamp(at[0] + step[0], block.rows.length), clamp(at[1] + step[1], columns)]);
  };
  const onPointer = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * block.rows.length);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    move([clamp(row, block.rows.length), clamp(column, columns)]);
  };
  const cell = (row: number, column: number) => block.cells[row]?.[column] ?? null;
  const words = (row: number, column: number) =>
    `${place(block, row, column)}: ${cell(row, column) === null ? "not tried" : said(cell(row, column), block.kind, units.home)}` +
    (rough.has(`${row},${column}`) ? " (estimated)" : "");
  const figured = columns <= FIGURES;
  return (
    <figure class="chart heat" id={id}>
      <figcaption>
        <span>{block.caption}</span>
        <Scale low={said(low, block.kind, units.home)} high={said(high, block.kind, units.home)} />
      </figcaption>
      <div class="heat-frame">
        <div class="heat-rows" aria-hidden="true">
          {block.rows.map((label, row) => (
            <span key={row} style={{ height: `${tall}px` }}>
              {row % every(block.rows.length, 24) === 0 ? label : ""}
            </span>
          ))}
        </div>
        <svg
          class="heat-map"
          width="100%"
          height={tall * block.rows.length}
          role="img"
          tabindex={0}
          aria-label={`${block.caption}. From ${said(low, block.kind, units.home)} to ${said(high, block.kind, units.home)}; the best is at ${words(bestRow, bestColumn)}. Arrow keys read one cell after another; a table follows.`}
          onKeyDown={onKey}
          onPointerMove={onPointer}
          onPointerDown={onPointer}
        >
          {block.cells.map((values, row) =>
            values.map((value, column) => {
              if (value === null) return null;
              const colour = rampAt(share(approx(value)));
              const x = `${(column / columns) * 100}%`;
              return (
                <g key={column}>
                  <rect x={x} y={row * tall} width={`${100 / columns}%`} height={tall} fill={colour.fill} class="heat-cell" />
                  {figured && tall > 20 && (
                    <text x={`${((column + 0.5) / columns) * 100}%`} y={row * tall + tall / 2} fill={colour.ink} class={`heat-figure${columns > 5 ? " crowded" : ""}`}>
                      {short(approx(value) / 1e6)}
                    </text>
                  )}
                </g>
              );
            }),
          )}
          {block.near.map(([row, column]) => (
            <Frame key={`${row},${column}`} row={Number(row)} column={Number(column)} columns={columns} tall={tall} look="near" />
          ))}
          <Frame row={bestRow} column={bestColumn} columns={columns} tall={tall} look="best" />
          <Frame row={at[0]} column={at[1]} columns={columns} tall={tall} look="at" />
        </svg>
        <span class="heat-down" aria-hidden="true">
          {block.down}
        </span>
        <div class="heat-columns" aria-hidden="true">
          {block.columns.map((label, column) => (
            <span key={column} class={column % every(columns, 6) === 0 ? "" : "sparse"}>
              {column % every(columns, 14) === 0 ? label : ""}
            </span>
          ))}
        </div>
      </div>
      <p class="heat-read" aria-live="polite">
        <b>{words(at[0], at[1])}</b>
        {at[0] === bestRow && at[1] === bestColumn ? ": the best" : near.has(at.join()) ? ": beside the best" : ""}
      </p>
      <Behind block={behind(block)} units={units} />
    </figure>
  );
}

function Frame({ row, column, columns, tall, look }: { row: number; column: number; columns: number; tall: number; look: string }) {
  return (
    <svg x={`${(column / columns) * 100}%`} y={row * tall} width={`${100 / columns}%`} height={tall}>
      <rect x="1.5" y="1.5" width="100%" height="100%" class={`heat-frame-${look} under`} />
      <rect x="1.5" y="1.5" width="100%" height="100%" class={`heat-frame-${look}`} />
    </svg>
  );
}

function Scale({ low, high }: { low: string; high: string }) {
  return (
    <span class="heat-scale">
      {low}
      <svg width="96" height="10" aria-hidden="true">
        {Array.from({ length: 24 }, (_, at) => (
          <rect key={at} x={at * 4} width="4.5" height="10" fill={rampAt(at / 23).fill} />
        ))}
      </svg>
      {high}
    </span>
  );
}

/** The map as a table: one row for each pair that was tried. */
function behind(block: Heat): Table {
  const rows = block.rows.flatMap((row, i) =>
    block.columns.flatMap((column, j) => {
      const value = block.cells[i]?.[j] ?? null;
      return value === null ? [] : [block.down ? [column, row, value] : [column, value]];
    }),
  );
  const axes = block.down ? [block.across, block.down] : [block.across];
  return {
    type: "table",
    caption: block.caption,
    columns: [...axes.map((title) => ({ title, kind: "text" as const })), { title: "keeps", kind: block.kind }],
    rows: rows.slice(0, ROOM * ROOM),
    marked: [],
    empty: "Nothing was tried.",
    shown: 25,
    bare: false,
  };
}

function reach(block: Heat): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const row of block.cells) {
    for (const value of row) {
      if (value === null) continue;
      low = Math.min(low, approx(value));
      high = Math.max(high, approx(value));
    }
  }
  return low > high ? [0, 0] : [low, high];
}

function place(block: Heat, row: number, column: number): string {
  const across = `${block.across} ${block.columns[column] ?? ""}`;
  return block.down ? `${across}, ${block.down} ${block.rows[row] ?? ""}` : across;
}

/** Every so manieth label, so that no more than `most` are shown. */
function every(count: number, most: number): number {
  return Math.ceil(count / most);
}

function clamp(value: number, count: number): number {
  return Math.min(Math.max(value, 0), count - 1);
}

/** A figure for a narrow cell, in whole units of home where they say enough. */
function short(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 1 ? 1 : 3;
  const text = size >= 1e6 ? `${(size / 1e6).toFixed(1)}M` : size.toLocaleString("en-US", { maximumFractionDigits: digits });
  return `${value < 0 ? "\u2212" : value > 0 ? "+" : ""}${text}`;
}
