/** Ranks of the absolute differences, zeros dropped (Wilcoxon 1945); ties share the mean of their ranks. */
export interface SignedRanks {
  /** Differences that are not zero. */
  readonly count: number;
  /** Twice each rank, so that shared ranks stay whole; in ascending order of the absolute differences. */
  readonly doubled: readonly number[];
  /** Sum of the ranks of positive and of negative differences. */
  readonly positive: number;
  readonly negative: number;
  /** Sizes of the groups that share a rank. */
  readonly ties: readonly number[];
}

/** Differences whose sizes agree to so many parts are ties: what subtraction leaves of equal scores is no difference. */
const sameTo = 1e-12;

export function signedRanks(differences: Iterable<number>): SignedRanks {
  const sorted = [...differences]
    .filter((value) => Math.abs(value) > sameTo)
    .sort((one, other) => Math.abs(one) - Math.abs(other));
  const doubled: number[] = [];
  const ties: number[] = [];
  for (let first = 0; first < sorted.length; ) {
    let end = first + 1;
    while (end < sorted.length && Math.abs(sorted[end]!) - Math.abs(sorted[first]!) <= sameTo) end += 1;
    for (let index = first; index < end; index++) doubled.push(first + 1 + end);
    ties.push(end - first);
    first = end;
  }
  const sumOf = (sign: 1 | -1): number =>
    doubled.reduce((sum, rank, index) => sum + (Math.sign(sorted[index]!) === sign ? rank : 0), 0) / 2;
  return { count: sorted.length, doubled, positive: sumOf(1), negative: sumOf(-1), ties };
}
