/**
 * ComBat (Johnson, Li and Rabinovic 2007; for imaging Fortin et al. 2017) from federated sums: each site tells count, sum and
 * squared deviations of each feature, and what comes of it is what ComBat makes of all values in one place, because the
 * method needs no more of them. So it is with a covariate of few groups, as the phase of contrast enhancement, where each site
 * tells these sums for each group: least squares over values with a common mean in a cell are least squares over the cells'
 * means. Site effects are shrunk towards what they are over the features of a site. What differs because patients differ in
 * anything but the covariate is taken out, too.
 */
import { type Moments, mergedMoments, momentsOf } from '@consilium/numerics';

/** Of the values of one group of the covariate; one group for all where there is none. */
export interface Cell extends Moments {
  readonly group: string;
}

interface SiteEffect {
  /** In pooled standard deviations, after shrinkage. */
  readonly shift: number;
  /** Factor of the standard deviation, after shrinkage. */
  readonly scale: number;
}

export interface FeatureHarmonisation {
  /** At an average site, by group. */
  readonly means: Readonly<Record<string, number>>;
  /** Of all values about what their site and group let expect. */
  readonly deviation: number;
  readonly sites: Readonly<Record<string, SiteEffect>>;
}

/** By site. */
export type Cells = Readonly<Record<string, readonly Cell[]>>;

const iterationsMax = 10_000;
const settledAt = 1e-13;

/**
 * @param features of each feature, what each site that has it tells, of at least two values; not all values of a feature are
 *   the same, and `isSeparable` holds for each
 * @returns by feature
 */
export function harmonisationOf(features: Readonly<Record<string, Cells>>): Record<string, FeatureHarmonisation> {
  const names = Object.keys(features).sort();
  const fitted = new Map(names.map((name) => [name, fitOf(features[name]!)]));
  const siteIds = new Set(names.flatMap((name) => Object.keys(features[name]!)));
  const effects = new Map(names.map((name) => [name, {} as Record<string, SiteEffect>]));
  for (const siteId of [...siteIds].sort()) {
    const own = names.filter((name) => Object.hasOwn(features[name]!, siteId));
    const raw = own.map((name) => rawEffect(features[name]![siteId]!, fitted.get(name)!));
    shrunk(raw).forEach((effect, index) => {
      effects.get(own[index]!)![siteId] = effect;
    });
  }
  return Object.fromEntries(names.map((name) => [name, { ...fitted.get(name)!, sites: effects.get(name)! }]));
}

/** Whether sites and groups can be told apart: from each site to each other one comes by groups that two sites share. */
export function isSeparable(cells: Cells): boolean {
  const [first, ...others] = Object.values(cells);
  const reached = new Set((first ?? []).map(({ group }) => group));
  let left = others;
  for (;;) {
    const next = left.filter((own) => own.some(({ group }) => reached.has(group)));
    if (next.length === 0) return left.length === 0;
    for (const { group } of next.flat()) reached.add(group);
    left = left.filter((own) => !next.includes(own));
  }
}

/** A value of a site as if it had been measured at an average one. */
export function harmonised(
  value: number,
  { group, siteId }: { readonly group: string; readonly siteId: string },
  { deviation, means, sites }: FeatureHarmonisation,
): number {
  const { scale, shift } = sites[siteId]!;
  const mean = means[group]!;
  return mean + ((value - mean) / deviation - shift) * (deviation / scale);
}

/** What the site would tell of such values. */
export function harmonisedMoments(cell: Cell, siteId: string, model: FeatureHarmonisation): Cell {
  const mean = harmonised(cell.sum / cell.count, { siteId, group: cell.group }, model);
  const { scale } = model.sites[siteId]!;
  return { ...cell, sum: mean * cell.count, squaredDeviations: cell.squaredDeviations / scale ** 2 };
}

type Fit = Pick<FeatureHarmonisation, 'means' | 'deviation'>;

