import type { Span } from "./bars";

interface BarTrackProps {
  readonly span: Span;
  /** The class that colours it: a gain, a loss, a sum. */
  readonly look: string;
  readonly flow: boolean;
  readonly first: boolean;
  readonly last: boolean;
}

/** A row's bar in a waterfall, tied to its neighbours. */
export function BarTrack({ span, look, flow, first, last }: BarTrackProps) {
  const left = Math.min(span.from, span.to);
  return (
    <svg class="bar-track" width="100%" height="100%">
      <line class="zero" x1={`${span.zero}%`} x2={`${span.zero}%`} y1="0" y2="100%" />
      {flow && !first && <line class="link" x1={`${span.from}%`} x2={`${span.from}%`} y1="0" y2="50%" />}
      {!last && <line class="link" x1={`${span.to}%`} x2={`${span.to}%`} y1="50%" y2="100%" />}
      <svg y="50%" overflow="visible">
        <rect
          class={`bar ${look}`}
          x={`${left}%`}
          y="-8"
          height="16"
          width={`${Math.max(Math.abs(span.to - span.from), 0.35)}%`}
          rx="1.5"
        />
        {span.whisker && (
          <g class="whisker">
            <line x1={`${span.whisker[0]}%`} x2={`${span.whisker[1]}%`} y1="0" y2="0" />
            <line x1={`${span.whisker[0]}%`} x2={`${span.whisker[0]}%`} y1="-5" y2="5" />
            <line x1={`${span.whisker[1]}%`} x2={`${span.whisker[1]}%`} y1="-5" y2="5" />
          </g>
        )}
      </svg>
    </svg>
  );
}
