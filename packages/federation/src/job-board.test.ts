import { encodeMandate, type JobId, type Json, type MandateSignature, type SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { putBlob } from './blob.ts';
import { JobBoard } from './job-board.ts';
import type { JobEvent } from './job-event.ts';
import { jobLog } from './job-log.ts';
import type { JobOutcome } from './job-run.ts';
import { MemoryStore } from './memory-store.ts';
import { putModel, simulatedJob, simulatedPorts } from './simulator/simulation.ts';

const first = 'first' as JobId;
const second = 'second' as JobId;
const job = (jobId: JobId = first) => simulatedJob({ jobId, rounds: { max: 2 } });

async function withBoard(
  play: (board: JobBoard, store: MemoryStore, events: JobEvent[]) => Promise<void>,
  store = new MemoryStore(),
  jobsAtOnce = 1,
): Promise<MemoryStore> {
  await putModel(store);
  const events: JobEvent[] = [];
  const onEvent = (event: JobEvent) => events.push(event);
  await using board = await JobBoard.open(simulatedPorts({ store }), { jobsAtOnce, onEvent });
  await play(board, store, events);
  return store;
}

/** Until the ledger holds an entry. */
async function recorded(store: MemoryStore, key: string): Promise<void> {
  while (!(await store.has(first, key))) await new Promise((resolve) => setImmediate(resolve));
}

describe('a board of jobs', () => {
  it('runs jobs in the order of their submission, as many at once as it may, and tells their outcome', () =>
    withBoard(async (board, _, events) => {
      await board.submit(job(first));
      expect(await board.submit(job(second))).toMatchObject({ state: 'queued' });
      const outcome = await board.outcome<JobOutcome>(second);
      expect(outcome).toMatchObject({ state: 'completed', reason: { code: 'rounds-used-up' } });
      expect(board.list().map(({ jobId, state }) => [jobId, state])).toEqual([
        [first, 'completed'],
        [second, 'completed'],
      ]);
      const lives = events.filter(({ kind }) => kind === 'job-started' || kind === 'job-ended');
      expect(lives.map(({ kind, jobId }) => `${jobId} ${kind}`)).toEqual([
        'first job-started',
        'first job-ended',
        'second job-started',
        'second job-ended',
      ]);
    }));

  it('keeps what a job begins with from its submission on: it may wait for its turn for days', () =>
    withBoard(async (board, store) => {
      await board.submit(job(first));
      await board.submit(job(second));
      expect(board.status(second)).toMatchObject({ state: 'queued' });
      expect(store.held.get('second/job')).toEqual(new Set([job().model, job().initialWeights]));
    }));

  it('takes the same submission as one, and refuses another under its name, or one that makes no sense', () =>
    withBoard(async (board) => {
      await Promise.all([board.submit(job()), board.submit(job())]);
      expect(board.list()).toHaveLength(1);
      await expect(board.submit({ ...job(), seed: 1 })).rejects.toMatchObject({ code: 'federation.job-changed' });
      await expect(board.submit({ ...job(second), attempts: 0 })).rejects.toMatchObject({ code: 'federation.bad-job' });
      expect(() => board.status(second)).toThrow(expect.objectContaining({ code: 'federation.job-unknown' }));
    }));

  it('keeps what was signed with the job, hands it to every site, and refuses what nobody signed', () =>
    withBoard(async (board, store) => {
      const signatures = (signedAt: string): MandateSignature[] => [
        { as: 'submitter', certificate: 'anna', signedAt, signature: 'A'.repeat(88) },
      ];
      const sign = (submission: object, signedAt = '2026-01-01T00:00:00Z') =>
        putBlob(
          store,
          encodeMandate({ version: 1, project: 'p', submission: submission as Json, signatures: signatures(signedAt) }),
        );
      const mandate = await sign(job());
      await board.submit({ ...job(), mandate });
      expect(store.held.get('first/job')).toEqual(new Set([job().model, job().initialWeights, mandate]));
      const again = await sign(job(), '2026-01-02T00:00:00Z');
      expect(again).not.toBe(mandate);
      await board.submit({ ...job(), mandate: again });
      expect(board.submission(first).mandate).toBe(mandate);
      const mismatch = { code: 'federation.mandate-mismatch' };
      await expect(board.submit({ ...job(second), mandate })).rejects.toMatchObject(mismatch);
      const junk = await putBlob(store, new Uint8Array([1, 2, 3]));
      await expect(board.submit({ ...job(second), mandate: junk })).rejects.toMatchObject(mismatch);
      const nothing = 'ab'.repeat(32);
      await expect(board.submit({ ...job(second), mandate: nothing })).rejects.toMatchObject(mismatch);
      await board.outcome(first);
    }));

  it('opened anew goes on with what had not ended, and tells the end of what had', async () => {
    const store = await withBoard(async (board, store) => {
      await board.submit(job());
      await recorded(store, 'round/1/train/site-1');
    });
    let told: JobOutcome | null = null;
    await withBoard(async (board) => {
      told = await board.outcome<JobOutcome>(first);
    }, store);
    await withBoard(async (board, _, events) => {
      const { rounds, best, reason, state } = await board.outcome<JobOutcome>(first);
      expect({ rounds, best, reason, state }).toEqual(told);
      expect(events).toEqual([]);
    }, store);
  });

  it('keeps a paused job paused, until it is resumed, by whichever board', async () => {
    const store = await withBoard(async (board, store) => {
      await board.submit(job());
      await recorded(store, 'round/1/train/site-1');
      expect(await board.pause(first)).toMatchObject({ state: 'paused' });
    });
    await withBoard(async (board) => {
      expect(board.status(first)).toMatchObject({ state: 'paused' });
      await board.resume(first);
      expect(await board.outcome(first)).toMatchObject({ state: 'completed' });
      await expect(board.resume(first)).rejects.toMatchObject({ code: 'federation.job-over' });
    }, store);
  });

  it('ends an aborted job for good', async () => {
    const store = await withBoard(async (board, store) => {
      await board.submit(job());
      await recorded(store, 'round/1/train/site-1');
      await board.abort(first, 'someone');
      expect(await board.outcome(first)).toMatchObject({ state: 'failed', reason: { code: 'aborted-by-request' } });
      await expect(board.resume(first)).rejects.toMatchObject({ code: 'federation.job-over' });
    });
    await withBoard(async (board) => expect(board.status(first).state).toBe('aborted'), store);
  });

  it.each(['running', 'paused'])('lets go of what a %s job has of its open round when it is aborted', async (state) => {
    const abort = async (board: JobBoard) => void (await board.abort(first, 'someone'));
    const store = await withBoard(async (board, store) => {
      await board.submit(job());
      await recorded(store, 'round/1/train/site-1');
      expect([...store.held.keys()]).toContain('first/1/contributions');
      await (state === 'running' ? abort(board) : board.pause(first));
    });
    if (state === 'paused') await withBoard(abort, store);
    expect([...store.held.keys()]).toEqual(['first/job']);
  });

  it('lets go of it when it is opened anew, if it could not before, and keeps the models of completed rounds', async () => {
    class StuckDisk extends MemoryStore {
      isStuck = false;
      override async release(holder: string): Promise<void> {
        if (this.isStuck) throw Object.assign(new Error('The disk is read-only.'), { code: 'coordinator.disk-failed' });
        return super.release(holder);
      }
    }
    const store = new StuckDisk();
    await withBoard(async (board) => {
      await board.submit(simulatedJob({ jobId: first, strategy: { kind: 'scaffold', learningRate: 1 } }));
      await recorded(store, 'round/2/aggregate');
      store.isStuck = true;
      await board.abort(first, 'someone');
    }, store);
    expect([...store.held.keys()]).toContain('first/2/contributions');
    store.isStuck = false;
    await withBoard(async () => {}, store);
    expect([...store.held.keys()]).toEqual(['first/job', 'first/1/weights']);
  });

  it('makes changes that are asked for at once one after another', async () => {
    const store = await withBoard(async (board) => {
      await board.submit(job());
      const [paused, aborted, late] = await Promise.all([
        board.pause(first),
        board.abort(first, 'someone'),
        board.pause(first),
      ]);
      expect([paused.state, aborted.state, late.state]).toEqual(['paused', 'aborted', 'aborted']);
    });
    expect(jobLog(await store.recall(first)).map(({ kind }) => kind)).toEqual(['pause', 'end']);
  });

  it('does not begin a resumed job before what was paused has come to its end', async () => {
    class SlowLedger extends MemoryStore {
      readonly begun: string[] = [];
      proceed: (() => void) | null = null;
      override async record(jobId: JobId, key: string, value: Json): Promise<void> {
        if (key.startsWith('round/1/train/')) {
          this.begun.push(key);
          if (this.proceed === null) await new Promise<void>((resolve) => (this.proceed = resolve));
        }
        return super.record(jobId, key, value);
      }
    }
    const store = new SlowLedger();
    await withBoard(
      async (board, _, events) => {
        const starts = () => events.filter(({ kind }) => kind === 'job-started').length;
        await board.submit(job());
        while (store.proceed === null) await new Promise((resolve) => setImmediate(resolve));
        await board.pause(first);
        expect(await board.resume(first)).toMatchObject({ state: 'queued' });
        expect(starts()).toBe(1);
        store.proceed();
        expect(await board.outcome(first)).toMatchObject({ state: 'completed' });
        expect(starts()).toBe(2);
        expect(new Set(store.begun).size).toBe(store.begun.length);
      },
      store,
      2,
    );
  });

  it('says why a job failed whose end could not be written; the next board goes on with it', async () => {
    class FullDisk extends MemoryStore {
      isFull = true;
      override async record(jobId: JobId, key: string, value: Json): Promise<void> {
        const isFull = this.isFull && (key === 'log/1' || key === 'round/2/aggregate');
        if (isFull) throw Object.assign(new Error('The disk is full.'), { code: 'coordinator.disk-full' });
        return super.record(jobId, key, value);
      }
    }
    const store = new FullDisk();
    await withBoard(async (board) => {
      await board.submit(job());
      while (board.status(first).state === 'running') await new Promise((resolve) => setImmediate(resolve));
      expect(board.status(first)).toMatchObject({ state: 'failed', reason: { code: 'coordinator.disk-full' } });
    }, store);
    store.isFull = false;
    await withBoard(async (board) => {
      expect(await board.outcome(first)).toMatchObject({ state: 'completed' });
    }, store);
  });

  it('goes by the ledger where a write failed and has happened all the same', async () => {
    class FailingDisk extends MemoryStore {
      override async record(jobId: JobId, key: string, value: Json): Promise<void> {
        await super.record(jobId, key, value);
        if (key.startsWith('log/')) throw Object.assign(new Error('The disk failed.'), { code: 'coordinator.disk' });
      }
    }
    const store = new FailingDisk();
    await withBoard(async (board) => {
      await board.submit(job());
      expect(await board.pause(first)).toMatchObject({ state: 'paused' });
      expect(await board.resume(first)).toMatchObject({ state: 'queued' });
      expect(await board.outcome(first)).toMatchObject({ state: 'completed' });
    }, store);
    await withBoard(async (board) => expect(board.status(first).state).toBe('completed'), store);
  });

  it('asks a site again that failed when a failed job is resumed', async () => {
    const store = new MemoryStore();
    await putModel(store);
    const all = simulatedJob({ jobId: first, rounds: { max: 1 }, minimumSites: 4 });
    const failing = simulatedPorts({ store, mishap: (siteId: SiteId) => (siteId === 'site-2' ? 'fails' : undefined) });
    {
      await using board = await JobBoard.open(failing, { jobsAtOnce: 1 });
      await board.submit(all);
      expect(await board.outcome(first)).toMatchObject({ reason: { code: 'federation.too-few-sites' } });
    }
    await using board = await JobBoard.open(simulatedPorts({ store }), { jobsAtOnce: 1 });
    await board.resume(first);
    expect(await board.outcome(first)).toMatchObject({ state: 'completed' });
  });
});
