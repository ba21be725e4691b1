/**
 * What federated ComBat would do to features of what was drawn: volumes, densities. Two sites' distance in a feature is that
 * of normal distributions of their means and deviations (Dowson and Landau 1982), in deviations within sites; over the
 * features the root of the mean square.
 */
import { createRandom, type Moments, mergedMoments, type Random } from '@consilium/numerics';
import { type Cell, type Cells, harmonisationOf, harmonisedMoments, isSeparable } from './combat.ts';
import { type Distances, type HarmonisationEffect, type HarmonisedSite, meanDistance } from './harmonisation-effect.ts';

/** Measured in what was drawn; how thick slices are is of the scanner, and no feature to be made alike. */
const harmonisable = /^class-\d+-/;
const casesMin = 2;
/** The group of cases whose phase is not told. */
const unknown = 'unknown';

/** null: no two sites have told of a feature. */
export function featureEffect(sites: readonly HarmonisedSite[]): HarmonisationEffect | null {
  const told = featuresOf(sites);
  if (told.size === 0) return null;
  const groups = groupsOf(told);
  const isByPhase = groups.size > 1 && [...told.values()].every(isSeparable);
  const features = isByPhase ? told : new Map([...told].map(([name, cells]) => [name, withoutGroups(cells)]));
  const models = harmonisationOf(Object.fromEntries(features));
  const after = new Map(
    [...features].map(([name, cells]) => [
      name,
      mapped(cells, (cell, siteId) => harmonisedMoments(cell, siteId, models[name]!)),
    ]),
  );
  const units = new Map([...features].map(([name, cells]) => [name, deviationWithin(cells)]));
  const measured = (each: ReadonlyMap<string, Cells>) => distancesOf(sites, each, units);
  const [before, left] = [measured(features), measured(after)];
  const chance = chanceOf(sites, features);
  return {
    kind: 'features',
    unit: 'standard deviations',
    measures: [
      { name: 'As measured', distances: before },
      { name: isByPhase ? 'After ComBat, phases kept apart' : 'After ComBat', distances: left },
    ],
    chance,
    finding: findingOf({ before, left, chance, count: features.size, isByPhase }),
    caution: `ComBat was computed from sums that hospitals told; no training uses it. ${
      isByPhase
        ? 'Differences by phase of contrast are kept; cases whose phase a hospital does not tell count as one phase. All else that differs because patients differ, such as how large tumours are, is taken out with the scanner’s part.'
        : `${groups.size > 1 || groups.has(unknown) ? 'The phase of contrast could not be told apart from the hospital, and' : 'All cases are of one phase of contrast;'} what differs because patients differ is taken out with the scanner’s part.`
    } That distances are smaller after it is so by construction, and no proof that the hospitals are alike. What chance gives takes features as normal and independent of each other; the distances have no interval.`,
  };
}

function findingOf({
  before,
  chance,
  count,
  isByPhase,
  left,
}: {
  readonly before: Distances;
  readonly left: Distances;
  readonly chance: Distances;
  readonly count: number;
  readonly isByPhase: boolean;
}): string {
  const pairs = before.flatMap((row, one) =>
    row.flatMap((value, other) => (other > one && Number.isFinite(value) ? [value > chance[one]![other]!] : [])),
  );
  const beyond = pairs.filter(Boolean).length;
  return `In ${count} features of what was drawn (volume, density), two hospitals are ${meanDistance(before).toFixed(2)} standard deviations apart on average; ${beyond} of ${pairs.length} pairs are further apart than chance explains. After ComBat it is ${meanDistance(left).toFixed(2)}${isByPhase ? ', with the phase of contrast as a covariate: what is left goes with the phases that hospitals image' : ''}.`;
}

