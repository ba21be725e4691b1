/**
 * Reads every case once, so that each that cannot be used is known and named before training starts. The numbers that
 * leave are of the training cases only: the plan must not be made with the test patients' help.
 */
import type { ContributionTo, Json } from '@consilium/protocol';
import { checkCase, type Fingerprint, fingerprintOf, mergeFingerprints, withoutRarePhases } from '@consilium/training';
import type { TaskContext } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

export async function fingerprintTask(
  { cohort }: Workplace,
  { signal, onProgress }: TaskContext,
): Promise<ContributionTo<'fingerprint'>> {
  const members = cohort.usable();
  const fingerprints: Fingerprint[] = [];
  for (const [index, member] of members.entries()) {
    signal.throwIfAborted();
    await cohort.attempt(member, async () => {
      const loaded = await member.source.load();
      if (member.split === 'train') fingerprints.push(await fingerprintOf([loaded]));
      else checkCase(loaded);
    });
    onProgress({ kind: 'case', done: index + 1, of: members.length });
  }
  cohort.require('train');
  return {
    kind: 'fingerprint',
    fingerprint: withoutRarePhases(mergeFingerprints(fingerprints)) as Json,
    cases: cohort.counts(),
    leftOut: [...cohort.leftOut],
  };
}
