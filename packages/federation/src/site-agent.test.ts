import {
  type BlobId,
  type Contribution,
  type CoordinatorMessage,
  type Failure,
  type JobId,
  plainEncoding,
  type SiteMessage,
  type Task,
  type TaskId,
  type Verdict,
} from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { getBlob, putBlob } from './blob.ts';
import { MemoryStore } from './memory-store.ts';
import { Inbox } from './simulator/inbox.ts';
import { SimulatedClock } from './simulator/simulated-clock.ts';
import { type Finished, SiteAgent, type SiteAgentOptions, type Spool } from './site-agent.ts';

const accepted: Verdict = { kind: 'accepted' };
const prepare = (attempt = 1): Task => ({
  kind: 'prepare',
  plan: 1,
  taskId: 'job/0/prepare/site-1' as TaskId,
  jobId: 'job' as JobId,
  attempt,
});
const prepared: Contribution = { kind: 'prepare', cases: { train: 1, validation: 1, test: 1 }, leftOut: [] };

const evaluate = (model: BlobId, weights: BlobId, round = 1): Task => ({
  kind: 'evaluate',
  taskId: `job/${round}/evaluate/site-1` as TaskId,
  jobId: 'job' as JobId,
  attempt: 1,
  plan: 1,
  model,
  weights,
  split: 'validation',
  modelName: 'job' as Extract<Task, { kind: 'evaluate' }>['modelName'],
  pictures: false,
});

const trained = (weights: BlobId, controlChange: BlobId): Contribution => ({
  kind: 'train',
  weights,
  controlChange,
  encoding: plainEncoding,
  cases: 1,
  steps: 1,
  meanLoss: 0,
});

class MemorySpool implements Spool {
  readonly kept = new Map<TaskId, Finished>();
  async put(finished: Finished): Promise<void> {
    this.kept.set(finished.task.taskId, finished);
  }
  async remove(taskId: TaskId): Promise<void> {
    this.kept.delete(taskId);
  }
  async list(): Promise<readonly Finished[]> {
    return [...this.kept.values()];
  }
}

interface Saying {
  readonly message: SiteMessage;
  answer(verdict: Verdict): void;
}

/** A coordinator that says and answers what the test says, when it says so. */
class ScriptedSite {
  readonly clock = new SimulatedClock();
  readonly spool = new MemorySpool();
  readonly blobs = new MemoryStore();
  readonly said: Saying[] = [];
  readonly performed: Task[] = [];
  readonly heard: number[] = [];
  /** Blobs that were sent, and after how many messages. */
  readonly offered: { readonly id: BlobId; readonly after: number }[] = [];
  perform: (task: Task, signal: AbortSignal) => Promise<Contribution> = async () => prepared;
  permit: NonNullable<SiteAgentOptions['permit']> = async () => {};
  fetch: (id: BlobId) => Promise<void> = async () => {};
  line = new Inbox<CoordinatorMessage>();
  welcome: Pick<Extract<CoordinatorMessage, { kind: 'welcome' }>, 'revocations'> = {};
  readonly #over = new AbortController();

