/**
 * What the site tells of its training cases beyond the fingerprint: which scanners' vendors and kernels, how thick slices are,
 * how large and dense what was drawn is. Sums over cases of one phase and counts of groups; what is of too few patients is
 * not told, and neither is what would leave too few over.
 */
import { momentsOf } from '@consilium/numerics';
import type { FeatureMoments, SiteDescription } from '@consilium/protocol';
import type { Case } from '@consilium/training';
import { type CaseGroups, groupsTold } from './case-groups.ts';
import type { GroupKind } from './settings.ts';

export interface DescribedCase {
  readonly patient: string;
  readonly groups: CaseGroups;
  readonly features: Readonly<Record<string, number>>;
}

/** Of these, counts of training cases are told; of other kinds only scores by group are. */
const scannerKinds = ['vendor', 'kernel'] as const satisfies GroupKind[];

export function describeSite(
  cases: readonly DescribedCase[],
  { kinds, minimumCount }: { readonly kinds: readonly GroupKind[]; readonly minimumCount: number },
): SiteDescription {
  const told = scannerKinds.filter((kind) => kinds.includes(kind));
  const names = new Set(cases.flatMap(({ features }) => Object.keys(features)));
  return {
    minimumCount,
    groups: Object.fromEntries(told.map((kind) => [kind, countsOf(kind, cases, minimumCount)])),
    features: [...names].sort().flatMap((name) => momentsByPhase(name, cases, minimumCount)),
  };
}

function countsOf(
  kind: GroupKind,
  cases: readonly DescribedCase[],
  minimumCount: number,
): Readonly<Record<string, number>> {
  const grouped = cases.map(({ groups, patient }) => ({ patient, group: groups[kind] }));
  const told = [...groupsTold(grouped, minimumCount)].sort();
  return Object.fromEntries(told.map((name) => [name, grouped.filter(({ group }) => group === name).length]));
}

/** The rest is one group more: all phases together are then the same cases as without phases, and no difference tells more. */
function momentsByPhase(name: string, cases: readonly DescribedCase[], minimumCount: number): FeatureMoments[] {
  const having = cases.filter(({ features }) => Number.isFinite(features[name]));
  const told = groupsTold(
    having.map(({ groups, patient }) => ({ patient, group: groups.phase })),
    minimumCount,
  );
  const phaseOf = ({ groups: { phase } }: DescribedCase) => (phase !== undefined && told.has(phase) ? phase : null);
  return [...Map.groupBy(having, phaseOf)]
    .filter(([, own]) => new Set(own.map(({ patient }) => patient)).size >= minimumCount)
    .sort(([one], [other]) => ((one ?? '') < (other ?? '') ? -1 : 1))
    .map(([phase, own]) => ({ name, phase, ...momentsOf(own.map(({ features }) => features[name]!)) }));
}

/**
 * Of each class that was drawn: the logarithm of its volume in ml, mean and standard deviation of its HU. Volumes are told as
 * logarithms because they spread over a factor of a thousand, and a mean of volumes is mostly the largest tumour.
 */
export function featuresOf({ image, label }: Pick<Case, 'image' | 'label'>): Record<string, number> {
  const [z, y, x] = image.geometry.spacingMm;
  const [count, sum, squares] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  for (let index = 0; index < label.voxels.length; index++) {
    const value = label.voxels[index]!;
    if (value === 0) continue;
    const hu = image.voxels[index]!;
    count[value]! += 1;
    sum[value]! += hu;
    squares[value]! += hu * hu;
  }
  const features: Record<string, number> = {};
  count.forEach((voxels, value) => {
    if (voxels === 0) return;
    const mean = sum[value]! / voxels;
    features[`class-${value}-volume-log-ml`] = Math.log((voxels * z * y * x) / 1000);
    features[`class-${value}-hu-mean`] = mean;
    features[`class-${value}-hu-deviation`] = Math.sqrt(Math.max(0, squares[value]! / voxels - mean * mean));
  });
  return features;
}
