import type { Comparison, Headline, Int } from "../schema.gen";
import { big } from "../format/int";
import { DataTable, type Column } from "./DataTable";
import { Money, Rate } from "./Figures";
import { Section } from "./Section";
import type { Units } from "./units";

interface ComparisonsProps {
  readonly headline: Headline;
  readonly comparisons: readonly Comparison[];
  readonly units: Units;
}

/** The same capital and the same days, held another way. */
export function Comparisons({ headline, comparisons, units }: ComparisonsProps) {
  const ahead = (other: Int) => (big(headline.keep) - big(other)).toString();
  const columns: Column<Comparison>[] = [
    { key: "name", title: "Held as", cell: (row) => <span class="capital">{row.name}</span> },
    { key: "keep", title: "You keep", figure: true, cell: (row) => <Money value={row.keep} units={units} signed /> },
    { key: "rate", title: "of capital", figure: true, cell: (row) => <Rate bps={row.keep_bps} signed /> },
    {
      key: "ahead",
      title: "This position is ahead by",
      figure: true,
      cell: (row) => <Money value={ahead(row.keep)} units={units} signed toned />,
    },
    { key: "note", title: "Note", cell: (row) => row.note || "–" },
  ];
  return (
    <Section id="comparisons" title="Held another way" lead="The same capital over the same days.">
      {comparisons.length === 0 ? (
        <p class="empty">This result has no comparison.</p>
      ) : (
        <DataTable
          caption="The same capital and period, held another way"
          columns={columns}
          rows={comparisons}
          rowKey={(row, at) => `${at}-${row.name}`}
        />
      )}
    </Section>
  );
}
