import type { Assumption, Headline } from "../schema.gen";
import { DataTable, type Column } from "./DataTable";
import { Money } from "./Figures";
import { Section } from "./Section";
import type { Units } from "./units";

interface AssumptionsProps {
  readonly assumptions: readonly Assumption[];
  readonly headline: Headline;
  readonly units: Units;
}

/** Inputs that were not in the data, and how much the answer leans on each. */
export function Assumptions({ assumptions, headline, units }: AssumptionsProps) {
  const columns: Column<Assumption>[] = [
    { key: "label", title: "Assumed", cell: (row) => <span class="capital">{row.label}</span> },
    { key: "value", title: "Value", figure: true, cell: (row) => `${row.value} ${row.unit}`.trim() },
    {
      key: "half",
      title: "You keep, at half",
      figure: true,
      cell: (row) => <Money value={row.keep_at_half} units={units} signed note="not computed for this input" />,
    },
    {
      key: "double",
      title: "You keep, at double",
      figure: true,
      cell: (row) => <Money value={row.keep_at_double} units={units} signed note="not computed for this input" />,
    },
    { key: "source", title: "Source", cell: (row) => <Source row={row} /> },
  ];
  return (
    <Section
      id="assumptions"
      title="Assumptions"
      lead={
        <>
          Inputs that the data do not hold, and what you would keep at half and at double of each; as assumed it is{" "}
          <Money value={headline.keep} units={units} signed />.
        </>
      }
    >
      {assumptions.length === 0 ? (
        <p class="empty">None: every input was found in the data.</p>
      ) : (
        <DataTable
          caption="Assumptions"
          columns={columns}
          rows={assumptions}
          rowKey={(row, at) => `${at}-${row.key}`}
        />
      )}
    </Section>
  );
}

function Source({ row }: { row: Assumption }) {
  return (
    <>
      {row.source || "–"}
      {row.as_of && <span class="as-of"> as of {row.as_of}</span>}
    </>
  );
}