/** Least squares of site and group, without interaction. The first group's effect is 0. */
function fitOf(cells: Cells): Fit {
  const siteIds = Object.keys(cells).sort();
  const groups = [...new Set(Object.values(cells).flatMap((own) => own.map(({ group }) => group)))].sort();
  const size = siteIds.length + groups.length - 1;
  const columnsOf = (site: number, group: number) => (group === 0 ? [site] : [site, siteIds.length + group - 1]);
  const system = Array.from({ length: size }, () => new Float64Array(size + 1));
  const rows = siteIds.flatMap((siteId, site) =>
    cells[siteId]!.map((cell) => ({ cell, columns: columnsOf(site, groups.indexOf(cell.group)) })),
  );
  for (const { cell, columns } of rows) {
    for (const row of columns) {
      for (const column of columns) system[row]![column]! += cell.count;
      system[row]![size]! += cell.sum;
    }
  }
  const effects = solved(system);
  const count = rows.reduce((total, { cell }) => total + cell.count, 0);
  const grand =
    siteIds.reduce((total, siteId, site) => total + effects[site]! * mergedMoments(cells[siteId]!).count, 0) / count;
  const squares = rows.reduce((total, { cell, columns }) => {
    const expected = columns.reduce((sum, column) => sum + effects[column]!, 0);
    return total + cell.squaredDeviations + cell.count * (cell.sum / cell.count - expected) ** 2;
  }, 0);
  const effectOf = (group: number) => (group === 0 ? 0 : effects[siteIds.length + group - 1]!);
  return {
    means: Object.fromEntries(groups.map((group, index) => [group, grand + effectOf(index)])),
    deviation: Math.sqrt(squares / count),
  };
}

/** Gauss and Jordan with the largest pivot; the last column is the right-hand side. */
function solved(system: readonly Float64Array[]): number[] {
  const size = system.length;
  const rows = system.map((row) => row.slice());
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let at = column; at <= size; at++) rows[row]![at]! -= factor * rows[column]![at]!;
    }
  }
  return rows.map((row, index) => row[size]! / row[index]!);
}

interface RawEffect {
  readonly count: number;
  /** Mean and variance of the standardised values. */
  readonly mean: number;
  readonly variance: number;
}

function rawEffect(cells: readonly Cell[], { deviation, means }: Fit): RawEffect {
  const standardised = cells.map(({ count, group, squaredDeviations, sum }) => ({
    count,
    sum: (sum - count * means[group]!) / deviation,
    squaredDeviations: squaredDeviations / deviation ** 2,
  }));
  const { count, squaredDeviations, sum } = mergedMoments(standardised);
  return { count, mean: sum / count, variance: squaredDeviations / (count - 1) };
}

/** The posterior means of shift and variance by turns until they stand still (Johnson et al. 2007, equations 3.1). */
function shrunk(raw: readonly RawEffect[]): SiteEffect[] {
  const ofMeans = spreadOf(raw.map(({ mean }) => mean));
  const ofVariances = spreadOf(raw.map(({ variance }) => variance));
  const [m, s2] = [ofVariances.mean, ofVariances.variance];
  const plain = raw.map(({ mean, variance }) => ({ shift: mean, scale: Math.sqrt(variance) }));
  // One feature, or features that agree to the digit, tell nothing of how effects spread.
  if (!(ofMeans.variance > 0 && s2 > 0)) return plain;
  const [shape, rate] = [(2 * s2 + m * m) / s2, (m * s2 + m ** 3) / s2];
  return raw.map(({ count, mean, variance }) => {
    const squares = (count - 1) * variance;
    let [shift, scaleSquared] = [mean, variance];
    for (let iteration = 0; iteration < iterationsMax; iteration++) {
      const weight = count * ofMeans.variance;
      const nextShift = (weight * mean + scaleSquared * ofMeans.mean) / (weight + scaleSquared);
      const nextSquared = (0.5 * (squares + count * (mean - nextShift) ** 2) + rate) / (count / 2 + shape - 1);
      const change = Math.max(Math.abs(nextShift - shift), Math.abs(nextSquared - scaleSquared));
      [shift, scaleSquared] = [nextShift, nextSquared];
      if (change < settledAt) break;
    }
    return { shift, scale: Math.sqrt(scaleSquared) };
  });
}

function spreadOf(values: readonly number[]): { mean: number; variance: number } {
  const { count, squaredDeviations, sum } = momentsOf(values);
  return { mean: sum / count, variance: squaredDeviations / (count - 1) };
}