  start(): void {
    const agent = new SiteAgent({
      clock: this.clock,
      chance: () => 0.5,
      coordinator: {
        openLine: () => {
          this.line = new Inbox();
          const at = '2026-01-01T00:00:00Z';
          this.line.put({ kind: 'welcome', protocolVersion: 1, coordinatorTime: at, ...this.welcome });
          return this.line;
        },
        send: (message) =>
          message.kind === 'alive'
            ? Promise.resolve(accepted)
            : new Promise((answer) => this.said.push({ message, answer })),
        fetchBlob: (id) => this.fetch(id),
        offerBlob: async (id) => void this.offered.push({ id, after: this.said.length }),
      },
      worker: {
        perform: (task, { signal }) => {
          this.performed.push(task);
          return this.perform(task, signal);
        },
      },
      permit: (task, options) => this.permit(task, options),
      onRevocations: async ({ number }) => void this.heard.push(number),
      spool: this.spool,
      blobs: this.blobs,
      failureOf: (error) => ({
        code: (error as { code?: string }).code ?? 'site.broken',
        message: 'It broke.',
        lasting: false,
      }),
    });
    void agent.run(this.#over.signal);
  }

  async says(message: CoordinatorMessage): Promise<void> {
    this.line.put(message);
    await this.settled();
  }

  /** Until nothing goes on any more but the passing of time. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  }

  async newLine(): Promise<void> {
    this.line.end();
    await this.clock.sleep(5000);
    await this.settled();
  }

  stop(): void {
    this.#over.abort();
  }
}

async function withSite(play: (site: ScriptedSite) => Promise<void>): Promise<void> {
  const site = new ScriptedSite();
  site.start();
  await site.settled();
  try {
    await play(site);
  } finally {
    site.stop();
  }
}

describe('the agent of a site', () => {
  it('hears who was revoked before it looks at the next task, at each welcome and between', () =>
    withSite(async (site) => {
      const revocations = { number: 1, keys: ['ab'.repeat(32)], signature: '' };
      const heardAt: (readonly number[])[] = [];
      site.permit = async () => void heardAt.push([...site.heard]);
      site.line.put({ kind: 'revocations', revocations });
      await site.says({ kind: 'task', task: prepare() });
      expect(heardAt).toEqual([[1]]);
      site.welcome = { revocations: { ...revocations, number: 2 } };
      await site.newLine();
      expect(site.heard).toEqual([1, 2]);
    }));

  it('does a task, keeps what was done until it is taken, and then lets go of it', () =>
    withSite(async (site) => {
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said.map(({ message }) => message)).toEqual([
        { kind: 'contribution', taskId: prepare().taskId, attempt: 1, contribution: prepared },
      ]);
      expect(site.spool.kept.size).toBe(1);
      site.said[0]!.answer(accepted);
      await site.settled();
      expect(site.spool.kept.size).toBe(0);
    }));

  it('sends a small blob before it says that it is done, a large one when it is asked for', () =>
    withSite(async (site) => {
      const small = await putBlob(site.blobs, new Uint8Array(2 * 2 ** 20));
      const large = await putBlob(site.blobs, new Uint8Array(2 * 2 ** 20 + 1));
      site.perform = async () => trained(small, large);
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said).toHaveLength(1);
      expect(site.offered).toEqual([{ id: small, after: 0 }]);
      site.said[0]!.answer({ kind: 'blobs-wanted', blobs: [large] });
      await site.settled();
      expect(site.offered[1]).toEqual({ id: large, after: 1 });
    }));

  it('asks before it does work again of which it has lost the weights: the coordinator may have them', () =>
    withSite(async (site) => {
      const lost = 'a'.repeat(64) as BlobId;
      site.perform = async () => trained(lost, await putBlob(site.blobs, new Uint8Array(7)));
      site.blobs.retain = async () => {};
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said).toHaveLength(1);
      site.said[0]!.answer(accepted);
      await site.settled();
      expect(site.performed).toHaveLength(1);
      expect(site.spool.kept.size).toBe(0);
    }));

  it('delivers again what was asked for while a verdict of before was under way', () =>
    withSite(async (site) => {
      await site.says({ kind: 'task', task: prepare() });
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said).toHaveLength(1);
      site.said[0]!.answer({ kind: 'not-asked' });
      await site.settled();
      expect(site.said).toHaveLength(2);
      expect(site.performed).toHaveLength(1);
    }));

  it('tries again what failed and is asked for anew, although its failure was not yet acknowledged', () =>
    withSite(async (site) => {
      site.perform = async ({ attempt }) => {
        if (attempt === 1) throw new Error();
        return prepared;
      };
      await site.says({ kind: 'task', task: prepare(1) });
      await site.says({ kind: 'task', task: prepare(2) });
      site.said[0]!.answer(accepted);
      await site.settled();
      expect(site.said.map(({ message }) => message.kind)).toEqual(['failure', 'contribution']);
      expect(site.spool.kept.get(prepare().taskId)?.outcome.kind).toBe('contribution');
    }));

  it('does not redo what was accepted when an older message asks for it; on a new line it believes that it is asked', () =>
    withSite(async (site) => {
      await site.says({ kind: 'task', task: prepare() });
      site.said[0]!.answer(accepted);
      await site.settled();
      await site.says({ kind: 'task', task: prepare() });
      expect(site.performed).toHaveLength(1);
      await site.newLine();
      await site.says({ kind: 'task', task: prepare() });
      expect(site.performed).toHaveLength(2);
    }));

  it('started anew delivers what it had done, and does not do it again', async () => {
    const site = new ScriptedSite();
    await site.spool.put({ task: prepare(), outcome: { kind: 'contribution', contribution: prepared } });
    site.start();
    await site.settled();
    await site.says({ kind: 'task', task: prepare() });
    expect(site.said.length).toBeGreaterThan(0);
    expect(site.performed).toEqual([]);
    site.stop();
  });

  it('reports as a failure what the coordinator could not read', () =>
    withSite(async (site) => {
      site.perform = async () => ({
        kind: 'train',
        weights: 'ab'.repeat(32) as BlobId,
        encoding: plainEncoding,
        controlChange: null,
        cases: 1,
        steps: 1,
        meanLoss: Number.NaN,
      });
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said[0]!.message).toMatchObject({ kind: 'failure', failure: { code: 'protocol.malformed-message' } });
    }));

  it('reports what it cannot keep', () =>
    withSite(async (site) => {
      site.spool.put = () => Promise.reject(Object.assign(new Error(), { code: 'disk.full' }));
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said[0]!.message).toMatchObject({
        kind: 'failure',
        failure: { code: 'disk.full' } satisfies Partial<Failure>,
      });
    }));

  it('gives up what it is told to give up, while it works and when it has done it', () =>
    withSite(async (site) => {
      let signal: AbortSignal | undefined;
      site.perform = (_, given) => {
        signal = given;
        return new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason)));
      };
      await site.says({ kind: 'task', task: prepare() });
      await site.says({ kind: 'abort', taskId: prepare().taskId });
      expect(signal?.aborted).toBe(true);
      expect(site.said).toEqual([]);
      site.perform = async () => prepared;
      await site.says({ kind: 'task', task: prepare() });
      expect(site.spool.kept.size).toBe(1);
      await site.says({ kind: 'abort', taskId: prepare().taskId });
      expect(site.spool.kept.size).toBe(0);
      await site.says({ kind: 'task', task: prepare() });
      expect(site.performed).toHaveLength(3);
    }));

  it('says that a person has to decide, again on each new line, does other tasks meanwhile, and begins when it may', () =>
    withSite(async (site) => {
      const other: Task = { ...prepare(), taskId: 'other/0/prepare/site-1' as TaskId, jobId: 'other' as JobId };
      const waiting = { kind: 'progress', taskId: prepare().taskId, progress: { kind: 'waiting', for: 'approval' } };
      const { promise: decided, resolve: decide } = Promise.withResolvers<void>();
      site.permit = async (task, { onWaiting }) => {
        if (task.jobId === 'other') return;
        onWaiting();
        await decided;
      };
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said.map(({ message }) => message)).toEqual([waiting]);
      await site.says({ kind: 'task', task: other });
      expect(site.performed).toEqual([other]);
      await site.newLine();
      await site.says({ kind: 'task', task: prepare() });
      expect(site.said.filter(({ message }) => message.kind === 'progress')).toHaveLength(2);
      decide();
      await site.settled();
      expect(site.performed).toEqual([other, prepare()]);
    }));

  it('reports what it may not do, and has not begun', () =>
    withSite(async (site) => {
      site.permit = async () => {
        throw Object.assign(new Error(), { code: 'site.policy-refused' });
      };
      await site.says({ kind: 'task', task: prepare() });
      expect(site.performed).toEqual([]);
      expect(site.said.map(({ message }) => message)).toMatchObject([
        { kind: 'failure', attempt: 1, failure: { code: 'site.policy-refused' } },
      ]);
      expect(site.spool.kept.size).toBe(1);
    }));

  it('keeps the blobs of a task that is done once more', () =>
    withSite(async (site) => {
      const weights = await putBlob(site.blobs, new Uint8Array([1]));
      const model = await putBlob(site.blobs, new Uint8Array([2]));
      site.perform = async () => {
        for (const id of [weights, model]) expect(await site.blobs.getManifest(id)).toBeDefined();
        throw new Error();
      };
      const task = evaluate(model, weights);
      await site.says({ kind: 'task', task });
      await site.says({ kind: 'task', task: { ...task, attempt: 2 } });
      expect(site.said.map(({ message }) => message)).toMatchObject([
        { kind: 'failure', failure: { code: 'site.broken' } },
        { kind: 'failure', failure: { code: 'site.broken' } },
      ]);
      expect(await site.blobs.getManifest(model)).toBeDefined();
    }));

  it('lets go of the weights that it has fetched when it has those of the next round', () =>
    withSite(async (site) => {
      const elsewhere = new MemoryStore();
      const model = await putBlob(elsewhere, new Uint8Array([9]));
      const rounds = await Promise.all([1, 2, 3].map((round) => putBlob(elsewhere, new Uint8Array([round]))));
      site.fetch = async (id) => void (await putBlob(site.blobs, await getBlob(elsewhere, id)));
      site.perform = async () => ({ kind: 'evaluate', scores: [], meanDice: 1, leftOut: [] });
      const present = (): Promise<boolean[]> =>
        Promise.all([model, ...rounds].map(async (id) => (await site.blobs.getManifest(id)) !== undefined));
      for (const [index, weights] of rounds.entries()) {
        await site.says({ kind: 'task', task: evaluate(model, weights, index + 1) });
        site.said.at(-1)!.answer(accepted);
        await site.settled();
        expect(await present()).toEqual([true, ...rounds.map((_, other) => other === index)]);
      }
    }));
});
