/** How good masks are after so many clicks: of the candidate and the champion of a trial, in the mean over its cases. */
import { type CaseDice, meanDice } from './champion-gate.ts';

/** Of a case, by the number of clicks on each structure. */
export type ClickDice = Readonly<Record<string, CaseDice>>;

export interface ClickCurve {
  /** After so many the gate decides. */
  readonly scored: number;
  readonly after: readonly { readonly clicks: number; readonly candidate: number; readonly champion: number }[];
}

/**
 * @param candidate, champion by case, in one order, both of the same numbers of clicks and structures; a case without any of
 * the structures does not count.
 */
export function clickCurve(
  candidate: readonly ClickDice[],
  champion: readonly ClickDice[],
  { clicks, scored }: { readonly clicks: readonly number[]; readonly scored: number },
): ClickCurve {
  const over = (all: readonly ClickDice[], count: number): number => {
    const cases = all.map((one) => one[count]!).filter((dice) => Object.keys(dice).length > 0);
    return cases.reduce((sum, dice) => sum + meanDice(dice), 0) / Math.max(1, cases.length);
  };
  const after = clicks.map((count) => ({
    clicks: count,
    candidate: over(candidate, count),
    champion: over(champion, count),
  }));
  return { scored, after };
}
