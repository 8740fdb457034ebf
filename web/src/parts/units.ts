import type { ResultDocument, TokenInfo } from "../schema.gen";

/** What is needed to write an amount: the home asset and the tokens of the study. */
export interface Units {
  readonly home: string;
  readonly tokens: readonly TokenInfo[];
}

export function unitsOf(document: ResultDocument): Units {
  return { home: document.study.home, tokens: document.tokens };
}
