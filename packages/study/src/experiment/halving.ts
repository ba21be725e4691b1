/**
 * Successive halving (Jamieson and Talwalkar 2016): all configurations train a little, the better part of them more, and so
 * on. Only validation scores decide. A rung is trained from the beginning with its own number of rounds, because a learning
 * rate that falls over the rounds makes the first rounds of a long training no measure of a short one.
 */
export interface Standing {
  readonly configuration: string;
  /** Mean validation score over the seeds; null: no run came to a score. */
  readonly score: number | null;
}

/** Rounds of each rung, the last that of the whole training. */
export function rungRounds(
  roundsMax: number,
  { firstRounds, factor }: { firstRounds: number; factor: number },
): number[] {
  const rungs: number[] = [];
  for (let rounds = firstRounds; Math.round(rounds) < roundsMax; rounds *= factor) rungs.push(Math.round(rounds));
  return [...rungs, roundsMax];
}

/** Who goes on: the best share of 1 / factor, at least one; among equals the one named first. In the order given. */
export function promoted(standings: readonly Standing[], factor: number): string[] {
  const count = Math.max(1, Math.floor(standings.length / factor));
  const kept = new Set(
    ranked(standings)
      .slice(0, count)
      .map(({ configuration }) => configuration),
  );
  return standings.map(({ configuration }) => configuration).filter((each) => kept.has(each));
}

/** Best first; without a score last. */
export function ranked(standings: readonly Standing[]): Standing[] {
  return standings.toSorted((one, other) => (other.score ?? -1) - (one.score ?? -1));
}
