/** The one-word answer to "did federation pay off?", by the interval of the difference to the sites' own models. */
import { allRegions, type Comparison, type Opponent } from './comparison.ts';

export type Verdict = 'yes' | 'not-shown' | 'no' | 'too-few' | 'unknown';

const patientsMin = 6;

/**
 * `yes`: the whole interval of the paired difference lies above zero; `no`: below; `not-shown`: it holds zero;
 * `too-few`: fewer patients than `patientsMin`, of whom an interval would say nothing; `unknown`: nothing to compare. By default against the mean of the sites' own models on all test cases.
 */
export function verdictOf(comparison: Comparison, opponent: Opponent = 'local', region = allRegions): Verdict {
  const { cases, low, high } = comparison.differences[opponent][region]!;
  if (cases === 0) return 'unknown';
  if (comparison.patientCount < patientsMin) return 'too-few';
  if (low > 0) return 'yes';
  return high < 0 ? 'no' : 'not-shown';
}
