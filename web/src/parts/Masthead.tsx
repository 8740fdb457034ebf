import type { StudyInfo } from "../schema.gen";
import { approx } from "../format/int";
import { duration } from "../format/time";
import { Day } from "./Figures";
import { Mark } from "./Mark";
import { ThemeToggle } from "./ThemeToggle";

/** Who made this page, what was studied, and whether its market was real. */
export function Masthead({ study, kind }: { study: StudyInfo; kind: string }) {
  return (
    <header class="masthead">
      <Brand kind={kind} />
      <h1>{study.title}</h1>
      {study.subtitle && <p class="subtitle">{study.subtitle}</p>}
      <ul class="chips" aria-label="What was studied">
        {study.synthetic && <li class="chip chip-synthetic">Synthetic data</li>}
        <li class="chip">
          <Day at={study.start} /> – <Day at={study.end} />
          <span class="chip-more">{duration(approx(study.end) - approx(study.start))}</span>
        </li>
        <li class="chip">{study.strategy}</li>
        {study.venues.map((venue) => (
          <li key={venue} class="chip">
            {venue}
          </li>
        ))}
        {study.networks.map((network) => (
          <li key={network} class="chip">
            {network}
          </li>
        ))}
      </ul>
      {study.synthetic && <SyntheticNotice />}
    </header>
  );
}

/** The name of the tool, of the command, and the switch of themes. */
export function Brand({ kind }: { kind: string }) {
  return (
    <div class="brand">
      <Mark />
      <span class="brand-name">tidemill</span>
      <span class="brand-kind">{kind}</span>
      <ThemeToggle />
    </div>
  );
}

/** Said wherever no recorded market stands behind the figures. */
export function SyntheticNotice() {
  return (
    <p class="notice notice-synthetic" role="note">
      <strong>Synthetic.</strong> The market of this study was generated, not recorded. The figures show what the
      strategy does with it; nobody earned them.
    </p>
  );
}
