import type { BlobId, Json, SiteId, Task, TaskId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { contradictionOf } from './mandated-task.ts';
import { simulate, simulatedJob, siteIds } from './simulator/simulation.ts';
import type { StrategySpec } from './strategies.ts';
import type { Submission } from './submission.ts';

const everyStrategy: readonly StrategySpec[] = [
  { kind: 'fed-avg' },
  { kind: 'fed-prox', mu: 0.1 },
  { kind: 'scaffold', learningRate: 1 },
  { kind: 'partial-sharing', keepLocal: ['b'] },
  { kind: 'ditto', lambda: 0.5, score: 'personal' },
  { kind: 'cyclic' },
  { kind: 'fed-buff', bufferSize: 2, learningRate: 1 },
];

const changes = (strategy: StrategySpec) => ({
  strategy,
  rounds: { max: 2 },
  minimumSites: strategy.kind === 'cyclic' ? 1 : 2,
  privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, samplingRate: 0.5 } as const,
});

async function tasksOf(strategy: StrategySpec): Promise<(readonly [SiteId, Task])[]> {
  const { sites } = await simulate({ job: changes(strategy) });
  return [...sites].flatMap(([siteId, { log }]) => log.map((task) => [siteId, task] as const));
}

const signed = simulatedJob(changes({ kind: 'fed-avg' }));
const [siteId] = siteIds as readonly [SiteId];
const train = {
  kind: 'train',
  taskId: 'federated/2/train/site-1' as TaskId,
  jobId: signed.jobId,
  attempt: 1,
  round: 2,
  plan: signed.plan,
  model: signed.model,
  weights: 'cd'.repeat(32) as BlobId,
  steps: 5,
  firstStep: 5,
  totalSteps: 10,
  seed: 7,
  proximalMu: 0,
  control: null,
  keepLocal: [],
  personalLambda: null,
  reply: signed.reply,
  privacy: signed.privacy!,
} as const satisfies Task;
const evaluate: Task = {
  kind: 'evaluate',
  taskId: 'federated/1/evaluate/site-1' as TaskId,
  jobId: signed.jobId,
  attempt: 1,
  plan: signed.plan,
  model: signed.model,
  weights: train.weights,
  split: 'validation',
  modelName: 'federated' as never,
  pictures: false,
};
const other = 'ef'.repeat(32) as BlobId;
const survey: Submission = {
  kind: 'survey',
  jobId: 'question' as never,
  participants: [...siteIds],
  task: { kind: 'statistics', minimumCount: 5, question: { kind: 'summary', variables: ['a'], range: 'none' } },
  minimumSites: 1,
  stragglerMs: 1,
  attempts: 1,
};
const question = { ...survey.task, taskId: 'question/0/statistics/site-1', jobId: 'question', attempt: 2 } as Task;

