/** Preprocesses the cases that training will see, once, to the cache on disk. */
import type { CaseSelection, ContributionTo, Split, Task } from '@consilium/protocol';
import { type Plan, parsePlan } from '@consilium/training';
import { selectedCases } from './case-selection.ts';
import type { TaskContext } from './worker-link.ts';
import type { PreparedMember, Workplace } from './workplace.ts';

/** Test cases are left alone until their day. */
const preparedSplits = ['train', 'validation'] as const;

export async function prepareTask(
  task: Extract<Task, { kind: 'prepare' }>,
  workplace: Workplace,
  { signal, onProgress }: TaskContext,
): Promise<ContributionTo<'prepare'>> {
  const { cohort, cache } = workplace;
  const plan = parsePlan(task.plan);
  const members = preparedSplits.flatMap((split) => cohort.usable(split));
  for (const [index, member] of members.entries()) {
    signal.throwIfAborted();
    await cohort.attempt(member, () => cache.get(member.source, plan));
    onProgress({ kind: 'case', done: index + 1, of: members.length });
  }
  cohort.require('train');
  return { kind: 'prepare', cases: cohort.counts(), leftOut: [...cohort.leftOut] };
}

/** The prepared cases of a split, or a selection of them, from the cache or made now; what cannot be used is left out. */
export async function preparedMembers(
  split: Split,
  plan: Plan,
  { cohort, cache }: Workplace,
  { signal, selection }: { readonly signal: AbortSignal; readonly selection?: CaseSelection | undefined },
): Promise<PreparedMember[]> {
  const members: PreparedMember[] = [];
  for (const member of selectedCases(cohort.usable(split), selection)) {
    signal.throwIfAborted();
    const prepared = await cohort.attempt(member, () => cache.get(member.source, plan));
    if (prepared !== null) members.push({ member, prepared });
  }
  return members;
}
