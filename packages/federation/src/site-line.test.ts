import {
  type Contribution,
  type CoordinatorMessage,
  chunkBytes,
  type JobId,
  plainEncoding,
  type SiteId,
  type Task,
  type TaskId,
  type TrainContribution,
  type Verdict,
} from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { putBlob } from './blob.ts';
import { MemoryStore } from './memory-store.ts';
import { leaving, type TaskReply } from './ports.ts';
import { SimulatedClock } from './simulator/simulated-clock.ts';
import { type LineConnection, SiteLine } from './site-line.ts';

const task = (attempt = 1): Task => ({
  kind: 'fingerprint',
  taskId: 'job/0/fingerprint/site-1' as TaskId,
  jobId: 'job' as JobId,
  attempt,
});
const fingerprint: Contribution = {
  kind: 'fingerprint',
  fingerprint: 1,
  cases: { train: 1, validation: 1, test: 1 },
  leftOut: [],
};
const { taskId } = task();
const contribution = { kind: 'contribution', taskId, attempt: 1, contribution: fingerprint } as const;
const failureOf = (attempt: number) =>
  ({
    kind: 'failure',
    taskId,
    attempt,
    failure: { code: 'site.no-case', message: 'No case.', lasting: false },
  }) as const;
const hello = (holding: readonly TaskId[] = []) => ({
  kind: 'hello' as const,
  protocolVersion: 1,
  holding: [...holding],
});

class RecordedConnection implements LineConnection {
  readonly sent: CoordinatorMessage[] = [];
  isEnded = false;
  send(message: CoordinatorMessage): void {
    this.sent.push(message);
  }
  end(): void {
    this.isEnded = true;
  }
}

async function begin() {
  const clock = new SimulatedClock();
  const store = new MemoryStore();
  await store.record('job' as JobId, 'job', {});
  const line = new SiteLine({ siteId: 'site-1' as SiteId, clock, store, absentMsMax: 60_000, silentMsMax: 20_000 });
  const connection = new RecordedConnection();
  await line.connected(hello(), connection);
  const abort = new AbortController();
  const ask = (attempt = 1) => line.perform(task(attempt), { signal: abort.signal });
  return { clock, store, line, connection, abort, ask };
}

/** Takes a contribution as an inquiry does. */
function accepting(reply: Promise<TaskReply>, verdict: Verdict = { kind: 'accepted' }): Promise<void> {
  return reply.then((answer) => {
    if (answer.kind === 'contribution') answer.acknowledge(verdict);
  });
}

