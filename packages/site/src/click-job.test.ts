import { createHash } from 'node:crypto';
import { encodeModel, weightsOf } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { createRandom, decodeSafetensors, encodeSafetensors } from '@consilium/numerics';
import {
  type BlobId,
  type Contribution,
  type EvaluateTask,
  type JobId,
  type ModelName,
  plainEncoding,
  type SiteId,
  type Task,
  type TaskId,
  type TrainTask,
} from '@consilium/protocol';
import { buildNetwork, type Plan, parsePlan } from '@consilium/training';
import { afterAll, describe, expect, it } from 'vitest';
import { SiteTasks } from './site-tasks.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';
import { toyPlan, writeToyPatients } from './toy-training.fixture.ts';

const base = toyPlan({ optimiser: { kind: 'adamw', weightDecay: 0 }, initial: 0.02 });
const plan: Plan = parsePlan({
  ...base,
  network: { ...base.network, inputChannels: 4, classes: 2, upSampling: 'nearest' },
  interactive: {
    classes: [1],
    guidance: { kind: 'disc', radiusMm: 3 },
    clicksMax: 4,
    predictionsMax: 1,
    automaticProbability: 0.2,
    previousMask: { probability: 0.2, errorMm: 2 },
    evaluation: { clicks: [0, 1, 3, 5], scored: 1 },
  },
});
const model = buildNetwork(plan.network, { patchSize: [8, 8, 8], batchSize: 1, random: createRandom(1) });

const directory = new ToyDirectory();
const blobs = new Map<BlobId, Uint8Array>();
const put = (bytes: Uint8Array): BlobId => {
  const id = createHash('sha256').update(bytes).digest('hex') as BlobId;
  blobs.set(id, bytes);
  return id;
};
writeToyPatients(`${directory.path}/data`, { count: 10 });
const siteId = 'site-1' as SiteId;
const tasks = new SiteTasks({
  settings: {
    siteId,
    sources: [{ siteId, directory: `${directory.path}/data` }],
    workDirectory: `${directory.path}/work`,
    seed: 1,
    threads: 1,
  },
  log: { write: () => {} },
  runtime: nodeRuntime(),
});
afterAll(() => directory[Symbol.dispose]());

const perform = (task: Task): Promise<Contribution> =>
  tasks.perform(task, {
    signal: new AbortController().signal,
    onProgress: () => {},
    getBlob: async (id) => blobs.get(id)!,
    putBlob: async (bytes) => put(bytes),
  });
const shared = {
  jobId: 'clicks' as JobId,
  attempt: 1,
  plan: JSON.parse(JSON.stringify(plan)),
  model: put(encodeModel(model)),
};

async function train(steps: number) {
  const task: TrainTask = {
    ...shared,
    kind: 'train',
    taskId: 'clicks/1/train/site-1' as TaskId,
    round: 1,
    weights: put(encodeSafetensors(weightsOf(model))),
    steps,
    firstStep: 0,
    totalSteps: steps,
    seed: 1,
    proximalMu: 0,
    control: null,
    keepLocal: [],
    personalLambda: null,
    reply: plainEncoding,
  };
  const contribution = await perform(task);
  return contribution.kind === 'train' ? contribution : expect.unreachable();
}

async function evaluate(weights: BlobId, split: EvaluateTask['split']) {
  const task: EvaluateTask = {
    ...shared,
    kind: 'evaluate',
    taskId: `clicks/1/evaluate-${split}/site-1` as TaskId,
    weights,
    split,
    modelName: 'clicks' as ModelName,
    pictures: split === 'test',
  };
  const contribution = await perform(task);
  return contribution.kind === 'evaluate' ? contribution : expect.unreachable();
}

describe('a job of a network that is clicked on', () => {
  it('is trained and scored by the tasks of any other job', async () => {
    const { weights, meanLoss, steps } = await train(60);
    expect(steps).toBe(60);
    expect(meanLoss).toBeGreaterThan(0);
    expect([...decodeSafetensors(blobs.get(weights)!).tensors.keys()]).toEqual([...weightsOf(model).keys()]);

    const validation = await evaluate(weights, 'validation');
    expect(validation.scores.length).toBeGreaterThan(0);
    for (const { regions } of validation.scores) {
      expect(Object.keys(regions)).toEqual(['half']);
      expect(Object.keys(regions['half']!)).toEqual(['dice', 'dice-after-0', 'dice-after-1']);
      expect(regions['half']!['dice']).toBe(regions['half']!['dice-after-1']);
    }
    expect(validation.meanDice).toBeGreaterThan(0.8);

    const test = await evaluate(weights, 'test');
    expect(test.reliability).toBeUndefined();
    const [{ regions, pictures } = expect.unreachable()] = test.scores;
    expect(Object.keys(regions['half']!)).toEqual(
      expect.arrayContaining(['dice', 'nsd', 'hd95Mm', 'dice-after-0', 'dice-after-1', 'dice-after-3', 'dice-after-5']),
    );
    expect(regions['half']!['dice-after-5']).toBeGreaterThan(0.8);
    expect(pictures).toHaveLength(1);
  });

  it('gives the same bytes when the task is done again', async () => {
    expect((await train(3)).weights).toBe((await train(3)).weights);
  });
});
