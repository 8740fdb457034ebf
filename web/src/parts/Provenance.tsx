/** A name, what it is, and whether that is code. */
export type ProvenanceLine = readonly [string, string, boolean];

/** What it takes to run the same study again and get the same result. */
export function Provenance({ lines }: { lines: readonly ProvenanceLine[] }) {
  return (
    <footer class="provenance">
      <h2>Run it again</h2>
      <p class="lead">The same input gives the same result hash.</p>
      <dl>
        {lines.map(([term, value, code]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{code ? <code>{value}</code> : value}</dd>
          </div>
        ))}
      </dl>
    </footer>
  );
}
