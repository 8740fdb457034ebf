import type { PositionRow } from "../schema.gen";
import { price } from "../format/price";
import { DataTable, type Column } from "./DataTable";
import { Moment, Rate, Tokens, Unknown } from "./Figures";
import type { Units } from "./units";

interface PositionsProps {
  readonly positions: readonly PositionRow[];
  readonly priceLabel: string;
  readonly units: Units;
}

/** Each position's life: when, in which range, what went in, what came out. */
export function Positions({ positions, priceLabel, units }: PositionsProps) {
  if (positions.length === 0) return <p class="empty">No position was opened.</p>;
  const columns: Column<PositionRow>[] = [
    { key: "id", title: "Position", cell: (row) => <Name row={row} /> },
    { key: "opened", title: "Opened (UTC)", cell: (row) => <Moment at={row.opened} /> },
    { key: "closed", title: "Closed (UTC)", cell: (row) => (row.closed === null ? "still open" : <Moment at={row.closed} />) },
    { key: "range", title: priceLabel ? `Range, ${priceLabel}` : "Range", cell: (row) => <Range row={row} /> },
    { key: "in-range", title: "In range", figure: true, cell: (row) => <InRange row={row} /> },
    { key: "in", title: "Put in", figure: true, cell: (row) => <Tokens amounts={row.deposited} units={units} /> },
    { key: "out", title: "Taken out", figure: true, cell: (row) => <Tokens amounts={row.withdrawn} units={units} /> },
    { key: "fees", title: "Income", figure: true, cell: (row) => <Tokens amounts={row.fees} units={units} /> },
  ];
  return <DataTable caption="Positions" columns={columns} rows={positions} rowKey={(row, at) => `${at}-${row.id}`} />;
}

/** The id without its venue, which stands beneath it. */
function Name({ row }: { row: PositionRow }) {
  const own = row.id.startsWith(`${row.venue}#`) ? row.id.slice(row.venue.length) : row.id;
  return (
    <>
      {own} <span class="venue">{row.venue}</span>
    </>
  );
}

function Range({ row }: { row: PositionRow }) {
  if (row.tick_lower === null || row.tick_upper === null) return <span class="none">no range</span>;
  const ticks = `ticks ${row.tick_lower} to ${row.tick_upper}`;
  if (row.price_lower === null || row.price_upper === null) return <span title="prices not given">{ticks}</span>;
  return (
    <span class="price-range" title={ticks}>
      {price(row.price_lower)} – {price(row.price_upper)}
    </span>
  );
}

function InRange({ row }: { row: PositionRow }) {
  if (row.in_range_bps !== null) return <Rate bps={row.in_range_bps} />;
  return row.tick_lower === null ? <span class="none">–</span> : <Unknown note="not measured" />;
}
