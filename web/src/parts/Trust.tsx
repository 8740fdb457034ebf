import type { Fidelity } from "../schema.gen";
import { Section } from "./Section";

const DATA: Record<Fidelity["data"], string> = {
  exact: "Replayed from a known state and every event; each recorded amount comes out again to the last digit.",
  inferred: "Events without the state before them; liquidity is inferred from what the events reveal.",
  bars: "Prices and volumes per interval; what happened inside an interval is not known.",
  scripted: "No recorded market: flow and yield are scripted from the study's parameters and its seed.",
};

const MODE: Record<Fidelity["mode"], string> = {
  small: "Your liquidity earns its share but is not counted in the pool: right for a small position.",
  diluted: "Path and volume as recorded; your liquidity shares the fees with the others at every step.",
  impact: "The recorded inputs are executed again with you in the pool, so you move the price.",
  anchored: "Executed again with you in the pool, then traded back to the recorded price after each swap.",
  "n/a": "Your own size does not enter the rules of this venue.",
};

const PROOF: Record<Fidelity["proof"], string> = {
  "bytecode-equal": "The rules equal the published contract, to the last digit, under random actions.",
  "fork-equal": "The same tests were passed against a deployed contract.",
  "rule-checked": "Checked against the published rule or published values only: no independent proof.",
  unproven: "Not proven against anything yet.",
};

/** How far the figures can be believed, and why. */
export function Trust({ fidelity }: { fidelity: Fidelity }) {
  return (
    <Section id="trust" title="How true this is">
      <dl class="trust">
        <Card title="Data" value={fidelity.data} text={DATA[fidelity.data]} />
        <Card title="Your liquidity" value={fidelity.mode} text={MODE[fidelity.mode]} />
        <Card title="Rules" value={fidelity.proof} text={PROOF[fidelity.proof]} />
        <Card title="Model error" value={fidelity.error || "unknown"} text="How far the figures were off where that could be measured." />
      </dl>
      {fidelity.notes.length > 0 && (
        <ul class="notes">
          {fidelity.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Card({ title, value, text }: { title: string; value: string; text: string }) {
  return (
    <div class="trust-card">
      <dt>{title}</dt>
      <dd class="trust-value">{value}</dd>
      <dd class="trust-text">{text}</dd>
    </div>
  );
}

/** What the reader must know before believing a figure. */
export function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <section class="notice notice-warning" aria-labelledby="warnings-title">
      <h2 id="warnings-title">{warnings.length === 1 ? "Warning" : `${warnings.length} warnings`}</h2>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </section>
  );
}
