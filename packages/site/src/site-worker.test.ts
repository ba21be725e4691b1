import { existsSync } from 'node:fs';
import { getBlob, MemoryStore, putBlob } from '@consilium/federation';
import type { BlobId, Contribution, JobId, TaskId, TaskProgress, TrainTask } from '@consilium/protocol';
import { plainEncoding } from '@consilium/protocol';
import { systemClock } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import type { PretendSettings } from './pretend-worker.fixture.ts';
import { SiteWorker, type SiteWorkerOptions } from './site-worker.ts';
import type { WorkerEnd } from './worker-process.ts';

let tasks = 0;
const trainTask = (weights: BlobId, round = 1): TrainTask => ({
  kind: 'train',
  taskId: `job/${round}/${++tasks}` as TaskId,
  jobId: 'job' as JobId,
  attempt: 1,
  round,
  plan: null,
  model: weights,
  weights,
  steps: 2,
  firstStep: 0,
  totalSteps: 2,
  seed: 1,
  proximalMu: 0,
  control: null,
  keepLocal: [],
  personalLambda: null,
  reply: plainEncoding,
});

async function prepare(behaviour: PretendSettings['behaviour'], options: Partial<SiteWorkerOptions> = {}) {
  const blobs = new MemoryStore();
  const blob = await putBlob(blobs, new Uint8Array([1, 2, 3]));
  const settings: PretendSettings = { behaviour };
  const ends: WorkerEnd[] = [];
  const worker = new SiteWorker({
    entry: new URL('./pretend-worker.fixture.ts', import.meta.url),
    settings,
    blobs,
    clock: systemClock,
    execArgv: ['--conditions=consilium-source'],
    onEnd: (end) => ends.push(end),
    ...options,
  });
  return { blobs, blob, worker, ends };
}

const plainly = (onProgress: (progress: TaskProgress) => void = () => {}) => ({
  signal: new AbortController().signal,
  onProgress,
});
const weightsOf = (contribution: Contribution): BlobId =>
  contribution.kind === 'train' ? contribution.weights : expect.unreachable();
const failing = (failure: object) => expect.objectContaining({ failure: expect.objectContaining(failure) });

describe('the worker of a site', () => {
  it('is given the weights it asks for, and its contribution is in the store before its answer', async () => {
    const { blobs, blob, worker } = await prepare('good');
    await using _ = worker;
    const progress: unknown[] = [];
    const contribution = await worker.perform(
      trainTask(blob),
      plainly((step) => progress.push(step)),
    );
    expect([...(await getBlob(blobs, weightsOf(contribution)))]).toEqual([2, 3, 4]);
    expect(progress).toEqual([{ kind: 'step', step: 1, of: 2, loss: 0.5 }]);
  });

  it('answers tasks that come at once, one after the other', async () => {
    const { blob, worker } = await prepare('good');
    await using _ = worker;
    const replies = await Promise.all([1, 2, 3].map(() => worker.perform(trainTask(blob), plainly())));
    expect(replies.map(({ kind }) => kind)).toEqual(['train', 'train', 'train']);
  });

  it('that is killed during a task says so, and that asking again may help, and is started again', async () => {
    const { blob, worker, ends } = await prepare('dies');
    await using _ = worker;
    const message = 'Its process was ended by SIGKILL.';
    await expect(worker.perform(trainTask(blob, 1), plainly())).rejects.toThrow(
      failing({ code: 'site.worker-ended', message, worthRetrying: true }),
    );
    expect(ends).toMatchObject([{ exitSignal: 'SIGKILL' }]);
    expect((await worker.perform(trainTask(blob, 2), plainly())).kind).toBe('train');
  });

  it('that ends at its start is named by its exit code, and what it wrote goes to the local log only', async () => {
    const { blob, worker, ends } = await prepare('dies-at-start');
    await using _ = worker;
    await expect(worker.perform(trainTask(blob), plainly())).rejects.toThrow(
      failing({ message: 'Its process ended with exit code 3.' }),
    );
    expect(ends[0]!.stderr).toContain('/a/path');
  });

  it('that refuses its settings fails its tasks for good', async () => {
    const { blob, worker } = await prepare('refuses');
    await using _ = worker;
    await expect(worker.perform(trainTask(blob), plainly())).rejects.toThrow(
      failing({ code: 'site.bad-settings', lasting: true }),
    );
  });

  it('that goes silent is ended', async () => {
    const { blob, worker } = await prepare('silent', { idleMs: 1500 });
    await using _ = worker;
    await expect(worker.perform(trainTask(blob), plainly())).rejects.toThrow(failing({ code: 'site.worker-silent' }));
  });

  it.each(['babbles', 'lies'] as const)(
    'that %s is ended, and nothing it said is used or repeated',
    async (behaviour) => {
      const { blob, worker } = await prepare(behaviour);
      await using _ = worker;
      const error = await worker.perform(trainTask(blob), plainly()).catch((thrown: unknown) => thrown);
      expect(error).toEqual(failing({ code: 'site.worker-malformed' }));
      expect(JSON.stringify(error)).not.toContain('JANE');
    },
  );

  it('is told when a task is given up, and takes the next', async () => {
    const { blob, worker } = await prepare('slow');
    await using _ = worker;
    const pids = new Set<number | undefined>();
    for (let task = 0; task < 2; task++) {
      const request = new AbortController();
      const onProgress = () => request.abort();
      await expect(worker.perform(trainTask(blob), { signal: request.signal, onProgress })).rejects.toThrow();
      expect(request.signal.aborted).toBe(true);
      pids.add(worker.pid);
    }
    expect(pids.size).toBe(1);
  });

  it('that does not give up a task is ended after the grace', async () => {
    const { blob, worker, ends } = await prepare('stubborn', { graceMs: 200 });
    await using _ = worker;
    const request = new AbortController();
    const onProgress = () => request.abort();
    await expect(worker.perform(trainTask(blob), { signal: request.signal, onProgress })).rejects.toThrow();
    await expect.poll(() => ends.length, { timeout: 10_000 }).toBe(1);
  });

  it('passes on that the site cannot store its contribution', async () => {
    class FullDisk extends MemoryStore {
      override putChunk(bytes: Uint8Array) {
        if (bytes[0] === 2) throw Object.assign(new Error('The disk is full.'), { code: 'transport.disk-full' });
        return super.putChunk(bytes);
      }
    }
    const blobs = new FullDisk();
    const blob = await putBlob(blobs, new Uint8Array([1, 2, 3]));
    const { worker } = await prepare('good', { blobs });
    await using _ = worker;
    await expect(worker.perform(trainTask(blob), plainly())).rejects.toMatchObject({ code: 'transport.disk-full' });
  });

  it('is told that a blob does not exist', async () => {
    const { worker } = await prepare('good');
    await using _ = worker;
    await expect(worker.perform(trainTask('cd'.repeat(32) as BlobId), plainly())).rejects.toThrow(
      failing({ code: 'site.blob-missing' }),
    );
  });

  it('is gone after it was disposed of', async () => {
    const { blob, worker } = await prepare('good');
    await worker.perform(trainTask(blob), plainly());
    const pid = worker.pid!;
    await worker[Symbol.asyncDispose]();
    expect(worker.pid).toBeUndefined();
    if (existsSync('/proc/self')) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});
