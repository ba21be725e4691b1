import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encodeModel, weightsOf } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { createRandom, decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import type {
  BlobId,
  EvaluateContribution,
  EvaluateTask,
  JobId,
  ModelName,
  NoisyUpdate,
  Privacy,
  SiteId,
  TaskId,
  TaskProgress,
  TrainContribution,
  TrainTask,
} from '@consilium/protocol';
import { plainEncoding } from '@consilium/protocol';
import { buildNetwork } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import type { FilterSpec } from './filters/filter-spec.ts';
import { PrivacyBudget } from './privacy-budget.ts';
import { parseWorkerSettings, type WorkerSettings } from './settings.ts';
import { SiteTasks } from './site-tasks.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';
import { toyPlan, writeToyPatients } from './toy-training.fixture.ts';

const plan = toyPlan({ optimiser: { kind: 'sgd', momentum: 0, nesterov: false }, initial: 0.05 });
const network = buildNetwork(plan.network, { patchSize: [8, 8, 8], batchSize: 1, random: createRandom(1, 'network') });
const initial = weightsOf(network);
const names = [...initial.keys()];

/** A site with five cases, in a directory that may outlive it. */
class ToySite {
  readonly blobs = new Map<BlobId, Uint8Array>();
  readonly progress: TaskProgress[] = [];
  readonly #tasks: SiteTasks;

  constructor(directory: ToyDirectory, settings: Partial<WorkerSettings> = {}) {
    writeToyPatients(`${directory.path}/data`);
    const siteId = 'site-1' as SiteId;
    this.#tasks = new SiteTasks({
      settings: {
        siteId,
        sources: [{ siteId, directory: `${directory.path}/data` }],
        workDirectory: `${directory.path}/work`,
        seed: 1,
        threads: 1,
        ...settings,
      },
      log: { write: () => {} },
      runtime: nodeRuntime(),
    });
  }

  put(bytes: Uint8Array): BlobId {
    const id = createHash('sha256').update(bytes).digest('hex') as BlobId;
    this.blobs.set(id, bytes);
    return id;
  }

  async train(changes: Partial<TrainTask> = {}, weights: Weights = initial): Promise<TrainContribution> {
    const task: TrainTask = {
      kind: 'train',
      taskId: 'job/1/train/site-1' as TaskId,
      jobId: 'job' as JobId,
      attempt: 1,
      round: 1,
      plan: JSON.parse(JSON.stringify(plan)),
      model: this.put(encodeModel(network)),
      weights: this.put(encodeSafetensors(weights)),
      steps: 2,
      firstStep: 0,
      totalSteps: 20,
      seed: 1,
      proximalMu: 0,
      control: null,
      keepLocal: [],
      personalLambda: null,
      reply: plainEncoding,
      ...changes,
    };
    const contribution = await this.#tasks.perform(task, {
      signal: new AbortController().signal,
      onProgress: (progress) => this.progress.push(progress),
      getBlob: async (id) => this.blobs.get(id)!,
      putBlob: async (bytes) => this.put(bytes),
    });
    return contribution.kind === 'train' ? contribution : expect.unreachable();
  }

  /** On the test patients, who answer once for each name. */
  async test(modelName: string, changes: Partial<EvaluateTask>, weights: Weights = initial): Promise<number | null> {
    return (await this.tested(modelName, changes, weights)).meanDice;
  }

  async tested(
    modelName: string,
    changes: Partial<EvaluateTask> = {},
    weights = initial,
  ): Promise<EvaluateContribution> {
    const task: EvaluateTask = {
      kind: 'evaluate',
      taskId: `${modelName}/0/evaluate/site-1` as TaskId,
      jobId: modelName as JobId,
      attempt: 1,
      plan: JSON.parse(JSON.stringify(plan)),
      model: this.put(encodeModel(network)),
      weights: this.put(encodeSafetensors(weights)),
      split: 'test',
      modelName: modelName as ModelName,
      pictures: false,
      ...changes,
    };
    const answer = await this.#tasks.perform(task, {
      signal: new AbortController().signal,
      onProgress: () => {},
      getBlob: async (id) => this.blobs.get(id)!,
      putBlob: async (bytes) => this.put(bytes),
    });
    return answer.kind === 'evaluate' ? answer : expect.unreachable();
  }

  weightsOf(id: BlobId): Weights {
    return decodeSafetensors(this.blobs.get(id)!).tensors;
  }
}

