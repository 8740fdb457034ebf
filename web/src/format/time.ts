import type { Int } from "../schema.gen";
import { approx } from "./int";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = 86_400;

/** `5 Jan 2024`, in UTC. */
export function day(seconds: Int): string {
  const t = new Date(approx(seconds) * 1000);
  return `${t.getUTCDate()} ${MONTHS[t.getUTCMonth()]} ${t.getUTCFullYear()}`;
}

/** `5 Jan`, in UTC. */
export function shortDay(seconds: number): string {
  const t = new Date(seconds * 1000);
  return `${t.getUTCDate()} ${MONTHS[t.getUTCMonth()]}`;
}

/** `14:05`, in UTC. */
export function clock(seconds: Int): string {
  return new Date(approx(seconds) * 1000).toISOString().slice(11, 16);
}

/** `5 Jan 2024, 14:05`, in UTC. */
export function moment(seconds: Int): string {
  return `${day(seconds)}, ${clock(seconds)}`;
}

/** A length of time in the unit that reads best: `60 days`, `4.5 days`, `13 hours`, `5 minutes`. */
export function duration(seconds: number): string {
  if (seconds >= 2 * DAY) return `${round(seconds / DAY)} days`;
  if (seconds >= 7200) return `${round(seconds / 3600)} hours`;
  return `${round(seconds / 60)} minutes`;
}

function round(value: number): string {
  return Number(value.toFixed(value < 10 ? 1 : 0)).toString();
}

/** A length of time in the unit that reads best: `3.5 days`, `13 hours`, `5 minutes`, `0`. */
export function span(seconds: number): string {
  if (seconds === 1) return "1 second";
  for (const [unit, name] of [[DAY, "days"], [3600, "hours"], [60, "minutes"], [1, "seconds"]] as const) {
    if (seconds >= 2 * unit) return `${round(seconds / unit)} ${name}`;
  }
  return "0";
}
