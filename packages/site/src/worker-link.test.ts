import { blobIdOf, chunkIdOf } from '@consilium/federation';
import type { Contribution, Task } from '@consilium/protocol';
import { systemClock } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { SiteError } from './site-error.ts';
import { type TaskContext, WorkerLink } from './worker-link.ts';
import type { FromWorker } from './worker-messages.ts';

const prepared: Contribution = { kind: 'prepare', cases: { train: 1, validation: 1, test: 1 }, leftOut: [] };
const configure = { kind: 'configure', settings: { any: 'thing' } };
const taskOf = (taskId: string) => ({
  kind: 'task',
  task: { kind: 'prepare', taskId, jobId: 'job', attempt: 1, plan: null },
});
const bytes = new Uint8Array([1, 2, 3]);
const blob = blobIdOf({ bytes: 3, chunks: [chunkIdOf(bytes)] });

function linked(perform: (task: Task, context: TaskContext) => Promise<Contribution>) {
  const sent: FromWorker[] = [];
  const logged: unknown[] = [];
  let stopped = false;
  const link = new WorkerLink({
    send: async (message) => void sent.push(message),
    configure: () => ({ performer: { perform }, log: { write: (...entry) => void logged.push(entry) } }),
    clock: systemClock,
    residentBytes: () => 1,
    onStop: () => {
      stopped = true;
    },
  });
  return { link, sent, logged, isStopped: () => stopped };
}
const kinds = (sent: readonly FromWorker[]) => sent.map(({ kind }) => kind);
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('the line to the coordinator', () => {
  it('answers each task with its contribution, one after the other', async () => {
    const log: string[] = [];
    const { link, sent } = linked(async (task) => {
      log.push(`begin ${task.taskId}`);
      await settled();
      log.push(`end ${task.taskId}`);
      return prepared;
    });
    for (const message of [configure, taskOf('one'), taskOf('two')]) await link.receive(message);
    await expect.poll(() => kinds(sent)).toEqual(['ready', 'contribution', 'contribution']);
    expect(log).toEqual(['begin one', 'end one', 'begin two', 'end two']);
  });

  it('asks for blobs it lacks, once, and sends its own before the contribution', async () => {
    const { link, sent } = linked(async (_, { getBlob, putBlob }) => {
      const [one, other] = await Promise.all([getBlob(blob), getBlob(blob)]);
      expect(one).toBe(other);
      await putBlob(await getBlob(blob));
      return prepared;
    });
    for (const message of [configure, taskOf('one')]) await link.receive(message);
    await settled();
    await link.receive({ kind: 'chunk', blob, isLast: true, bytes });
    await expect.poll(() => kinds(sent)).toEqual(['ready', 'blob-wanted', 'chunk', 'manifest', 'contribution']);
  });

  it('fails a task whose blob does not exist', async () => {
    const { link, sent } = linked(async (_, { getBlob }) => {
      await getBlob(blob);
      return prepared;
    });
    for (const message of [configure, taskOf('one')]) await link.receive(message);
    await settled();
    await link.receive({ kind: 'blob-missing', blob });
    await expect.poll(() => sent.at(-1)).toMatchObject({ kind: 'failure', failure: { code: 'site.blob-missing' } });
  });

  it.each([
    [new SiteError('site.no-usable-case', 'None.', { lasting: true, detail: '/secret' }), 'site.no-usable-case', true],
    [
      Object.assign(new Error('The loss is not finite.'), { code: 'engine.loss-not-finite' }),
      'engine.loss-not-finite',
      false,
    ],
    [Object.assign(new Error('write /secret'), { code: 'ENOSPC' }), 'site.disk-full', false],
    [new TypeError('/secret/patient is not a function'), 'site.unexpected-error', false],
    ['a thrown string with /secret', 'site.unexpected-error', false],
  ])('says of %s no more than may leave the hospital', async (error, code, lasting) => {
    const { link, sent, logged } = linked(() => Promise.reject(error));
    for (const message of [configure, taskOf('one')]) await link.receive(message);
    await expect.poll(() => sent.at(-1)).toMatchObject({ kind: 'failure', failure: { code, lasting } });
    expect(JSON.stringify(sent)).not.toContain('secret');
    if (String(error).includes('secret')) expect(JSON.stringify(logged)).toContain('secret');
  });

  it('gives up a task when told to, also one that waits', async () => {
    const begun: string[] = [];
    const { link, sent } = linked(
      (task, { signal }) =>
        new Promise((_, reject) => {
          begun.push(task.taskId);
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    for (const message of [configure, taskOf('one'), taskOf('two')]) await link.receive(message);
    await settled();
    for (const taskId of ['two', 'one']) await link.receive({ kind: 'abort', taskId });
    await expect.poll(() => kinds(sent)).toEqual(['ready', 'failure', 'failure']);
    expect(sent.slice(1)).toMatchObject([{ failure: { code: 'site.aborted' } }, { failure: { code: 'site.aborted' } }]);
    expect(begun).toEqual(['one']);
  });

  it('stops after the running task was given up', async () => {
    const { link, sent, isStopped } = linked(
      (_, { signal }) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    for (const message of [configure, taskOf('one')]) await link.receive(message);
    await link.receive({ kind: 'stop' });
    expect(isStopped()).toBe(true);
    expect(kinds(sent)).toEqual(['ready', 'failure']);
  });

  it('refuses wrong settings, and ends', async () => {
    const sent: FromWorker[] = [];
    let stopped = false;
    const link = new WorkerLink({
      send: async (message) => void sent.push(message),
      configure: () => {
        throw new SiteError('site.bad-settings', 'Wrong.', { lasting: true });
      },
      clock: systemClock,
      residentBytes: () => 1,
      onStop: () => {
        stopped = true;
      },
    });
    await link.receive(configure);
    expect(sent).toMatchObject([{ kind: 'refused', failure: { code: 'site.bad-settings', lasting: true } }]);
    expect(stopped).toBe(true);
  });

  it('passes over malformed messages', async () => {
    const { link, sent } = linked(async () => prepared);
    for (const junk of [null, 7, { kind: 'task' }, configure, { kind: 'explode' }]) await link.receive(junk);
    expect(kinds(sent)).toEqual(['ready']);
  });
});
