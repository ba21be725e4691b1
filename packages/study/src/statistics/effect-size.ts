/** How large a paired difference is, in units that do not depend on the score; `NaN` where there is nothing to compare. */
import { signedRanks } from './signed-ranks.ts';

/** Matched-pairs rank-biserial correlation (Kerby 2014), -1 .. 1: 1 if every pair that differs does so upward. */
export function rankBiserial(differences: Iterable<number>): number {
  const { positive, negative } = signedRanks(differences);
  return (positive - negative) / (positive + negative);
}

/** Cohen's d_z (1988): mean difference in standard deviations of the differences. */
export function cohensDz(differences: Iterable<number>): number {
  const values = [...differences].filter((value) => !Number.isNaN(value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return mean / Math.sqrt(squares / (values.length - 1));
}