describe('the line to a site', () => {
  it('tells of the blobs that a task needs, so that they need not be asked about, but for those of long manifests', async () => {
    const { store, line, connection } = await begin();
    const weights = await putBlob(store, new Uint8Array([1]));
    const chunk = await store.putChunk(new Uint8Array(chunkBytes));
    const model = await store.putManifest({ bytes: 65 * chunkBytes, chunks: Array<typeof chunk>(65).fill(chunk) });
    const evaluate = { ...task(), kind: 'evaluate', plan: 1, model, weights, split: 'validation' } as Task;
    void line.perform(evaluate, { signal: new AbortController().signal });
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    const told = { kind: 'task', task: evaluate, manifests: [await store.getManifest(weights)] };
    expect(connection.sent).toEqual([told]);
    const next = new RecordedConnection();
    await line.connected(hello(), next);
    expect(next.sent).toEqual([told]);
  });

  it('sends a task at once, and again on every new connection until it is answered', async () => {
    const { line, connection, ask } = await begin();
    const reply = ask();
    const second = new RecordedConnection();
    await Promise.resolve();
    await line.connected(hello(), second);
    expect([connection.sent, second.sent]).toEqual([
      [{ kind: 'task', task: task() }],
      [{ kind: 'task', task: task() }],
    ]);
    expect(connection.isEnded).toBe(true);
    await Promise.all([accepting(reply), line.receive(contribution)]);
    const third = new RecordedConnection();
    await line.connected(hello(), third);
    expect(third.sent).toEqual([]);
  });

  it('acknowledges a contribution when it has been decided about, to everyone who says it meanwhile', async () => {
    const { line, ask } = await begin();
    const reply = ask();
    const verdicts = [line.receive(contribution), line.receive(contribution)];
    const answer = (await reply) as Extract<TaskReply, { kind: 'contribution' }>;
    verdicts.push(line.receive(contribution));
    answer.acknowledge({ kind: 'accepted' });
    expect(await Promise.all(verdicts)).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }, { kind: 'accepted' }]);
    expect(await line.receive(contribution)).toEqual({ kind: 'not-asked' });
  });

  it('has a contribution to another site’s task refused, and changes nothing', async () => {
    const { line, ask } = await begin();
    void ask();
    const forged = { ...contribution, taskId: 'job/0/fingerprint/site-2' as TaskId };
    expect(await line.receive(forged)).toMatchObject({ kind: 'refused', code: 'federation.task-of-another-site' });
    expect(line.openTasks).toHaveLength(1);
  });

  it('ignores the failure of an earlier attempt, and takes one of an attempt before a restart', async () => {
    const { line, ask } = await begin();
    const reply = ask(2);
    await line.receive(failureOf(1));
    expect(line.openTasks).toHaveLength(1);
    await line.receive(failureOf(3));
    expect(await reply).toMatchObject({ kind: 'failure', failure: { code: 'site.no-case' } });
  });

  it('answers a contribution at whatever moment of it the task is aborted', async () => {
    const verdicts = new Set<string>();
    for (let moment = 0; moment < 40; moment++) {
      const { line, abort, ask } = await begin();
      void accepting(ask());
      await Promise.resolve();
      const received = line.receive(contribution).then(({ kind }) => verdicts.add(kind));
      for (let turn = 0; turn < moment; turn++) await Promise.resolve();
      abort.abort();
      await received;
    }
    expect([...verdicts]).toEqual(['not-asked', 'accepted']);
  });

  it('takes a contribution that it has asked for, although an end of the job is in the ledger', async () => {
    const { line, ask, store } = await begin();
    const end = { kind: 'end', state: 'aborted', reason: { code: 'x', text: 'X.' }, leftOut: [] };
    await store.record('job' as JobId, 'log/1', end); // written, though the disk said that it could not be
    expect(await line.receive(contribution)).toEqual({ kind: 'closed' });
    const reply = ask();
    const verdict = line.receive(contribution);
    await accepting(reply);
    expect(await verdict).toEqual({ kind: 'accepted' });
  });

  it('wants the blobs that a contribution names and that are not there', async () => {
    const { line, store } = await begin();
    const blob = await putBlob(new MemoryStore(), new Uint8Array([1]));
    const trained: TrainContribution = {
      kind: 'train',
      weights: blob,
      encoding: plainEncoding,
      controlChange: null,
      cases: 1,
      steps: 1,
      meanLoss: 1,
    };
    const { signal } = new AbortController();
    const reply = line.perform(task(), { signal });
    expect(await line.receive({ ...contribution, contribution: trained })).toEqual({
      kind: 'blobs-wanted',
      blobs: [blob],
    });
    await putBlob(store, new Uint8Array([1]));
    const verdict = line.receive({ ...contribution, contribution: trained });
    await accepting(reply);
    expect(await verdict).toEqual({ kind: 'accepted' });
  });

  it('tells a site that comes with work that is over to give it up', async () => {
    const { line } = await begin();
    const over = 'none/1/train/site-1' as TaskId;
    const connection = new RecordedConnection();
    await line.connected(hello([taskId, over]), connection);
    expect(connection.sent).toEqual([{ kind: 'abort', taskId: over }]);
  });

  it('does not have a site give up what it is asked for while the ledger is read', async () => {
    const { line, ask, store } = await begin();
    const connection = new RecordedConnection();
    store.has = async () => false; // as if the job had ended
    const greeted = line.connected(hello([taskId]), connection);
    void ask();
    await greeted;
    expect(connection.sent).toEqual([{ kind: 'task', task: task() }]);
  });

  it('tells the site of an abort, but not when the coordinator only leaves', async () => {
    const { connection, abort, ask } = await begin();
    const reply = ask();
    await Promise.resolve();
    abort.abort();
    expect(await reply).toEqual({ kind: 'aborted' });
    expect(connection.sent.at(-1)).toEqual({ kind: 'abort', taskId });
    const other = await begin();
    const left = other.ask();
    await Promise.resolve();
    other.abort.abort(leaving);
    expect(await left).toEqual({ kind: 'aborted' });
    expect(other.connection.sent).toHaveLength(1);
    for (const work of ['another' as JobId, 'jo' as JobId, 'job/1/fingerprint/site-1' as TaskId]) {
      other.line.abandon(work);
      expect(other.connection.sent).toHaveLength(1);
    }
    other.line.abandon('job' as JobId);
    expect(other.connection.sent.at(-1)).toEqual({ kind: 'abort', taskId });
    other.line.abandon(taskId);
    expect(other.connection.sent).toHaveLength(2);
  });

  it('tells a site to give up one task that it was left to go on with', async () => {
    const { line, connection, abort, ask } = await begin();
    const left = ask();
    await Promise.resolve();
    abort.abort(leaving);
    await left;
    line.abandon(taskId);
    expect(connection.sent.at(-1)).toEqual({ kind: 'abort', taskId });
  });

  it('ends a connection on which nothing is heard, and loses the tasks of a site that stays away', async () => {
    const { clock, line, connection, ask } = await begin();
    const reply = await ask();
    expect(reply).toMatchObject({ kind: 'lost', code: 'federation.site-absent' });
    expect(connection.isEnded).toBe(true);
    expect(line.isConnected).toBe(false);
    expect(clock.nowMs()).toBeLessThan(100_000);
    line.close();
  });
});
