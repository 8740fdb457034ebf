import type { Column, Float, Int } from "../schema.gen";
import { approx, big, grouped } from "../format/int";
import { money } from "../format/money";
import { percent } from "../format/rate";
import { moment, span } from "../format/time";
import { Moment, Money, Rate, Unknown, tone } from "../parts/Figures";
import type { Units } from "../parts/units";

export type Kind = Column["kind"];
export type Figured = Int | Float | string | null;

const DIGITS = /^-?\d+$/;

/** Text stays text: in the column of another kind only what is not a number is. */
function isText(value: Figured, kind: Kind): value is string {
  return typeof value === "string" && (kind === "text" || !DIGITS.test(value));
}

/** A value of a page as text, as its kind says. */
export function said(value: Figured, kind: Kind, home: string): string {
  if (value === null) return "unknown";
  if (isText(value, kind)) return value;
  switch (kind) {
    case "money":
      return money(value, home);
    case "change":
      return money(value, home, { signed: true });
    case "rate":
      return percent(value, true);
    case "share":
      return percent(value);
    case "moment":
      return `${moment(value)} UTC`;
    case "span":
      return span(approx(value));
    case "number":
      return approx(value).toFixed(3).replace("-", "\u2212");
    default:
      return typeof value === "number" && !Number.isInteger(value) ? String(value) : grouped(big(value)).replace("-", "\u2212");
  }
}

interface ShownProps {
  readonly value: Figured;
  readonly kind: Kind;
  readonly units: Units;
  readonly note?: string;
  readonly toned?: boolean;
  readonly bare?: boolean;
}

/** A value of a page with its exact figure behind it. */
export function Shown({ value, kind, units, note = "", toned = false, bare = false }: ShownProps) {
  if (value === null) return <Unknown note={note} />;
  if (isText(value, kind)) return <>{value}</>;
  if (kind === "money" || kind === "change") {
    return <Money value={value} units={units} signed={kind === "change"} toned={toned} bare={bare} />;
  }
  if (kind === "rate" || kind === "share") return <Rate bps={value} signed={kind === "rate"} toned={toned && kind === "rate"} />;
  if (kind === "moment") return <Moment at={value} />;
  return <data value={value.toString()}>{said(value, kind, units.home)}</data>;
}

/** The class that colours a figure by its sign; only what is gained or lost has one. */
export function toneOf(value: Figured, kind: Kind): string {
  const signed = value !== null && !isText(value, kind) && (kind === "change" || kind === "rate");
  return signed ? tone(value) : "even";
}
