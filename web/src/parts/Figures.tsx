import type { Int } from "../schema.gen";
import { big } from "../format/int";
import { exactMoney, money } from "../format/money";
import { percent } from "../format/rate";
import { exactTokenAmount, findToken, tokenAmount, tokenLabel } from "../format/token";
import { moment, day } from "../format/time";
import type { Units } from "./units";

/** What is not known is said to be unknown, with the reason where there is one; it is never a zero. */
export function Unknown({ note = "" }: { note?: string }) {
  return (
    <span class="unknown" title={note || undefined}>
      unknown
    </span>
  );
}

/** There is no such figure, for the reason given: a break-even that was never reached, a size that does not exist. */
export function None({ note }: { note: string }) {
  return (
    <span class="unknown" title={note || undefined}>
      none
    </span>
  );
}

interface MoneyProps {
  readonly value: Int | null;
  readonly units: Units;
  readonly signed?: boolean;
  readonly toned?: boolean;
  readonly note?: string;
  readonly bare?: boolean;
}

/** An amount in the home asset. The element carries the exact integer; the tooltip every digit. */
export function Money({ value, units, signed = false, toned = false, note = "", bare = false }: MoneyProps) {
  if (value === null) return <Unknown note={note} />;
  return (
    <data class={toned ? tone(value) : undefined} value={value.toString()} title={exactMoney(value, units.home)}>
      {money(value, units.home, { signed, bare })}
    </data>
  );
}

interface RateProps {
  readonly bps: Int | null;
  readonly signed?: boolean;
  readonly toned?: boolean;
  readonly note?: string;
}

/** Basis points as a percentage. */
export function Rate({ bps, signed = false, toned = false, note = "" }: RateProps) {
  if (bps === null) return <Unknown note={note} />;
  return (
    <data class={toned ? tone(bps) : undefined} value={bps.toString()}>
      {percent(bps, signed)}
    </data>
  );
}

interface TokensProps {
  readonly amounts: Readonly<Record<string, Int>>;
  readonly units: Units;
  readonly signed?: boolean;
}

/** Raw amounts by token id or symbol, one a line. A token that the document does not describe is shown in raw units. */
export function Tokens({ amounts, units, signed = false }: TokensProps) {
  const entries = Object.entries(amounts);
  if (entries.length === 0) return <span class="none">–</span>;
  return (
    <span class="tokens">
      {entries.map(([key, raw]) => {
        const token = findToken(units.tokens, key);
        const unit = token ? tokenLabel(units.tokens, token, key) : `${key} (raw units)`;
        const decimals = token ? Number(token.decimals) : 0;
        return (
          <data key={key} value={raw.toString()} title={`${exactTokenAmount(raw, decimals)} ${unit}`}>
            {tokenAmount(raw, decimals, signed)}&nbsp;{unit}
          </data>
        );
      })}
    </span>
  );
}

export function Moment({ at }: { at: Int }) {
  return <time dateTime={iso(at)}>{moment(at)}</time>;
}

export function Day({ at }: { at: Int }) {
  return <time dateTime={iso(at)}>{day(at)}</time>;
}

/** The class that colours a gain or a loss; the sign says the same without colour. */
export function tone(value: Int): "gain" | "loss" | "even" {
  const n = big(value);
  return n > 0n ? "gain" : n < 0n ? "loss" : "even";
}

function iso(at: Int): string {
  return new Date(Number(at) * 1000).toISOString();
}
