import { useMemo } from "preact/hooks";
import { approx } from "../format/int";
import type { Table } from "../schema.gen";
import { DataTable, type Column } from "../parts/DataTable";
import type { Units } from "../parts/units";
import { Shown, type Figured } from "./value";

type Row = { readonly at: number; readonly values: readonly Figured[] };

export function TableBlock({ block, units }: { block: Table; units: Units }) {
  const columns = useMemo(
    () =>
      block.columns.map(
        (column, place): Column<Row> => ({
          key: `${place}`,
          title: column.title,
          figure: column.kind !== "text",
          cell: (row) => <Cell value={row.values[place] ?? null} kind={column.kind} units={units} bare={block.bare} />,
        }),
      ),
    [block],
  );
  const rows = useMemo(() => block.rows.map((values, at): Row => ({ at, values })), [block]);
  if (rows.length === 0) return <p class="empty">{block.empty}</p>;
  return (
    <DataTable
      caption={block.caption}
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.at}`}
      limit={approx(block.shown)}
      marked={(row) => block.marked.some((at) => Number(at) === row.at)}
    />
  );
}

interface CellProps {
  readonly value: Figured;
  readonly kind: Table["columns"][number]["kind"];
  readonly units: Units;
  readonly bare: boolean;
}

function Cell({ value, kind, units, bare }: CellProps) {
  return value === "" ? <>–</> : <Shown value={value} kind={kind} units={units} bare={bare} />;
}