const numbers = (weights: Weights, name: string) => Array.from(weights.get(name)!.data as Float32Array);

describe('the training of a site', () => {
  it('writes down which labels it trained on, and says no more of it than a digest that cannot be guessed', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const { cases, labels } = await site.train();
    const bytes = readFileSync(`${directory.path}/work/trained/job/1.json`);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(labels);
    const record = JSON.parse(bytes.toString()) as { salt: string; labels: { case: string; label: string }[] };
    const { cases: recorded } = JSON.parse(readFileSync(`${directory.path}/work/cohort.json`, 'utf8')) as {
      cases: { pseudonym: string; case: string; split: string }[];
    };
    const trained = recorded.filter(({ split }) => split === 'train');
    expect(trained).toHaveLength(cases);
    expect(record.labels).toEqual(
      trained.map(({ case: name, pseudonym }) => {
        const file = readFileSync(`${directory.path}/data/${name}/label.nii.gz`);
        return { case: pseudonym, label: createHash('sha256').update(file).digest('hex') };
      }),
    );
    // The same task again says the same; the same labels in another round, or elsewhere, do not.
    expect((await new ToySite(directory).train()).labels).toBe(labels);
    expect((await site.train({ round: 2 })).labels).not.toBe(labels);
    using other = new ToyDirectory();
    expect((await new ToySite(other).train()).labels).not.toBe(labels);
  });

  it('keeps to itself the tensors that it is told to, and goes on from its own', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const keepLocal = [names[0]!];
    const first = site.weightsOf((await site.train({ keepLocal })).weights);
    expect([...first.keys()]).toEqual(names.slice(1));
    const plain = site.weightsOf((await site.train({ jobId: 'plain' as JobId })).weights);
    expect(numbers(first, names[1]!)).toEqual(numbers(plain, names[1]!));

    const second = await site.train({ keepLocal, round: 2, firstStep: 2 }, plain);
    const whole = await site.train({ jobId: 'plain' as JobId, round: 2, firstStep: 2 }, plain);
    expect(numbers(site.weightsOf(second.weights), names[1]!)).toEqual(
      numbers(site.weightsOf(whole.weights), names[1]!),
    );
  });

  it('changes its control variate as SCAFFOLD says, and gives the same bytes when it is asked again', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const control = new Map(
      [...initial].map(([name, { shape, data }]) => {
        return [name, { dtype: 'float32' as const, shape, data: new Float32Array(data.length).fill(0.01) }];
      }),
    );
    const asked = { control: site.put(encodeSafetensors(control)), steps: 1 };
    const first = await site.train(asked);
    const name = names[0]!;
    const [x, y] = [numbers(initial, name), numbers(site.weightsOf(first.weights), name)];
    numbers(site.weightsOf(first.controlChange!), name).forEach((change, index) => {
      expect(change).toBeCloseTo((x[index]! - y[index]!) / 0.05 - 0.01, 4);
    });

    const later = { ...asked, round: 2, firstStep: 1 };
    const second = await site.train(later);
    const restarted = new ToySite(directory);
    for (const [id, bytes] of site.blobs) restarted.blobs.set(id, bytes);
    const repeated = await restarted.train(later);
    for (const part of ['weights', 'controlChange'] as const) {
      expect(restarted.blobs.get(repeated[part]!)).toEqual(site.blobs.get(second[part]!));
    }
  });

  it('lets its filters work on whatever leaves, names them, and trains on as if there were none', async () => {
    using directory = new ToyDirectory();
    const norm = 1e-3;
    const filters: FilterSpec[] = [
      { kind: 'exclude', tensors: [names[0]!] },
      { kind: 'clip', norm },
      { kind: 'noise', deviation: 1e-9 },
    ];
    const plain = new ToySite(directory);
    const site = new ToySite(directory, { filters });
    const zeros = new Map(
      [...initial].map(([name, { shape, data }]) => [
        name,
        { dtype: 'float32' as const, shape, data: new Float32Array(data.length) },
      ]),
    );
    const control = { control: site.put(encodeSafetensors(zeros)) };
    const contribution = await site.train(control);
    expect(contribution.filters).toEqual(['exclude', 'clip', 'noise']);
    const moved = (weights: Weights) =>
      Object.fromEntries(
        names.map((name) => [
          name,
          numbers(weights, name).map((value, index) => value - numbers(initial, name)[index]!),
        ]),
      );
    const lengthOf = (movement: Record<string, number[]>) => Math.hypot(...Object.values(movement).flat());
    const outgoing = moved(site.weightsOf(contribution.weights));
    expect(Math.hypot(...outgoing[names[0]!]!)).toBeLessThan(1e-6);
    expect(lengthOf(outgoing)).toBeCloseTo(norm, 5);
    const unfiltered = await plain.train();
    expect(unfiltered.filters).toBeUndefined();
    expect(lengthOf(moved(plain.weightsOf(unfiltered.weights)))).toBeGreaterThan(10 * norm);
    // Nor does a control variate tell what the weights do not.
    const change = site.weightsOf(contribution.controlChange!);
    expect(Math.hypot(...numbers(change, names[0]!))).toBeLessThan(1e-3);
    expect(site.blobs.get((await site.train(control)).weights)).toEqual(site.blobs.get(contribution.weights));
    expect(contribution.meanLoss).toBe(unfiltered.meanLoss);
    const silent = new ToySite(directory, { filters: [{ kind: 'block', contributions: ['loss'] }] });
    expect(await silent.train()).toEqual({ ...unfiltered, meanLoss: null });
    expect(silent.progress.filter((step) => step.kind === 'step' && step.loss !== null)).toEqual([]);
  });

  it('trains a model of its own beside the shared one, which is not touched by it', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const plain = site.weightsOf((await site.train()).weights);
    const ditto = site.weightsOf((await site.train({ jobId: 'ditto' as JobId, personalLambda: 0.1 })).weights);
    expect(encodeSafetensors(ditto)).toEqual(encodeSafetensors(plain));
  });

  it('lets another job test what it has kept of this one, for as long as it is the same', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const steps = { steps: 20 };
    const own = site.weightsOf((await site.train({ ...steps, jobId: 'plain' as JobId })).weights);
    await site.train({ ...steps, jobId: 'ditto' as JobId, personalLambda: 0 });
    await site.train({ ...steps, jobId: 'partial' as JobId, keepLocal: ['*'] });
    const [ditto, partial] = ['ditto', 'partial'] as JobId[];
    const expected = await site.test('own', {}, own);
    expect(await site.test('shared', {})).not.toBe(expected);
    const personal = { personal: true, memoryOf: ditto! };
    expect(await site.test('personal', personal)).toBe(expected);
    expect(await site.test('kept', { keepLocal: ['*'], memoryOf: partial! })).toBe(expected);
    expect(await site.test('personal', personal)).toBe(expected);
    await expect(site.test('personal', {})).rejects.toMatchObject({ code: 'site.test-set-already-used' });
    const none = site.test('none', { personal: true, memoryOf: 'plain' as JobId });
    await expect(none).rejects.toMatchObject({ code: 'site.job-not-remembered', lasting: true });
  });

  it('says of its test cases which are of one patient, and not of whom', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory, { testGroups: ['sex', 'age'], minimumCount: 1 });
    writeToyPatients(`${directory.path}/data`, { count: 9 });
    for (let index = 0; index < 9; index++) {
      directory.file(`data/patient-${index}/case.json`, JSON.stringify({ patientId: `P${index % 3}`, sex: 'F' }));
    }
    const { scores } = await site.tested('together');
    expect(scores.map(({ patient }) => patient)).toEqual([1, 1, 1]);
    expect(scores.map(({ groups }) => groups)).toEqual([{ sex: 'female' }, { sex: 'female' }, { sex: 'female' }]);
    expect(JSON.stringify(scores)).not.toMatch(/P\d/);
  });

  it('says of its test how far probabilities are to be trusted, in sums only if enough patients are in them', async () => {
    using directory = new ToyDirectory();
    writeToyPatients(`${directory.path}/data`, { count: 9 });
    const site = new ToySite(directory, { minimumCount: 1 });
    const trained = site.weightsOf((await site.train({ steps: 20 })).weights);
    const before = await site.tested('before');
    const { reliability, scores } = await site.tested('after', {}, trained);
    expect(scores.length).toBeGreaterThan(1);
    for (const [index, { regions }] of scores.entries()) {
      const { brier, ece } = regions['half']!;
      expect(brier).toBeLessThan(before.scores[index]!.regions['half']!['brier']!);
      expect(ece).toBeGreaterThanOrEqual(0);
    }
    // Of 8 x 8 x 8 voxels the margin takes in all, and half of them are in the region.
    const bins = reliability!['half']!;
    const total = (of: 'voxels' | 'reference') => bins.reduce((sum, bin) => sum + bin[of], 0);
    expect([total('voxels'), total('reference')]).toEqual([512 * scores.length, 256 * scores.length]);

    const careful = new ToySite(directory, { minimumCount: scores.length + 1 });
    const untold = await careful.tested('again', {}, trained);
    expect(untold).toEqual({ ...(await site.tested('after', {}, trained)), reliability: undefined });
    expect(untold.reliability).toBeUndefined();
    expect((await careful.tested('quick', { split: 'validation' }, trained)).reliability).toBeUndefined();
  });

  it('takes the cases that the job selects, with the labels that it selects', async () => {
    using directory = new ToyDirectory();
    writeToyPatients(`${directory.path}/inverted`, { inverted: true });
    const siteId = 'site-1' as SiteId;
    const labelSets = { inverted: { directory: `${directory.path}/inverted` } };
    const site = new ToySite(directory, { sources: [{ siteId, directory: `${directory.path}/data`, labelSets }] });
    const whole = await site.train();
    const one = await site.train({ selection: { seed: 1, patients: { count: 1 } } });
    expect([whole.cases, one.cases]).toEqual([3, 1]);
    expect(one.weights).not.toBe(whole.weights);
    const other = await site.train({ selection: { seed: 1, labels: 'inverted' } });
    expect([other.cases, other.weights === whole.weights]).toEqual([3, false]);
    expect((await site.train({ selection: { seed: 7 } })).weights).toBe(whole.weights);
    await expect(site.train({ selection: { seed: 1, labels: 'none' } })).rejects.toMatchObject({
      code: 'site.labels-unknown',
    });
  });

  it('sends rounded differences, and adds what rounding lost to the next', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const reply = { numbers: 'int8', onlyChanged: false } as const;
    const exact = site.weightsOf((await site.train({ jobId: 'exact' as JobId })).weights);
    const coarse = await site.train({ reply });
    expect(coarse.encoding).toEqual(reply);
    const sent = site.weightsOf(coarse.weights);
    const name = names[0]!;
    expect(sent.get(name)!.dtype).toBe('int8');
    expect(numbers(sent, name)).not.toEqual(numbers(exact, name));
    const first = site.blobs.get((await site.train({ reply })).weights);
    expect(first).toEqual(site.blobs.get(coarse.weights));
    const second = site.blobs.get((await site.train({ reply, round: 2 })).weights);
    expect(second).not.toEqual(first);
  });
});

