import type { CostRow } from "../schema.gen";
import { big, grouped } from "../format/int";
import { homeSymbol } from "../format/money";
import { exactTokenAmount, tokenAmount } from "../format/token";
import { DataTable, type Column } from "./DataTable";
import { Money } from "./Figures";
import type { Units } from "./units";

/** Wei of any network's native token. */
const NATIVE_DECIMALS = 18;

interface CostsProps {
  readonly rows: readonly CostRow[];
  /** All fees were paid in the same native token, so that they can be summed up. */
  readonly oneNative: boolean;
  /** False where the source of the figures (logs) does not hold network fees. */
  readonly known: boolean;
  readonly units: Units;
}

/** Network fees by venue and verb. */
export function Costs({ rows, oneNative, known, units }: CostsProps) {
  if (!known) return <p class="empty">Network fees are unknown: the logs do not hold them.</p>;
  if (rows.length === 0) return <p class="empty">No transaction was sent, so no network fee was paid.</p>;
  const columns: Column<CostRow>[] = [
    { key: "verb", title: "Verb", cell: (row) => <Verb row={row} /> },
    { key: "count", title: "Sent", figure: true, cell: (row) => <Count value={row.count} /> },
    { key: "failed", title: "Failed", figure: true, cell: (row) => <Count value={row.failed} /> },
    { key: "gas", title: "Gas", figure: true, cell: (row) => <Count value={row.gas_used} /> },
    { key: "l2", title: "Execution", figure: true, cell: (row) => <Native value={row.l2_execution} /> },
    { key: "l1", title: "L1 data", figure: true, cell: (row) => <Native value={row.l1_data} /> },
    { key: "operator", title: "Operator", figure: true, cell: (row) => <Native value={row.operator} /> },
    { key: "value", title: `In ${homeSymbol(units.home)}`, figure: true, cell: (row) => <Money value={row.value} units={units} /> },
  ];
  return (
    <DataTable
      caption="Network fees by venue and verb"
      columns={columns}
      rows={rows}
      rowKey={(row, at) => `${at}-${row.venue}-${row.verb}`}
      footer={<Total rows={rows} oneNative={oneNative} units={units} />}
    />
  );
}

function Verb({ row }: { row: CostRow }) {
  return (
    <>
      <span class="verb">{row.verb}</span> <span class="venue">{row.venue}</span>
    </>
  );
}

function Count({ value }: { value: CostRow["count"] }) {
  return <data value={value.toString()}>{grouped(big(value))}</data>;
}

function Native({ value }: { value: CostRow["l1_data"] }) {
  return (
    <data value={value.toString()} title={`${exactTokenAmount(value, NATIVE_DECIMALS)} of the network's own token`}>
      {tokenAmount(value, NATIVE_DECIMALS)}
    </data>
  );
}

function Total({ rows, oneNative, units }: Omit<CostsProps, "known">) {
  const sum = (pick: (row: CostRow) => CostRow["count"]) => rows.reduce((so, row) => so + big(pick(row)), 0n).toString();
  const native = (pick: (row: CostRow) => CostRow["count"]) => (oneNative ? <Native value={sum(pick)} /> : "–");
  return (
    <tr role="row" class="row-total">
      <th role="rowheader" scope="row">All</th>
      <td role="cell" class="figure" data-label="Sent"><Count value={sum((row) => row.count)} /></td>
      <td role="cell" class="figure" data-label="Failed"><Count value={sum((row) => row.failed)} /></td>
      <td role="cell" class="figure" data-label="Gas"><Count value={sum((row) => row.gas_used)} /></td>
      <td role="cell" class="figure" data-label="Execution">{native((row) => row.l2_execution)}</td>
      <td role="cell" class="figure" data-label="L1 data">{native((row) => row.l1_data)}</td>
      <td role="cell" class="figure" data-label="Operator">{native((row) => row.operator)}</td>
      <td role="cell" class="figure" data-label={`In ${homeSymbol(units.home)}`} id="costs-total">
        <Money value={sum((row) => row.value)} units={units} />
      </td>
    </tr>
  );
}