/** By feature, of at least two sites and not the same everywhere. */
function featuresOf(sites: readonly HarmonisedSite[]): Map<string, Cells> {
  const names = new Set(
    sites
      .flatMap(({ description }) => (description?.features ?? []).map(({ name }) => name))
      .filter((name) => harmonisable.test(name)),
  );
  const features = [...names].sort().map((name): [string, Cells] => {
    const bySite = sites.flatMap(({ description, siteId }) => {
      const cells = (description?.features ?? []).filter((one) => one.name === name);
      const own = cells.map(({ count, phase, squaredDeviations, sum }) => ({
        ...{ count, sum, squaredDeviations, group: phase ?? unknown },
      }));
      const { count, squaredDeviations } = mergedMoments(own);
      return count < casesMin || squaredDeviations <= 0 ? [] : [[siteId, own] as const];
    });
    return [name, Object.fromEntries(bySite)];
  });
  return new Map(features.filter(([, cells]) => Object.keys(cells).length > 1));
}

function groupsOf(features: ReadonlyMap<string, Cells>): ReadonlySet<string> {
  return new Set(
    [...features.values()].flatMap((cells) =>
      Object.values(cells)
        .flat()
        .map(({ group }) => group),
    ),
  );
}

function withoutGroups(cells: Cells): Cells {
  return Object.fromEntries(
    Object.entries(cells).map(([siteId, own]) => [siteId, [{ group: 'all', ...mergedMoments(own) }]]),
  );
}

function mapped(cells: Cells, change: (cell: Cell, siteId: string) => Cell): Cells {
  return Object.fromEntries(
    Object.entries(cells).map(([siteId, own]) => [siteId, own.map((cell) => change(cell, siteId))]),
  );
}

function deviationWithin(cells: Cells): number {
  const sites = Object.values(cells).map(mergedMoments);
  const squares = sites.reduce((sum, each) => sum + each.squaredDeviations, 0);
  return Math.sqrt(squares / sites.reduce((sum, { count }) => sum + count - 1, 0));
}

function distancesOf(
  sites: readonly HarmonisedSite[],
  features: ReadonlyMap<string, Cells>,
  units: ReadonlyMap<string, number>,
): Distances {
  const moments = new Map([...features].map(([name, cells]) => [name, mapValues(cells, mergedMoments)]));
  return sites.map(({ siteId: one }) =>
    sites.map(({ siteId: other }) => {
      const squares = [...moments].flatMap(([name, bySite]) => {
        const [first, second] = [bySite[one], bySite[other]];
        return first === undefined || second === undefined
          ? []
          : [squareBetween(first, second) / units.get(name)! ** 2];
      });
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
    }),
  );
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function squareBetween(one: Moments, other: Moments): number {
  const deviation = ({ count, squaredDeviations }: Moments) => Math.sqrt(squaredDeviations / (count - 1));
  return (one.sum / one.count - other.sum / other.count) ** 2 + (deviation(one) - deviation(other)) ** 2;
}

const draws = 400;
const share = 0.95;

/** How far apart two sites of such numbers of cases would be if they were alike. */
function chanceOf(sites: readonly HarmonisedSite[], features: ReadonlyMap<string, Cells>): Distances {
  const counts = [...features.values()].map((cells) => mapValues(cells, (own) => mergedMoments(own).count));
  return sites.map(({ siteId: one }, row) =>
    sites.map(({ siteId: other }, column) => {
      if (row === column) return 0;
      const sizes = counts.flatMap((bySite) =>
        bySite[one] === undefined || bySite[other] === undefined ? [] : [[bySite[one], bySite[other]] as const],
      );
      if (sizes.length === 0) return Number.NaN;
      const random = createRandom('harmonisation by chance', ...[one, other].sort());
      const ordered = one < other ? sizes : sizes.map(([first, second]) => [second, first] as const);
      const drawn = Array.from({ length: draws }, () => {
        const squares = ordered.reduce(
          (sum, [first, second]) => sum + squareBetween(drawnMoments(first, random), drawnMoments(second, random)),
          0,
        );
        return Math.sqrt(squares / ordered.length);
      });
      return drawn.sort((first, second) => first - second)[Math.ceil(share * draws) - 1]!;
    }),
  );
}

/** Of a sample of the standard normal distribution; squares by the approximation of Wilson and Hilferty (1931). */
function drawnMoments(count: number, random: Random): Moments {
  const freedom = count - 1;
  const part = 2 / (9 * freedom);
  const root = Math.max(0, 1 - part + random.normal() * Math.sqrt(part));
  return { count, sum: random.normal() * Math.sqrt(count), squaredDeviations: freedom * root ** 3 };
}
