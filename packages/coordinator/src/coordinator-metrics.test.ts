import { type Clock, type JobEvent, MemoryStore, putBlob, type TaskReply } from '@consilium/federation';
import { type JobId, plainEncoding, type SiteId, type Task, type Verdict } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { CoordinatorMetrics } from './coordinator-metrics.ts';

const siteId = 'site-1' as SiteId;
const time = { nowMs: 0 };
const clock: Clock = { nowMs: () => time.nowMs, sleep: async () => {} };
const open = (store = new MemoryStore()) => new CoordinatorMetrics({ clock, store });

/** The samples of our own metrics, each with its value. */
async function samples(metrics: CoordinatorMetrics): Promise<Readonly<Record<string, number>>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('consilium_'));
  return Object.fromEntries(
    lines.map((line) => line.split(/ (?=[^ ]*$)/)).map(([name, value]) => [name, Number(value)]),
  );
}
const roundOf = (jobId: string, round: number, score: number): JobEvent[] => {
  const at = { jobId: jobId as JobId, round };
  return [
    { ...at, kind: 'round-started', of: 9, participants: [siteId] },
    { ...at, kind: 'task-sent', siteId, task: 'train', attempt: 1 },
    { ...at, kind: 'contribution-accepted', siteId, task: 'train', ms: 5 },
    { ...at, kind: 'evaluated', score, siteScores: { [siteId]: score } },
  ];
};

describe('the metrics of a coordinator', () => {
  it('count rounds and tasks, and remember the last score', async () => {
    const metrics = open();
    for (const event of [...roundOf('job', 1, 0.5), ...roundOf('job', 2, 0.75)]) {
      time.nowMs += 1000;
      metrics.onEvent(event);
    }
    expect(await samples(metrics)).toMatchObject({
      consilium_rounds_completed_total: 2,
      consilium_round_seconds_count: 2,
      consilium_round_seconds_sum: 6,
      'consilium_tasks_sent_total{kind="train"}': 2,
      'consilium_tasks_ended_total{kind="train",outcome="accepted"}': 2,
      'consilium_job_round{job="job"}': 2,
      'consilium_job_validation_score{job="job"}': 0.75,
      'consilium_job_site_validation_score{job="job",site="site-1"}': 0.75,
    });
  });

  it('count each end of a task once', async () => {
    const metrics = open();
    const at = { jobId: 'job' as JobId, round: 1, siteId, task: 'train', code: 'a.b', message: 'No.' } as const;
    metrics.onEvent({ ...at, kind: 'site-lost', again: true });
    metrics.onEvent({ ...at, kind: 'site-lost', again: false });
    for (const why of ['lost', 'failed', 'refused', 'straggler'] as const) {
      metrics.onEvent({ ...at, kind: 'site-left-out', why, lasting: false });
    }
    expect(await samples(metrics)).toMatchObject({
      'consilium_tasks_ended_total{kind="train",outcome="lost"}': 2,
      'consilium_tasks_ended_total{kind="train",outcome="failed"}': 1,
      'consilium_tasks_ended_total{kind="train",outcome="refused"}': 1,
      'consilium_tasks_ended_total{kind="train",outcome="straggler"}': 1,
    });
  });

  it('do not grow with the number of jobs', async () => {
    const metrics = open();
    const count = async () => Object.keys(await samples(metrics)).length;
    for (let job = 0; job < 30; job++) for (const event of roundOf(`job-${job}`, 1, 0.5)) metrics.onEvent(event);
    const before = await count();
    for (let job = 30; job < 300; job++) for (const event of roundOf(`job-${job}`, 1, 0.5)) metrics.onEvent(event);
    expect(await count()).toBe(before);
    expect(await samples(metrics)).toHaveProperty(['consilium_job_round{job="job-299"}'], 1);
    expect(await samples(metrics)).not.toHaveProperty(['consilium_job_round{job="job-0"}']);
  });

  it.each([
    ['accepted', 3],
    ['refused', 0],
  ] as const)('count the bytes of a contribution that is %s: %i', async (kind, bytes) => {
    const store = new MemoryStore();
    const metrics = open(store);
    const weights = await putBlob(store, new Uint8Array(3));
    const told: Verdict[] = [];
    const reply: TaskReply = {
      kind: 'contribution',
      contribution: {
        kind: 'train',
        weights,
        encoding: plainEncoding,
        controlChange: null,
        cases: 1,
        steps: 1,
        meanLoss: 1,
      },
      acknowledge: (verdict) => told.push(verdict),
    };
    const observed = metrics.observed({ siteId, perform: async () => reply });
    const answer = await observed.perform({} as Task, { signal: new AbortController().signal });
    if (answer.kind !== 'contribution') return expect.unreachable();
    const verdict = { kind, code: 'a.b', message: 'No.' };
    answer.acknowledge(verdict);
    expect(told).toEqual([verdict]);
    await expect.poll(async () => (await samples(metrics))['consilium_contribution_bytes_total']).toBe(bytes);
  });
});
