import type { ResultDocument } from "../schema.gen";

/** What it takes to run the same study again and get the same result. */
export function Provenance({ document }: { document: ResultDocument }) {
  const { study } = document;
  const parameters = Object.entries(study.parameters);
  return (
    <footer class="provenance">
      <h2>Run it again</h2>
      <p class="lead">The same study gives the same result hash.</p>
      <dl>
        <Line term="Result hash" value={document.result_hash || "none"} code />
        <Line term="Strategy" value={study.strategy} />
        <Line term="Strategy hash" value={study.strategy_hash || "none"} code />
        {parameters.map(([name, value]) => (
          <Line key={name} term={name} value={value} />
        ))}
        <Line term="Made by" value={`tidemill ${document.tool_version}`} />
        <Line term="Schema" value={document.schema} />
      </dl>
    </footer>
  );
}

function Line({ term, value, code = false }: { term: string; value: string; code?: boolean }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{code ? <code>{value}</code> : value}</dd>
    </div>
  );
}