describe('a task and the job that was signed', () => {
  it.each(everyStrategy)(
    'agree in every round of a coordinator that does what was signed ($kind)',
    async (strategy) => {
      const tasks = await tasksOf(strategy);
      expect(tasks.length).toBeGreaterThan(3);
      for (const [site, task] of tasks) expect(contradictionOf(task, simulatedJob(changes(strategy)), site)).toBeNull();
    },
  );

  it('agree in the steps of a secure sum where the job was signed with one, and as it was', () => {
    const secureAggregation = { threshold: 3, clip: 10, bits: 16, casesMax: 1000, rounding: 'stochastic' } as const;
    const job = simulatedJob({ secureAggregation });
    const step = (kind: string, { round = 2, fields = {} } = {}) =>
      ({
        ...{ kind, jobId: job.jobId, attempt: 1, session: { round, number: 3 }, ...fields },
        taskId: `federated/2/${kind}.3/site-1`,
      }) as unknown as Task;
    const keys = { settings: secureAggregation, participants: siteIds.toReversed() };
    const other = { ...keys, settings: { ...secureAggregation, threshold: 2 } };
    expect(contradictionOf(step('secure-keys', { fields: keys }), job, siteId)).toBeNull();
    expect(contradictionOf(step('secure-unmask'), job, siteId)).toBeNull();
    expect(contradictionOf(step('secure-unmask'), signed, siteId)).toBe('the kind of task');
    expect(contradictionOf(step('secure-unmask', { round: 1 }), job, siteId)).toBe('the round');
    expect(contradictionOf(step('secure-keys', { fields: other }), job, siteId)).toBe('the secure aggregation');
    const strangers = { ...keys, participants: [...siteIds, 'site-9'] };
    expect(contradictionOf(step('secure-keys', { fields: strangers }), job, siteId)).toBe('who takes part');
    const unnumbered = { ...step('secure-unmask'), taskId: 'federated/2/secure-unmask/site-1' } as Task;
    expect(contradictionOf(unnumbered, job, siteId)).toBe('the name of the task');
    expect(contradictionOf({ ...train, secureAggregation }, { ...signed, secureAggregation }, siteId)).toBeNull();
    expect(contradictionOf(train, { ...signed, secureAggregation }, siteId)).toBe('the secure aggregation');
  });

  it.each<[string, Partial<Task> | Record<string, unknown>]>([
    ['the job', { jobId: 'another' }],
    ['the name of the task', { taskId: 'federated/2/train/site-2' }],
    ['the name of the task', { taskId: 'federated/2/evaluate/site-1' }],
    ['the number of rounds', { taskId: 'federated/3/train/site-1', round: 3 }],
    ['the number of rounds', { taskId: 'federated/0/train/site-1', round: 1 }],
    ['the round', { round: 1 }],
    ['the plan', { plan: { version: 2 } }],
    ['the network', { model: other }],
    ['the number of steps', { steps: 500 }],
    ['the number of steps', { firstStep: 0 }],
    ['the number of steps', { totalSteps: 11 }],
    ['the seed', { seed: 8 }],
    ['the strategy', { proximalMu: 1 }],
    ['the strategy', { keepLocal: ['*'] }],
    ['the strategy', { personalLambda: 1 }],
    ['the strategy', { control: other }],
    ['how weights come back', { reply: { numbers: 'int8', onlyChanged: false } }],
    ['which cases', { selection: { seed: 1, patients: { count: 1 } } }],
    ['the privacy', { privacy: undefined }],
    ['the privacy', { privacy: { ...signed.privacy!, noiseMultiplier: 0.01 } }],
    ['the secure aggregation', { secureAggregation: { threshold: 2, clip: 1, bits: 16 } }],
  ])('contradict each other in %s: training with %o', (what, change) => {
    expect(contradictionOf(train, signed, siteId)).toBeNull();
    expect(contradictionOf({ ...train, ...change } as Task, signed, siteId)).toBe(what);
  });

  it('contradict each other in the first weights, which alone are known beforehand', () => {
    const first = { ...train, taskId: 'federated/1/train/site-1' as TaskId, round: 1, firstStep: 0 };
    expect(contradictionOf({ ...first, weights: signed.initialWeights }, signed, siteId)).toBeNull();
    expect(contradictionOf(first, signed, siteId)).toBe('the first weights');
  });

  it.each<[string, Record<string, unknown>]>([
    ['the plan', { plan: null }],
    ['the network', { model: other }],
    ['the patients', { split: 'test' }],
    ['the patients', { memoryOf: 'another' }],
    ['the name of the model', { modelName: 'another' }],
    ['the pictures', { pictures: true }],
    ['the strategy', { personal: true }],
    ['the strategy', { keepLocal: ['a'] }],
  ])('contradict each other in %s: evaluation with %o', (what, change) => {
    expect(contradictionOf(evaluate, signed, siteId)).toBeNull();
    expect(contradictionOf({ ...evaluate, ...change } as Task, signed, siteId)).toBe(what);
  });

  it('contradict each other where the site is not asked to take part, or for something else', () => {
    expect(contradictionOf(train, { ...signed, participants: siteIds.slice(1) }, siteId)).toBe('who takes part');
    const prepare: Task = { ...train, kind: 'prepare', taskId: 'federated/2/prepare/site-1' as TaskId };
    expect(contradictionOf(prepare, signed, siteId)).toBe('the kind of task');
    const keys = { kind: 'introduce', purpose: 'secure-aggregation', jobId: signed.jobId, attempt: 1 } as const;
    const introduce: Task = { ...keys, taskId: 'federated/1/introduce/site-1' as TaskId };
    expect(contradictionOf(introduce, signed, siteId)).toBe('the kind of task');
  });

  it('agree in a survey if the question is the same', () => {
    expect(contradictionOf(question, survey, siteId)).toBeNull();
    expect(contradictionOf({ ...question, minimumCount: 1 } as Task, survey, siteId)).toBe('the question');
    const later = { ...question, taskId: 'question/1/statistics/site-1' } as Task;
    expect(contradictionOf(later, survey, siteId)).toBe('the round');
    expect(contradictionOf(train, survey as Submission, siteId)).toBe('the job');
  });

  it('is asked of plans whatever the order of their keys', () => {
    const [one, two]: Json[] = [
      { a: 1, b: { c: [1, 2], d: null } },
      { b: { d: null, c: [1, 2] }, a: 1 },
    ];
    expect(contradictionOf({ ...train, plan: one! }, { ...signed, plan: two! }, siteId)).toBeNull();
  });
});
