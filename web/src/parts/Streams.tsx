import type { StreamRow, WaterfallRow } from "../schema.gen";
import { big } from "../format/int";
import { homeSymbol } from "../format/money";
import { DataTable, type Column } from "./DataTable";
import { Money } from "./Figures";
import { Section } from "./Section";
import type { Units } from "./units";

interface StreamsProps {
  readonly streams: readonly StreamRow[];
  readonly waterfall: readonly WaterfallRow[];
  readonly units: Units;
}

interface Row {
  readonly key: string;
  readonly label: string;
  readonly total: boolean;
  readonly of: (stream: StreamRow) => StreamRow["keep"];
}

/** What each stream of a portfolio earned, row by row; nothing where the study is one stream. */
export function Streams({ streams, waterfall, units }: StreamsProps) {
  if (streams.length === 0) return null;
  const earned = waterfall.filter((row) => row.kind === "flow" && streams.some((stream) => big(stream.rows[row.key] ?? 0) !== 0n));
  const rows: Row[] = [
    ...earned.map((row) => ({ key: row.key, label: row.label, total: false, of: (stream: StreamRow) => stream.rows[row.key] ?? 0 })),
    { key: "moved", label: "Moved to it", total: false, of: (stream) => stream.brought },
    { key: "keep", label: "What it earned", total: true, of: (stream) => stream.keep },
  ];
  const columns: Column<Row>[] = [
    { key: "row", title: homeSymbol(units.home), cell: (row) => row.label },
    ...streams.map((stream): Column<Row> => ({
      key: stream.name,
      title: stream.name,
      figure: true,
      cell: (row) => <Money value={row.of(stream)} units={units} signed bare />,
    })),
  ];
  return (
    <Section id="streams" title="By stream" lead="Each part of the portfolio by itself: its rows add up, over the streams, to the whole's.">
      <DataTable caption="What each stream earned" columns={columns} rows={rows} rowKey={(row) => row.key} marked={(row) => row.total} />
    </Section>
  );
}
