import { useState } from "preact/hooks";
import type { Table } from "../schema.gen";
import type { Units } from "../parts/units";
import { TableBlock } from "./TableBlock";

/** The figures behind a picture, made when they are asked for: large tables cost nothing until then. */
export function Behind({ block, units }: { block: Table; units: Units }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="behind no-print" onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>The figures as a table</summary>
      {open && <TableBlock block={block} units={units} />}
    </details>
  );
}
