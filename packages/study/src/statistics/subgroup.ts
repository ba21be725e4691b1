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

const ageBandEdgesYears = [18, 40, 50, 60, 70, 80] as const;
const volumeBandEdgesMl = [5, 15, 35, 75, 150] as const;

/** `60–69 years`. Above 89 a year of age is an identifier of its own (HIPAA, 45 CFR 164.514); the last band is open. */
export function ageBand(years: number): string {
  return bandOf(years, ageBandEdgesYears, 'years', 1);
}

/** Of a tumour: `15–35 ml`. */
export function volumeBand(ml: number): string {
  return bandOf(ml, volumeBandEdgesMl, 'ml', 0);
}

/** `gap`: by how much the end that is shown lies below the next band's beginning. */
function bandOf(value: number, edges: readonly number[], unit: string, gap: number): string {
  const next = edges.findIndex((edge) => value < edge);
  if (next === 0) return `under ${edges[0]} ${unit}`;
  if (next === -1) return `${edges.at(-1)} ${unit} and more`;
  return `${edges[next - 1]}–${edges[next]! - gap} ${unit}`;
}
