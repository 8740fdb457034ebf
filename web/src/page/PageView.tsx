import type { Page, Section as SectionData } from "../schema.gen";
import { Brand, SyntheticNotice } from "../parts/Masthead";
import { Provenance } from "../parts/Provenance";
import { Section } from "../parts/Section";
import { Warnings } from "../parts/Trust";
import type { Units } from "../parts/units";
import { BarsBlock } from "./BarsBlock";
import { FanBlock } from "./FanBlock";
import { HeatBlock } from "./HeatBlock";
import { LadderBlock } from "./LadderBlock";
import { Minute } from "./Minute";
import { SpreadBlock } from "./SpreadBlock";
import { StepsBlock } from "./StepsBlock";
import { TableBlock } from "./TableBlock";
import { TreeBlock } from "./TreeBlock";

/** A page of any command: the four answers first, then the evidence in the order in which the document gives it. */
export function PageView({ page }: { page: Page }) {
  const units: Units = { home: page.home, tokens: [] };
  return (
    <div class="page">
      <header class="masthead">
        <Brand kind={page.kind} />
        <h1>{page.title}</h1>
        {page.subtitle && <p class="subtitle">{page.subtitle}</p>}
        <ul class="chips" aria-label="What was asked">
          {page.synthetic && <li class="chip chip-synthetic">Synthetic data</li>}
          {page.chips.map((chip) => (
            <li key={chip} class="chip">
              {chip}
            </li>
          ))}
        </ul>
        {page.synthetic && <SyntheticNotice />}
      </header>
      <main>
        <Minute page={page} units={units} />
        <Warnings warnings={page.warnings} />
        {page.sections.map((section) => (
          <Section key={section.id} id={section.id} title={section.title} {...(section.lead && { lead: section.lead })}>
            {section.blocks.map((block, at) => (
              <div key={at} class="block">
                <BlockView block={block} id={`${section.id}-${at}`} units={units} />
              </div>
            ))}
          </Section>
        ))}
      </main>
      <Provenance
        lines={[
          ["Result hash", page.result_hash || "none", true],
          ...Object.entries(page.again).map(([name, value]) => [name, value, false] as const),
          ["Made by", `tidemill ${page.tool_version}`, false],
          ["Schema", `${page.source}, shown by ${page.schema}`, false],
        ]}
      />
    </div>
  );
}

type BlockData = SectionData["blocks"][number];

function BlockView({ block, id, units }: { block: BlockData; id: string; units: Units }) {
  switch (block.type) {
    case "table":
      return <TableBlock block={block} units={units} />;
    case "heat":
      return <HeatBlock block={block} id={id} units={units} />;
    case "steps":
      return <StepsBlock block={block} id={id} units={units} />;
    case "fan":
      return <FanBlock block={block} id={id} units={units} />;
    case "spread":
      return <SpreadBlock block={block} id={id} units={units} />;
    case "bars":
      return <BarsBlock block={block} id={id} units={units} />;
    case "tree":
      return <TreeBlock block={block} units={units} />;
    case "ladder":
      return <LadderBlock block={block} id={id} />;
    case "notes":
      return (
        <ul class="notes">
          {block.lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      );
  }
}
