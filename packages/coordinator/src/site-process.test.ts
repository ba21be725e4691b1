import { existsSync } from 'node:fs';
import { MemoryStore, type TaskReply } from '@consilium/federation';
import type { JobId, Sha256, SiteId, TaskId, TrainTask } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import type { SiteEnd } from './child-site.ts';
import type { PretendSettings } from './pretend-site.fixture.ts';
import { type SiteProcessOptions, startSiteProcess } from './site-process.ts';
import { TaskSlots } from './task-slots.ts';

const siteId = 'site-1' as SiteId;
const never = () => new AbortController().signal;
let tasks = 0;
const trainTask = (weights: Sha256, round = 1): TrainTask => ({
  kind: 'train',
  taskId: `job/${round}/${++tasks}` as TaskId,
  jobId: 'job' as JobId,
  round,
  plan: null,
  model: weights,
  weights,
  steps: 2,
  firstStep: 0,
  totalSteps: 2,
  seed: 1,
  proximalMu: 0,
});

async function prepare(behaviour: PretendSettings['behaviour'], options: Partial<SiteProcessOptions> = {}) {
  const blobs = new MemoryStore();
  const sha256 = await blobs.putBlob(new Uint8Array([1, 2, 3]));
  const settings: PretendSettings = { siteId, behaviour };
  const ends: SiteEnd[] = [];
  const site = startSiteProcess({
    siteId,
    entry: new URL('./pretend-site.fixture.ts', import.meta.url),
    settings,
    blobs,
    execArgv: ['--conditions=consilium-source'],
    onEnd: (_, end) => ends.push(end),
    ...options,
  });
  return { blobs, sha256, site, ends };
}

const contributed = (reply: TaskReply): Uint8Array | Sha256 =>
  reply.kind === 'contribution' && reply.contribution.kind === 'train'
    ? reply.contribution.weights
    : expect.unreachable(JSON.stringify(reply));

