import type { ResultDocument, Say } from "../schema.gen";
import { FlowChart, PriceChart, ValueChart } from "../charts/charts";
import { Assumptions } from "../parts/Assumptions";
import { Comparisons } from "../parts/Comparisons";
import { Costs } from "../parts/Costs";
import { Headline } from "../parts/Headline";
import { Masthead } from "../parts/Masthead";
import { Positions } from "../parts/Positions";
import { Provenance, type ProvenanceLine } from "../parts/Provenance";
import { Section } from "../parts/Section";
import { Streams } from "../parts/Streams";
import { Trust, Warnings } from "../parts/Trust";
import { unitsOf } from "../parts/units";
import { Waterfall } from "../parts/Waterfall";

/** A whole result on one page, the answer first and the evidence after it. */
export function Report({ document }: { document: ResultDocument & { readonly says?: readonly Say[] } }) {
  const units = unitsOf(document);
  const { headline, series, study } = document;
  const feesKnown = document.kind !== "statement" || document.waterfall.some((row) => row.key === "l2");
  const priced = series.price.some((value) => value !== null);
  return (
    <div class="page">
      <Masthead study={study} kind={document.kind} />
      <main>
        <Headline headline={headline} study={study} comparisons={document.comparisons} feesKnown={feesKnown} says={document.says ?? []} units={units} />
        <Warnings warnings={document.warnings} />
        <Waterfall
          rows={document.waterfall}
          unexplained={document.unexplained}
          unexplainedBound={document.unexplained_bound}
          perYearNote={headline.per_year_note}
          units={units}
        />
        <Streams streams={document.streams} waterfall={document.waterfall} units={units} />
        <Section id="value" title="Against holding" lead="What the position is worth, and what the same tokens would be worth untouched.">
          <ValueChart series={series} units={units} />
        </Section>
        <Section
          id="price"
          title={priced ? "Price and your ranges" : "Your positions"}
          {...(priced && { lead: "A position with a range earns while the price is inside it." })}
        >
          <PriceChart series={series} positions={document.positions} units={units} />
          <Positions positions={document.positions} priceLabel={series.price_label} units={units} />
        </Section>
        <Section id="flows" title="Income and costs" lead="Both summed up from the first day; below, the network fees by what was done and where.">
          <FlowChart series={series} costsKnown={feesKnown} units={units} />
          <Costs rows={document.costs} oneNative={study.networks.length <= 1} known={feesKnown} units={units} />
        </Section>
        <Comparisons headline={headline} comparisons={document.comparisons} units={units} />
        <Assumptions assumptions={document.assumptions} headline={headline} units={units} />
        <Trust fidelity={document.fidelity} />
      </main>
      <Provenance lines={provenance(document)} />
    </div>
  );
}

function provenance({ study, ...document }: ResultDocument): ProvenanceLine[] {
  return [
    ["Result hash", document.result_hash || "none", true],
    ["Strategy", study.strategy, false],
    ["Strategy hash", study.strategy_hash || "none", true],
    ...Object.entries(study.parameters).map(([name, value]) => [name, value, false] as const),
    ["Made by", `tidemill ${document.tool_version}`, false],
    ["Schema", document.schema, false],
  ];
}
