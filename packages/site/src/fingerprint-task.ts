/**
 * Reads every case once, so that each that cannot be used is known and named before training starts. The numbers that
 * leave are of the training cases only: the plan must not be made with the test patients' help.
 */
import type { ContributionTo, Json } from '@consilium/protocol';
import {
  type Case,
  checkCase,
  type Fingerprint,
  fingerprintOf,
  mergeFingerprints,
  withoutRarePhases,
} from '@consilium/training';
import type { CohortCase } from './cohort.ts';
import { type DescribedCase, describeSite, featuresOf } from './site-description.ts';
import type { TaskContext } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

export async function fingerprintTask(
  { cohort, minimumCount, testGroups: kinds }: Workplace,
  { signal, onProgress }: TaskContext,
): Promise<ContributionTo<'fingerprint'>> {
  const members = cohort.usable();
  const fingerprints: Fingerprint[] = [];
  const described: DescribedCase[] = [];
  for (const [index, member] of members.entries()) {
    signal.throwIfAborted();
    await cohort.attempt(member, async () => {
      const loaded = await member.source.load();
      if (member.split !== 'train') return checkCase(loaded);
      fingerprints.push(await fingerprintOf([loaded]));
      described.push(await describedCase(member, loaded));
    });
    onProgress({ kind: 'case', done: index + 1, of: members.length });
  }
  cohort.require('train');
  return {
    kind: 'fingerprint',
    fingerprint: withoutRarePhases(mergeFingerprints(fingerprints)) as Json,
    description: describeSite(described, { kinds, minimumCount }),
    cases: cohort.counts(),
    leftOut: [...cohort.leftOut],
  };
}

async function describedCase({ groups, patient, sliceThicknessMm }: CohortCase, loaded: Case): Promise<DescribedCase> {
  const thickness = await sliceThicknessMm();
  const features = { ...featuresOf(loaded), ...(thickness === undefined ? {} : { 'slice-thickness-mm': thickness }) };
  return { patient, groups: await groups(), features };
}
