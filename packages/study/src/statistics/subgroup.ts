/**
 * Scores by groups of patients. A group of fewer patients than the minimum is suppressed; and with it the next smallest
 * groups, until those suppressed are two and have the minimum together, because what is told of all and of the others would
 * tell the rest (complementary suppression; Hundepool et al., Statistical Disclosure Control, 2012, section 4.3).
 */
import type { Random } from '@consilium/numerics';
import { type CaseOwner, drawResamples, type Estimate, estimate } from '../bootstrap.ts';

export interface GroupedCase extends CaseOwner {
  /** Division, such as `sex`, to group, such as `female`; a case without a division counts as `unknown` there. */
  readonly groups: Readonly<Record<string, string>>;
}

export type SubgroupResult = {
  readonly division: string;
  readonly group: string;
} & (
  | { readonly kind: 'told'; readonly patients: number; readonly estimate: Estimate }
  /** How many patients it has is not told either. */
  | { readonly kind: 'suppressed' }
);

const unknownGroup = 'unknown';
const resampleCount = 4000;

/** Sorted by division and group. `values` in the order of `cases`; `NaN`: none. */
export function subgroupResults(
  cases: readonly GroupedCase[],
  values: ArrayLike<number>,
  { minimumPatients, random }: { readonly minimumPatients: number; readonly random: Random },
): SubgroupResult[] {
  const divisions = [...new Set(cases.flatMap(({ groups }) => Object.keys(groups)))].sort();
  return divisions.flatMap((division) => {
    const groups = groupsOf(cases, division);
    const hidden = suppressed(groups, minimumPatients);
    return groups.map(({ group, places, patients }): SubgroupResult => {
      if (hidden.has(group)) return { division, group, kind: 'suppressed' };
      const owners = places.map((place) => cases[place]!);
      const own = Float64Array.from(places, (place) => values[place]!);
      const resamples = drawResamples(owners, random.fork(division, group), resampleCount);
      return { division, group, kind: 'told', patients, estimate: estimate(own, resamples) };
    });
  });
}

interface Group {
  readonly group: string;
  readonly places: readonly number[];
  readonly patients: number;
}

function groupsOf(cases: readonly GroupedCase[], division: string): Group[] {
  const places = new Map<string, number[]>();
  cases.forEach(({ groups }, place) => {
    const group = groups[division] ?? unknownGroup;
    places.set(group, [...(places.get(group) ?? []), place]);
  });
  return [...places]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([group, own]) => ({
      group,
      places: own,
      patients: new Set(own.map((place) => JSON.stringify([cases[place]!.siteId, cases[place]!.patient]))).size,
    }));
}

function suppressed(groups: readonly Group[], minimumPatients: number): ReadonlySet<string> {
  const bySize = groups.toSorted((one, other) => one.patients - other.patients);
  const small = bySize.filter(({ patients }) => patients < minimumPatients).length;
  const hiddenPatients = (count: number) => bySize.slice(0, count).reduce((sum, { patients }) => sum + patients, 0);
  let count = small;
  while (small > 0 && count < groups.length && (count < 2 || hiddenPatients(count) < minimumPatients)) count += 1;
  return new Set(bySize.slice(0, count).map(({ group }) => group));
}

const volumeEdgesMl = [5, 15, 35, 75, 150] as const;

/** Of a tumour: `15–35 ml`. */
export function volumeBand(ml: number): string {
  const next = volumeEdgesMl.findIndex((edge) => ml < edge);
  if (next === 0) return `under ${volumeEdgesMl[0]} ml`;
  return next === -1 ? `${volumeEdgesMl.at(-1)} ml and more` : `${volumeEdgesMl[next - 1]}–${volumeEdgesMl[next]} ml`;
}
