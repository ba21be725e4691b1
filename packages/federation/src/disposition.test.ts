import type { JobId, Json, TaskId } from '@consilium/protocol';
import { expect, it } from 'vitest';
import { type Disposition, dispositionOf } from './disposition.ts';
import { MemoryStore } from './memory-store.ts';

const end = { kind: 'end', state: 'failed', reason: { code: 'x', text: 'X.' }, leftOut: [] };
const keeping = { strategy: { kind: 'fed-buff', bufferSize: 1, learningRate: 1 } };
const dropping = { strategy: { kind: 'fed-avg' } };

it.each<[string, string, Record<string, Json>, Disposition]>([
  ['of no known job', 'other/1/train/a', { job: dropping }, 'closed'],
  ['with a name that says nothing', 'job/one/train/a', { job: dropping }, 'closed'],
  ['of another kind of name', '../../log/1', { job: dropping }, 'closed'],
  ['not yet asked for', 'job/1/train/a', { submitted: {} }, 'open'],
  ['of a job that has failed', 'job/1/train/a', { job: dropping, 'log/1': end }, 'closed'],
  [
    'of a job that was taken up again',
    'job/1/train/a',
    { job: dropping, 'log/1': end, 'log/2': { kind: 'resume' } },
    'open',
  ],
  ['that is in the ledger', 'job/1/train/a', { job: dropping, 'round/1/train/a': { askedIn: 1 } }, 'accepted'],
  ['in the ledger for another round', 'job/1/train/a', { job: dropping, 'round/1/train/a': { askedIn: 9 } }, 'open'],
  ['of a round that is closed', 'job/1/train/a', { job: dropping, 'round/1/aggregate': {} }, 'closed'],
  ['that comes late where that counts', 'job/1/train/a', { job: keeping, 'round/1/aggregate': {} }, 'open'],
  [
    'that came late and was counted',
    'job/1/train/a',
    { job: keeping, 'round/1/aggregate': {}, 'round/2/aggregate': {}, 'round/3/train/a': { askedIn: 1 } },
    'accepted',
  ],
  [
    'that was set aside for another to the same site',
    'job/1/train/a',
    { job: keeping, 'round/1/aggregate': {}, 'round/2/aggregate': {}, 'round/3/asked': [{ siteId: 'a' }] },
    'closed',
  ],
  [
    'whose site is not among those asked later',
    'job/1/train/a',
    { job: keeping, 'round/1/aggregate': {}, 'round/2/asked': [{ siteId: 'b' }] },
    'open',
  ],
  ['to an evaluation under way', 'job/1/evaluate/a', { job: dropping, 'round/1/aggregate': {} }, 'open'],
  ['to an evaluation in the ledger', 'job/1/evaluate/a', { job: dropping, 'round/1/evaluate/a': {} }, 'accepted'],
  ['to an evaluation that is over', 'job/1/evaluate/a', { job: dropping, 'round/1/record': {} }, 'closed'],
  ['to a step of a secure sum', 'job/1/secure-keys.2/a', { job: dropping, 'round/1/secure-failed.1': {} }, 'open'],
  ['to a step that has it', 'job/1/secure-keys.1/a', { job: {}, 'round/1/secure-keys.1/a': {} }, 'accepted'],
  ['to a step that is closed', 'job/1/secure-keys.1/a', { job: {}, 'round/1/secure-keys.1.closed': {} }, 'closed'],
  ['to a sum that was given up', 'job/1/secure-input.1/a', { job: {}, 'round/1/secure-failed.1': {} }, 'closed'],
  ['to a sum that is known', 'job/1/secure-unmask.1/a', { job: {}, 'round/1/aggregate': {} }, 'closed'],
  ['to a survey under way', 'job/0/prepare/a', { job: {} }, 'open'],
  ['to a survey that has it', 'job/0/prepare/a', { job: {}, 'answer/a': {} }, 'accepted'],
  ['to a survey that has ended', 'job/0/prepare/a', { job: {}, 'log/1': end }, 'closed'],
])('a contribution %s: %s', async (_, taskId, entries, expected) => {
  const ledger = new MemoryStore();
  for (const [key, value] of Object.entries(entries)) await ledger.record('job' as JobId, key, value);
  expect(await dispositionOf(ledger, taskId as TaskId)).toBe(expected);
});
