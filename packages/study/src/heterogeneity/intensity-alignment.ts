/** Two ways to bring sites' histograms of HU together, each as what would become of the histogram. */
import type { HarmonisedSite } from './harmonisation-effect.ts';
import { countOf, type Histogram } from './histogram-distance.ts';

/** How much of all lies where, ascending; the sum of the shares is 1. */
export type Masses = readonly { readonly at: number; readonly share: number }[];

/** As `wasserstein`, of values that lie in no common bins. */
export function wassersteinOfMasses(one: Masses, other: Masses): number {
  const steps = [
    ...one.map(({ at, share }) => ({ at, share })),
    ...other.map(({ at, share }) => ({ at, share: -share })),
  ].sort((first, second) => first.at - second.at);
  let [below, sum] = [0, 0];
  steps.forEach(({ at, share }, index) => {
    sum += index === 0 ? 0 : Math.abs(below) * (at - steps[index - 1]!.at);
    below += share;
  });
  return one.length === 0 || other.length === 0 ? Number.NaN : sum;
}

/**
 * As a plan that is normalised by phase does it: each phase of contrast enhancement brought to a common mean and deviation, what
 * is of no phase that is told by the mean and deviation of all. The unit of what comes out is anybody's choice; here it is the
 * HU of one phase, so that a scanner's shift keeps its size. null: no phase is told by two sites.
 */
export function phaseAligned(sites: readonly HarmonisedSite[]): Masses[] | null {
  const told = Map.groupBy(
    sites.flatMap(({ phases }) => phases.filter(({ foregroundHu }) => countOf(foregroundHu) > 0)),
    ({ phase }) => phase,
  );
  const shared = [...told].filter(([, own]) => own.length > 1);
  if (shared.length === 0) return null;
  const all = momentsOf(sites.map(({ organHu }) => organHu));
  const moments = shared.map(([phase, own]) => ({ phase, ...momentsOf(own.map(({ foregroundHu }) => foregroundHu)) }));
  const total = moments.reduce((sum, { count }) => sum + count, 0);
  const unit = Math.sqrt(moments.reduce((sum, { count, deviation }) => sum + count * deviation ** 2, 0) / total);
  const lineOf =
    ({ deviation, mean }: Pick<(typeof moments)[number], 'deviation' | 'mean'>) =>
    (hu: number) =>
      all.mean + ((hu - mean) * unit) / (deviation || 1);
  const lines = new Map(moments.map((each) => [each.phase, lineOf(each)]));
  return sites.map(({ organHu, phases }) => {
    const moved = phases.filter(({ phase }) => lines.has(phase));
    const rest = less(
      organHu,
      moved.map(({ foregroundHu }) => foregroundHu),
    );
    const parts = [
      ...moved.flatMap(({ foregroundHu, phase }) => massesOf(foregroundHu, countOf(organHu), lines.get(phase)!)),
      ...massesOf(rest, countOf(organHu), lineOf(all)),
    ];
    return parts.sort((one, other) => one.at - other.at);
  });
}

/** Of the landmarks between which values are moved along straight lines. */
const landmarks = [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99] as const;

/**
 * Each site's landmarks brought to their mean over the sites, by site and not by case (Nyúl, Udupa and Zhang 2000,
 * doi:10.1109/42.836373). Beyond the outermost, values move with these.
 */
export function quantileAligned(sites: readonly HarmonisedSite[]): Masses[] {
  const filled = sites.filter(({ organHu }) => countOf(organHu) > 0);
  const own = new Map(filled.map(({ organHu }) => [organHu, landmarks.map((share) => quantileWithin(organHu, share))]));
  const targets = landmarks.map((_, at) => [...own.values()].reduce((sum, each) => sum + each[at]!, 0) / own.size);
  return sites.map(({ organHu }) => {
    const from = own.get(organHu);
    if (from === undefined) return [];
    return massesOf(organHu, countOf(organHu), (hu) => along(hu, from, targets)).sort((a, b) => a.at - b.at);
  });
}

function along(hu: number, from: readonly number[], to: readonly number[]): number {
  const next = from.findIndex((landmark) => hu < landmark);
  if (next === 0) return hu - from[0]! + to[0]!;
  if (next === -1) return hu - from.at(-1)! + to.at(-1)!;
  const [low, high] = [from[next - 1]!, from[next]!];
  return to[next - 1]! + ((hu - low) / (high - low)) * (to[next]! - to[next - 1]!);
}

/** Linear within the bin, so that landmarks ascend unless a bin between them is empty. */
function quantileWithin(histogram: Histogram, share: number): number {
  const { binWidth, counts, firstBin } = histogram;
  const rank = share * countOf(histogram);
  let below = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) return (firstBin + index - 0.5 + (rank - below) / count) * binWidth;
    below += count;
  }
  return Number.NaN;
}

function massesOf({ binWidth, counts, firstBin }: Histogram, total: number, moved: (hu: number) => number) {
  return counts.flatMap((count, index) =>
    count === 0 ? [] : [{ at: moved((firstBin + index) * binWidth), share: count / total }],
  );
}

function less(histogram: Histogram, others: readonly Histogram[]): Histogram {
  const counts = histogram.counts.map((count, index) => {
    const bin = histogram.firstBin + index;
    return Math.max(
      0,
      others.reduce((rest, one) => rest - (one.counts[bin - one.firstBin] ?? 0), count),
    );
  });
  return { ...histogram, counts };
}

function momentsOf(histograms: readonly Histogram[]): {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
} {
  const all = histograms.flatMap(({ binWidth, counts, firstBin }) =>
    counts.map((count, index) => ({ count, at: (firstBin + index) * binWidth })),
  );
  const total = all.reduce((sum, { count }) => sum + count, 0);
  const mean = all.reduce((sum, { at, count }) => sum + count * at, 0) / total;
  const squares = all.reduce((sum, { at, count }) => sum + count * (at - mean) ** 2, 0);
  return { count: total, mean, deviation: Math.sqrt(squares / total) };
}