const sgd: Privacy = { kind: 'dp-sgd', clipNorm: 0.5, noiseMultiplier: 1.2, samplingRate: 0.5 };
const noisy: NoisyUpdate = { kind: 'noisy-update', clipNorm: 0.01, noiseMultiplier: 1e-6 };

async function spendsIn(directory: ToyDirectory) {
  using budget = await PrivacyBudget.open(`${directory.path}/work`, { deltaMax: 1e-5 });
  return budget.spends();
}

/** As `site.yaml` and defaults make them. */
const limits = (privacy: object) =>
  parseWorkerSettings({
    siteId: 'site-1',
    sources: [{ siteId: 'site-1', directory: '/data' }],
    workDirectory: '/work',
    seed: 1,
    threads: 1,
    privacy,
  }).privacy!;

describe('the private training of a site', () => {
  it('is paid for once, tells no loss, and gives the same bytes when it is done again in another life', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const first = await site.train({ privacy: sgd });
    expect(first).toMatchObject({ kind: 'train', steps: 2, meanLoss: null });
    expect(site.progress).toMatchObject([
      { kind: 'step', step: 1, loss: null },
      { kind: 'step', step: 2, loss: null },
    ]);
    const restarted = new ToySite(directory);
    for (const [id, bytes] of site.blobs) restarted.blobs.set(id, bytes);
    const again = await restarted.train({ privacy: sgd, attempt: 2 });
    expect(restarted.blobs.get(again.weights)).toEqual(site.blobs.get(first.weights));
    const spent = {
      jobId: 'job',
      round: 1,
      samplingRate: 0.5,
      noiseMultiplier: 1.2,
      steps: 2,
      isSeeded: false,
      othersTrusted: 0,
    };
    expect(await spendsIn(directory)).toEqual([spent]);
  });

  it('of anything else has other noise, and is paid for again', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const changesOf = (id: BlobId) => {
      const name = names[0]!;
      return numbers(site.weightsOf(id), name).map((value, index) => value - numbers(initial, name)[index]!);
    };
    const one = changesOf((await site.train({ privacy: sgd })).weights);
    const other = changesOf((await site.train({ privacy: sgd, seed: 2 })).weights);
    const third = changesOf((await site.train({ privacy: sgd, round: 2 })).weights);
    expect(other).not.toEqual(one);
    expect(third).not.toEqual(one);
    expect((await spendsIn(directory)).map(({ round }) => round)).toEqual([1, 1, 2]);
    using elsewhere = new ToyDirectory();
    const twin = new ToySite(elsewhere);
    const twinWeights = twin.weightsOf((await twin.train({ privacy: sgd })).weights);
    expect(numbers(twinWeights, names[0]!)).not.toEqual(numbers(initial, names[0]!).map((v, i) => v + one[i]!));
  });

  it('can be made to come again by a seed, in rehearsals, which the ledger does not forget', async () => {
    const weights: Uint8Array[] = [];
    for (const _ of [1, 2]) {
      using directory = new ToyDirectory();
      const site = new ToySite(directory, { noiseSeed: 5 });
      weights.push(site.blobs.get((await site.train({ privacy: sgd })).weights)!);
      expect(await spendsIn(directory)).toMatchObject([{ isSeeded: true }]);
    }
    expect(weights[0]).toEqual(weights[1]);
  });

  it('demands more where the site does, never less, and refuses what offers nothing', async () => {
    using directory = new ToyDirectory();
    const privacy = limits({ required: true, noiseMultiplierMin: 2, samplingRateMax: 0.25 });
    const site = new ToySite(directory, { privacy });
    await expect(site.train()).rejects.toMatchObject({ code: 'site.privacy-required', lasting: true });
    await site.train({ privacy: sgd });
    await site.train({ privacy: { ...sgd, noiseMultiplier: 3, samplingRate: 0.1 }, round: 2 });
    expect(await spendsIn(directory)).toMatchObject([
      { noiseMultiplier: 2, samplingRate: 0.25 },
      { noiseMultiplier: 3, samplingRate: 0.1 },
    ]);
  });

  it('ends where the budget does, over all jobs', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory, { privacy: limits({ epsilonMax: 7, deltaMax: 1e-3 }) });
    await site.train({ privacy: sgd });
    await site.train({ privacy: sgd, jobId: 'other' as JobId });
    const beyond = site.train({ privacy: { ...sgd, noiseMultiplier: 0.5 }, round: 2 });
    await expect(beyond).rejects.toMatchObject({ code: 'site.privacy-budget-exhausted', lasting: true });
    expect(await spendsIn(directory)).toHaveLength(2);
    await site.train({ privacy: sgd }); // paid for already
  });

  it('may be plain, and only its contribution shortened and noisy', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const plain = site.weightsOf((await site.train({ jobId: 'plain' as JobId })).weights);
    const contribution = await site.train({ privacy: noisy });
    expect(contribution.meanLoss).toBeNull();
    const sent = site.weightsOf(contribution.weights);
    const moved = (weights: Weights) =>
      Math.hypot(...names.flatMap((n) => numbers(weights, n).map((v, i) => v - numbers(initial, n)[i]!)));
    expect(moved(plain)).toBeGreaterThan(0.02);
    expect(moved(sent)).toBeCloseTo(0.01, 5);
    expect(await spendsIn(directory)).toMatchObject([{ samplingRate: 1, noiseMultiplier: 5e-7, steps: 1 }]);
  });

  it('can let the norm follow the updates from round to round', async () => {
    using directory = new ToyDirectory();
    const site = new ToySite(directory);
    const privacy: Privacy = { ...noisy, adaptive: { quantile: 1, rate: 1, countNoise: 1e-3 } };
    const moved = async (round: number) => {
      const sent = site.weightsOf((await site.train({ privacy, round })).weights);
      return Math.hypot(...names.flatMap((n) => numbers(sent, n).map((v, i) => v - numbers(initial, n)[i]!)));
    };
    expect(await moved(1)).toBeCloseTo(0.01, 5);
    expect(await moved(2)).toBeCloseTo(0.01 * Math.E, 3);
    expect(await moved(2)).toBeCloseTo(0.01 * Math.E, 3);
  });
});
