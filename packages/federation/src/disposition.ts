/** What the ledger says of a piece of work, for a contribution that comes when nobody waits for it. */
import { type JobId, type Json, siteIdSchema, type TaskId } from '@consilium/protocol';
import { hasEnded, submittedKey } from './job-log.ts';
import type { Ledger } from './store.ts';
import { strategyOf, strategySpecSchema } from './strategies.ts';
import type { TrainOrder } from './strategy.ts';

export type Disposition =
  /** A contribution to it is in the ledger. */
  | 'accepted'
  /** No contribution to it will be used any more. */
  | 'closed'
  /** It is, or may come to be, asked for. */
  | 'open';

/** Reads only the entries that matter: it is asked of every contribution. */
export async function dispositionOf(ledger: Ledger, taskId: TaskId): Promise<Disposition> {
  const [job, roundText, kind, siteId] = taskId.split('/');
  const jobId = job as JobId;
  const entry = (key: string): Promise<Json | undefined> => ledger.entry(jobId, key);
  const has = (key: string): Promise<boolean> => ledger.has(jobId, key);
  const openUnlessEnded = async (): Promise<Disposition> => ((await hasEnded(ledger, jobId)) ? 'closed' : 'open');
  const isNamed = siteIdSchema.safeParse(siteId).success && /^\d+$/.test(roundText ?? '');
  if (!isNamed || !((await has(submittedKey)) || (await has('job')))) return 'closed';
  const round = Number(roundText);
  if (kind === 'introduce' || kind === 'overlap') {
    if (await has(`round/${round}/${kind}/${siteId}`)) return 'accepted';
    return (await has(`round/${round}/closed`)) ? 'closed' : openUnlessEnded();
  }
  if (round === 0) return (await has(`answer/${siteId}`)) ? 'accepted' : openUnlessEnded();
  if (kind === 'evaluate') {
    if (await has(`round/${round}/evaluate/${siteId}`)) return 'accepted';
    return (await has(`round/${round}/record`)) ? 'closed' : openUnlessEnded();
  }
  if (kind?.startsWith('secure-')) {
    if (await has(`round/${round}/${kind}/${siteId}`)) return 'accepted';
    const ends = [`${kind}.closed`, `secure-failed.${kind.split('.')[1]}`, 'aggregate'];
    for (const each of ends) if (await has(`round/${round}/${each}`)) return 'closed';
    return openUnlessEnded();
  }
  for (let counted = round; ; counted++) {
    const trained = (await entry(`round/${counted}/train/${siteId}`)) as { askedIn?: unknown } | undefined;
    if (trained?.askedIn === round) return 'accepted';
    if (!(await has(`round/${counted}/aggregate`))) return openUnlessEnded();
    if (!keepsLate(await entry('job'))) return 'closed';
    if (isGivenAnother(await entry(`round/${counted + 1}/asked`), siteId)) return 'closed';
  }
}

/** Whether a site was given another task in a later round: the one before does not count any more. */
function isGivenAnother(orders: Json | undefined, siteId: string | undefined): boolean {
  return ((orders ?? []) as unknown as readonly TrainOrder[]).some((order) => order.siteId === siteId);
}

function keepsLate(definition: Json | undefined): boolean {
  const spec = strategySpecSchema.safeParse((definition as { strategy?: unknown } | undefined)?.strategy);
  return spec.success && strategyOf(spec.data).late === 'keep';
}
