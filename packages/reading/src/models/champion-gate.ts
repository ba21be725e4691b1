/**
 * Whether a candidate takes the champion's place: both are measured on the same cases, and the candidate has to be better in
 * the mean, surely enough, and in no structure much worse.
 */
import { type MeanInterval, meanIntervalOf } from '../agreement/mean-interval.ts';

export interface GateRule {
  /** The lower end of the 95 % interval of the mean difference must be above it. */
  readonly lowMin: number;
  /** By so much the mean Dice of a structure may fall. */
  readonly worseMax: number;
}

/** Dice by the structure's number. */
export type CaseDice = Readonly<Record<string, number>>;

export interface GateVerdict {
  readonly isBetter: boolean;
  readonly reason: 'better' | 'too-few-cases' | 'not-better' | 'not-sure' | 'structure-worse';
  /** Of the mean over structures, candidate less champion. */
  readonly difference: MeanInterval | undefined;
  readonly structures: readonly {
    readonly structure: number;
    readonly candidate: number;
    readonly champion: number;
  }[];
}

/**
 * @param candidate, champion by case, in one order; of a case both of the same structures. One without any does not count, and
 * a structure counts in the cases that have it.
 */
export function verdictOf(candidate: readonly CaseDice[], champion: readonly CaseDice[], rule: GateRule): GateVerdict {
  const pairs = candidate
    .map((one, at) => ({ candidate: one, champion: champion[at]! }))
    .filter((pair) => Object.keys(pair.candidate).length > 0);
  const difference = meanIntervalOf(pairs.map((pair) => meanDice(pair.candidate) - meanDice(pair.champion)));
  const named = new Set(pairs.flatMap((pair) => Object.keys(pair.candidate)));
  const structures = [...named].map((structure) => {
    const having = pairs.filter((pair) => structure in pair.candidate);
    const over = (side: 'candidate' | 'champion') =>
      having.reduce((sum, pair) => sum + pair[side][structure]!, 0) / having.length;
    return { structure: Number(structure), candidate: over('candidate'), champion: over('champion') };
  });
  const reason = reasonOf(difference, structures, rule);
  return { isBetter: reason === 'better', reason, difference, structures };
}

function reasonOf(
  difference: MeanInterval | undefined,
  structures: GateVerdict['structures'],
  { lowMin, worseMax }: GateRule,
): GateVerdict['reason'] {
  if (difference?.low === undefined) return 'too-few-cases';
  if (difference.mean <= 0) return 'not-better';
  if (difference.low <= lowMin) return 'not-sure';
  if (structures.some(({ candidate, champion }) => champion - candidate > worseMax)) return 'structure-worse';
  return 'better';
}

/** Over structures, of which there must be one. */
export function meanDice(dice: CaseDice): number {
  const values = Object.values(dice);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
