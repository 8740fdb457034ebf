import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** Figures stand right-aligned, in tabular digits. */
  readonly figure?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface DataTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row, index: number) => string;
  readonly footer?: ComponentChildren;
  /** Rows shown before "show all"; paper shows them all. */
  readonly limit?: number;
  /** Rows that stand out. */
  readonly marked?: (row: Row) => boolean;
}

/**
 * A table that becomes a list of cards on a phone. The roles are spelt out because browsers drop a table's
 * own when its display changes.
 */
export function DataTable<Row>({ caption, columns, rows, rowKey, footer, limit = 25, marked }: DataTableProps<Row>) {
  const [all, setAll] = useState(false);
  const folded = !all && rows.length > limit;
  return (
    <div class="table-frame">
      <table role="table" class={`data-table${columns.length < 3 ? " slim" : ""}`}>
        <caption class="sr-only">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.key} role="columnheader" scope="col" class={column.figure ? "figure" : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, index) => (
            <tr key={rowKey(row, index)} role="row" class={rowClass(folded && index >= limit, marked?.(row) ?? false)}>
              {columns.map((column, at) => cell(column, row, at === 0))}
            </tr>
          ))}
        </tbody>
        {footer && <tfoot role="rowgroup">{footer}</tfoot>}
      </table>
      {folded && (
        <button type="button" class="quiet-button no-print" onClick={() => setAll(true)}>
          Show all {rows.length}
        </button>
      )}
    </div>
  );
}

function rowClass(folded: boolean, marked: boolean): string | undefined {
  return [folded && "folded", marked && "marked"].filter(Boolean).join(" ") || undefined;
}

function cell<Row>(column: Column<Row>, row: Row, heading: boolean) {
  const style = column.figure ? "figure" : undefined;
  const content = column.cell(row);
  return heading ? (
    <th key={column.key} role="rowheader" scope="row" class={style}>
      {content}
    </th>
  ) : (
    <td key={column.key} role="cell" class={style} data-label={column.title}>
      <span class="cell">{content}</span>
    </td>
  );
}
