/**
 * Statistics of the values that several sites hold, without the values (the questions are in the protocol's
 * `statistics.ts`): counts, means and variances exactly, quantiles as narrow as the edges allow.
 */
import { mergedMoments } from '@consilium/numerics';
import type { SiteId, VariableHistogram, VariableSummary } from '@consilium/protocol';

export interface PooledSummary {
  /** Values at all sites that answered. */
  readonly count: number;
  readonly mean: number;
  /** Of the sample, divided by `count` - 1; null for one value. */
  readonly variance: number | null;
  /** As the sites gave it: no narrower than it is, and wider if they widen. null if no site gave one. */
  readonly range: { readonly min: number; readonly max: number } | null;
  readonly sites: readonly SiteId[];
}

/** null if no site answered. */
export function pooledSummary(answers: ReadonlyMap<SiteId, VariableSummary | null>): PooledSummary | null {
  const given = answersGiven(answers);
  if (given.length === 0) return null;
  const { count, squaredDeviations, sum } = mergedMoments(given.map(([, each]) => each));
  const ranges = given.flatMap(([, { range }]) => range ?? []);
  return {
    count,
    mean: sum / count,
    variance: count > 1 ? squaredDeviations / (count - 1) : null,
    range:
      ranges.length === 0
        ? null
        : { min: Math.min(...ranges.map(({ min }) => min)), max: Math.max(...ranges.map(({ max }) => max)) },
    sites: given.map(([siteId]) => siteId),
  };
}

export interface PooledHistogram {
  readonly count: number;
  /** Ascending. */
  readonly edges: readonly number[];
  /** Of each bin (below the first edge, between each two, above the last): the sum of what sites told. */
  readonly told: readonly number[];
  /** How many values lie at or below each bin: at least and at most, as sites do not tell of small groups. */
  readonly upTo: readonly { readonly least: number; readonly most: number }[];
  readonly sites: readonly SiteId[];
}

/** null if no site answered. */
export function pooledHistogram(
  answers: ReadonlyMap<SiteId, VariableHistogram | null>,
  edges: readonly number[],
): PooledHistogram | null {
  const given = answersGiven(answers).filter(([, { bins }]) => bins.length === edges.length + 1);
  if (given.length === 0) return null;
  const told = new Array<number>(edges.length + 1).fill(0);
  const upTo = told.map(() => ({ least: 0, most: 0 }));
  for (const [, { count, bins }] of given) {
    const hidden = Math.max(0, count - bins.reduce<number>((sum, bin) => sum + (bin ?? 0), 0));
    const [firstSmall, lastSmall] = [bins.indexOf(null), bins.lastIndexOf(null)];
    let below = 0;
    bins.forEach((bin, index) => {
      below += bin ?? 0;
      told[index]! += bin ?? 0;
      upTo[index]!.least += below + (index >= lastSmall ? hidden : 0);
      upTo[index]!.most += below + (firstSmall >= 0 && index >= firstSmall ? hidden : 0);
    });
  }
  const count = given.reduce((total, [, each]) => total + each.count, 0);
  return { count, edges, told, upTo, sites: given.map(([siteId]) => siteId) };
}

/**
 * Where the quantile lies for certain: the smallest value that at least `share` of all values do not exceed. An end is
 * null if it lies beyond the edges. The interval is as wide as the bin, or wider where small groups were not told of.
 */
export function quantileBounds(
  { count, edges, upTo }: PooledHistogram,
  share: number,
): { readonly low: number | null; readonly high: number | null } {
  const rank = Math.min(count, Math.max(1, Math.ceil(share * count)));
  const first = upTo.findIndex(({ most }) => most >= rank);
  const last = upTo.findIndex(({ least }) => least >= rank);
  return { low: edges[first - 1] ?? null, high: edges[last] ?? null };
}

/** Edges of bins of equal width over the range that the sites gave; null without one. */
export function commonEdges({ range }: Pick<PooledSummary, 'range'>, bins: number): readonly number[] | null {
  if (range === null) return null;
  const { min } = range;
  const max = range.max > min ? range.max : min + Math.max(1, Math.abs(min));
  const edges = Array.from({ length: bins }, (_, index) => min + (index / bins) * (max - min));
  return [...edges, max].filter((edge, index, all) => index === 0 || edge > all[index - 1]!);
}

function answersGiven<T>(answers: ReadonlyMap<SiteId, T | null>): [SiteId, T][] {
  return [...answers]
    .flatMap(([siteId, answer]): [SiteId, T][] => (answer === null ? [] : [[siteId, answer]]))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
