/** How far apart two sites' histograms are. Both over bins of one width; `NaN` if one is empty. */
export interface Histogram {
  readonly binWidth: number;
  /** Bin k is centred on k * binWidth; this is the k of `counts[0]`. */
  readonly firstBin: number;
  readonly counts: readonly number[];
}

/** How far values have to be moved, on average, to make one of the other (Wasserstein-1); in the unit of the values. */
export function wasserstein(one: Histogram, other: Histogram): number {
  let [below, sum] = [0, 0];
  for (const [first, second] of shares(one, other)) {
    below += first - second;
    sum += Math.abs(below);
  }
  return sum * one.binWidth;
}

/** The square root of the Jensen-Shannon divergence in bits: 0 for the same, 1 where they have no bin in common. */
export function jensenShannon(one: Histogram, other: Histogram): number {
  let sum = 0;
  for (const [first, second] of shares(one, other)) {
    const middle = (first + second) / 2;
    sum += (part(first, middle) + part(second, middle)) / 2;
  }
  return Math.sqrt(Math.max(0, sum));
}

function part(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log2(share / middle);
}

/** Of each bin of either the share that each has there, in order. */
function shares(one: Histogram, other: Histogram): (readonly [number, number])[] {
  const first = Math.min(one.firstBin, other.firstBin);
  const end = Math.max(one.firstBin + one.counts.length, other.firstBin + other.counts.length);
  const [all, others] = [countOf(one), countOf(other)];
  return Array.from({ length: Math.max(1, end - first) }, (_, index) => [
    (one.counts[first + index - one.firstBin] ?? 0) / all,
    (other.counts[first + index - other.firstBin] ?? 0) / others,
  ]);
}

export function countOf({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The centre of the bin in which the share of the values is reached; `NaN` if there are none. */
export function histogramQuantile({ binWidth, counts, firstBin }: Histogram, share: number): number {
  const rank = Math.max(1, Math.ceil(share * countOf({ binWidth, counts, firstBin })));
  let below = 0;
  const bin = counts.findIndex((count) => {
    below += count;
    return below >= rank;
  });
  return bin < 0 ? Number.NaN : (firstBin + bin) * binWidth;
}
