/** Which of the series a query finds belong to a cohort, and why the others do not. A pure function. */

const exclusions = [
  'manual',
  'not-a-volume',
  'failed-quality',
  'no-label',
  'label-off-grid',
  'duplicate',
  'other-study-of-patient',
  'other-series-of-patient',
] as const;
export type Exclusion = (typeof exclusions)[number];

export interface CohortRules {
  /** Only series with a segmentation on their grid. */
  readonly requireLabel: boolean;
  /** No series with a finding that failed. */
  readonly excludeFailed: boolean;
  /** Of series that show the same, the first. */
  readonly excludeDuplicates: boolean;
  /** How much of one patient: of studies the first by date, of series the first of that study. */
  readonly perPatient: 'all' | 'one-study' | 'one-series';
  /** Left out by a person, who says why. */
  readonly manual: readonly { readonly seriesInstanceUid: string; readonly reason: string }[];
}

export const defaultCohortRules: CohortRules = {
  requireLabel: true,
  excludeFailed: true,
  excludeDuplicates: true,
  perPatient: 'all',
  manual: [],
};

export interface Candidate {
  readonly seriesId: number;
  readonly seriesInstanceUid: string;
  readonly subjectId: number;
  readonly studyId: number;
  /** By which the studies of a patient are put in order. */
  readonly studyDate: string | undefined;
  readonly isVolume: boolean;
  readonly hasFailed: boolean;
  readonly duplicateOfId: number | undefined;
  readonly labels: number;
  /** The newest one on its grid. */
  readonly labelId: number | undefined;
}

export interface Membership {
  readonly candidate: Candidate;
  readonly exclusion: Exclusion | undefined;
  /** A person's reason. */
  readonly explanation: string | undefined;
}

/** In the order of the candidates. The first rule that excludes one is the reason. */
export function membershipsOf(candidates: readonly Candidate[], rules: CohortRules): readonly Membership[] {
  const manual = new Map(rules.manual.map(({ seriesInstanceUid, reason }) => [seriesInstanceUid, reason]));
  const alone = candidates.map((candidate): Membership => {
    const explanation = manual.get(candidate.seriesInstanceUid);
    const exclusion = explanation === undefined ? ownExclusion(candidate, rules) : 'manual';
    return { candidate, exclusion, explanation };
  });
  const unique = rules.excludeDuplicates ? withoutDuplicates(alone) : alone;
  return rules.perPatient === 'all' ? unique : onePerPatient(unique, rules.perPatient);
}

function ownExclusion(
  { isVolume, hasFailed, labels, labelId }: Candidate,
  { excludeFailed, requireLabel }: CohortRules,
): Exclusion | undefined {
  if (!isVolume) return 'not-a-volume';
  if (excludeFailed && hasFailed) return 'failed-quality';
  if (requireLabel && labelId === undefined) return labels === 0 ? 'no-label' : 'label-off-grid';
  return undefined;
}

/** Of series that show the same, the first that is not excluded for another reason stays. */
function withoutDuplicates(memberships: readonly Membership[]): readonly Membership[] {
  const shown = new Set<number>();
  return memberships.map((membership) => {
    const { candidate, exclusion } = membership;
    if (exclusion !== undefined) return membership;
    const first = candidate.duplicateOfId ?? candidate.seriesId;
    if (shown.has(first)) return { ...membership, exclusion: 'duplicate' };
    shown.add(first);
    return membership;
  });
}

function onePerPatient(
  memberships: readonly Membership[],
  perPatient: 'one-study' | 'one-series',
): readonly Membership[] {
  const chosen = new Map<number, Candidate>();
  for (const { candidate, exclusion } of memberships) {
    if (exclusion !== undefined) continue;
    const first = chosen.get(candidate.subjectId);
    if (first === undefined || isEarlier(candidate, first)) chosen.set(candidate.subjectId, candidate);
  }
  return memberships.map((membership) => {
    const { candidate, exclusion } = membership;
    const first = chosen.get(candidate.subjectId);
    if (exclusion !== undefined || first === undefined) return membership;
    if (candidate.studyId !== first.studyId) return { ...membership, exclusion: 'other-study-of-patient' };
    if (perPatient === 'one-series' && candidate !== first) {
      return { ...membership, exclusion: 'other-series-of-patient' };
    }
    return membership;
  });
}

/** Studies without a date come last. */
function isEarlier(one: Candidate, other: Candidate): boolean {
  const [a, b] = [one.studyDate ?? '9', other.studyDate ?? '9'];
  if (a !== b) return a < b;
  return one.studyId === other.studyId ? one.seriesId < other.seriesId : one.studyId < other.studyId;
}
