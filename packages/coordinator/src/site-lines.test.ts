import { type Clock, MemoryStore, type SiteConnection } from '@consilium/federation';
import type { CoordinatorMessage, JobId, SiteId, Task, TaskId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { SiteLines } from './site-lines.ts';

const [one, two] = ['site-1', 'site-2'] as readonly string[] as readonly [SiteId, SiteId];
const frozen: Clock = { nowMs: () => 0, sleep: () => new Promise(() => {}) };
const linesWith = (observed?: (line: SiteConnection) => SiteConnection) =>
  new SiteLines({
    clock: frozen,
    store: new MemoryStore(),
    absentMsMax: 1000,
    silentMsMax: 1000,
    ...(observed === undefined ? {} : { observed }),
  });
const task: Task = {
  kind: 'fingerprint',
  taskId: 'job/0/fingerprint/site-1' as TaskId,
  jobId: 'job' as JobId,
  attempt: 1,
};
const asked = () => ({ signal: new AbortController().signal });

describe('the lines of a coordinator', () => {
  it('are one for each site, the same each time', () => {
    const lines = linesWith();
    expect(lines.of(one)).toBe(lines.of(one));
    expect(lines.of(two)).not.toBe(lines.of(one));
    expect([...lines.connections.keys()]).toEqual([one, two]);
    expect(lines.all.map(({ siteId }) => siteId)).toEqual([one, two]);
  });

  it('are seen by jobs as they come and go', () => {
    const lines = linesWith();
    const { connections } = lines;
    expect(connections.get(one)).toBeUndefined();
    lines.of(one);
    expect(connections.get(one)?.siteId).toBe(one);
    lines.remove(one);
    expect(connections.get(one)).toBeUndefined();
    lines.remove(two);
  });

  it('of a site that is removed end, and so does what it was asked for', async () => {
    const lines = linesWith();
    const sent: CoordinatorMessage[] = [];
    let ended = false;
    const connection = { send: (message: CoordinatorMessage) => sent.push(message), end: () => (ended = true) };
    await lines.of(one).connected({ kind: 'hello', protocolVersion: 1, holding: [] }, connection);
    const reply = lines.connections.get(one)!.perform(task, asked());
    await expect.poll(() => sent).toEqual([{ kind: 'task', task }]);
    lines.remove(one);
    expect(await reply).toMatchObject({ kind: 'lost', code: 'federation.site-removed' });
    expect(ended).toBe(true);
  });

  it('are what an observer makes of them, for jobs', async () => {
    const seen: string[] = [];
    const lines = linesWith((line) => ({
      siteId: line.siteId,
      perform: (asked) => {
        seen.push(asked.taskId);
        return Promise.resolve({ kind: 'aborted' });
      },
    }));
    lines.of(one);
    expect(await lines.connections.get(one)!.perform(task, asked())).toEqual({ kind: 'aborted' });
    expect(seen).toEqual([task.taskId]);
    expect(lines.of(one).openTasks).toEqual([]);
  });
});
