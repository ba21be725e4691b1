/** Why a series does not belong to a cohort, in words. */
import type { CohortMember, Exclusion } from '@consilium/archive/api';

export const exclusionWords: Readonly<Record<Exclusion, string>> = {
  manual: 'left out by a person',
  'not-a-volume': 'not looked at yet, or no volume',
  'failed-quality': 'a finding failed',
  'no-label': 'no segmentation',
  'label-off-grid': 'no segmentation on its voxels',
  duplicate: 'shows the same as another',
  'other-study-of-patient': 'another study of the patient was taken',
  'other-series-of-patient': 'another series of the patient was taken',
};

export interface Tally {
  readonly included: number;
  readonly patients: number;
  readonly excluded: readonly (readonly [Exclusion, number])[];
}

export function tallyOf(members: readonly CohortMember[]): Tally {
  const counts = new Map<Exclusion, number>();
  const patients = new Set<string>();
  let included = 0;
  for (const { exclusion, patientId } of members) {
    if (exclusion === undefined) {
      included++;
      patients.add(patientId);
    } else counts.set(exclusion, (counts.get(exclusion) ?? 0) + 1);
  }
  return { included, patients: patients.size, excluded: [...counts].sort(([, a], [, b]) => b - a) };
}