describe('a site process', () => {
  it('is given the weights it asks for, and its contribution is in the store before its answer', async () => {
    const { blobs, sha256, site } = await prepare('good');
    await using _ = site;
    const progress: unknown[] = [];
    const reply = await site.perform(trainTask(sha256), { signal: never(), onProgress: (step) => progress.push(step) });
    expect([...(await blobs.getBlob(contributed(reply) as Sha256))]).toEqual([2, 3, 4]);
    expect(progress).toEqual([{ kind: 'step', step: 1, of: 2, loss: 0.5 }]);
  });

  it('answers tasks that come at once, one after the other', async () => {
    const { sha256, site } = await prepare('good');
    await using _ = site;
    const replies = await Promise.all([1, 2, 3].map(() => site.perform(trainTask(sha256), { signal: never() })));
    expect(replies.map(({ kind }) => kind)).toEqual(['contribution', 'contribution', 'contribution']);
  });

  it('that is killed during a task is lost, and is started again for the next', async () => {
    const { sha256, site, ends } = await prepare('dies');
    await using _ = site;
    const before = site.pid;
    const reply = await site.perform(trainTask(sha256, 1), { signal: never() });
    expect(reply).toEqual({
      kind: 'lost',
      code: 'coordinator.site-ended',
      message: 'Its process was ended by SIGKILL.',
    });
    expect(ends).toMatchObject([{ exitSignal: 'SIGKILL' }]);
    expect((await site.perform(trainTask(sha256, 2), { signal: never() })).kind).toBe('contribution');
    expect(site.pid).not.toBe(before);
  });

  it('that ends at its start is lost, and what it wrote goes to the local log only', async () => {
    const { sha256, site, ends } = await prepare('dies-at-start');
    await using _ = site;
    const reply = await site.perform(trainTask(sha256), { signal: never() });
    expect(reply).toMatchObject({ kind: 'lost', message: 'Its process ended with exit code 3.' });
    expect(ends[0]!.stderr).toContain('/a/path');
  });

  it('that refuses its settings fails its tasks for good', async () => {
    const { sha256, site } = await prepare('refuses');
    await using _ = site;
    const reply = await site.perform(trainTask(sha256), { signal: never() });
    expect(reply).toMatchObject({ kind: 'failure', failure: { code: 'site.bad-settings', lasting: true } });
  });

  it('that goes silent is ended and lost', async () => {
    const { sha256, site } = await prepare('silent', { idleMs: 1500 });
    await using _ = site;
    const reply = await site.perform(trainTask(sha256), { signal: never() });
    expect(reply).toMatchObject({ kind: 'lost', code: 'coordinator.site-silent' });
  });

  it.each(['babbles', 'lies'] as const)(
    'that %s is ended, and nothing it said is used or repeated',
    async (behaviour) => {
      const { sha256, site } = await prepare(behaviour);
      await using _ = site;
      const reply = await site.perform(trainTask(sha256), { signal: never() });
      expect(reply).toMatchObject({ kind: 'lost', code: 'protocol.malformed-message' });
      expect(JSON.stringify(reply)).not.toContain('JANE');
    },
  );

  it('is told when a task is given up, and takes the next', async () => {
    const { sha256, site } = await prepare('slow');
    await using _ = site;
    const request = new AbortController();
    const pid = site.pid;
    const first = site.perform(trainTask(sha256), { signal: request.signal, onProgress: () => request.abort() });
    expect(await first).toEqual({ kind: 'aborted' });
    const next = new AbortController();
    const second = site.perform(trainTask(sha256), { signal: next.signal, onProgress: () => next.abort() });
    expect(await second).toEqual({ kind: 'aborted' });
    expect(site.pid).toBe(pid);
  });

  it('that does not give up a task is ended after the grace', async () => {
    const { sha256, site, ends } = await prepare('stubborn', { graceMs: 200 });
    await using _ = site;
    const request = new AbortController();
    const reply = site.perform(trainTask(sha256), { signal: request.signal, onProgress: () => request.abort() });
    expect(await reply).toEqual({ kind: 'aborted' });
    await expect.poll(() => ends.length, { timeout: 10_000 }).toBe(1);
  });

  it('passes on that our own side cannot store its contribution', async () => {
    class FullDisk extends MemoryStore {
      override putBlob(bytes: Uint8Array) {
        if (bytes[0] === 2) throw Object.assign(new Error('The disk is full.'), { code: 'coordinator.disk-full' });
        return super.putBlob(bytes);
      }
    }
    const blobs = new FullDisk();
    const sha256 = await blobs.putBlob(new Uint8Array([1, 2, 3]));
    const { site } = await prepare('good', { blobs });
    await using _ = site;
    await expect(site.perform(trainTask(sha256), { signal: never() })).rejects.toMatchObject({
      code: 'coordinator.disk-full',
    });
  });

  it('is told that a blob does not exist', async () => {
    const { site } = await prepare('good');
    await using _ = site;
    const reply = await site.perform(trainTask('cd'.repeat(32) as Sha256), { signal: never() });
    expect(reply).toMatchObject({ kind: 'failure', failure: { code: 'site.blob-missing' } });
  });

  it('is gone after it was stopped, and takes no more tasks', async () => {
    const { sha256, site } = await prepare('good');
    await site.perform(trainTask(sha256), { signal: never() });
    const pid = site.pid!;
    await site.stop();
    expect(site.pid).toBeUndefined();
    if (existsSync('/proc/self')) expect(existsSync(`/proc/${pid}`)).toBe(false);
    await expect(site.perform(trainTask(sha256), { signal: never() })).rejects.toMatchObject({
      code: 'coordinator.site-stopped',
    });
  });
});

describe('task slots', () => {
  it('let no more tasks run at once than there are slots, in order', async () => {
    const slots = new TaskSlots(2);
    const started: string[] = [];
    let running = 0;
    const run = async (name: string) => {
      using _ = (await slots.acquire(never()))!;
      started.push(name);
      expect(++running).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(run));
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are not taken by those who gave up waiting', async () => {
    const slots = new TaskSlots(1);
    const held = await slots.acquire(never());
    const impatient = new AbortController();
    const waiting = slots.acquire(impatient.signal);
    const next = slots.acquire(never());
    impatient.abort();
    expect(await waiting).toBeNull();
    held![Symbol.dispose]();
    expect(await next).not.toBeNull();
  });
});
