import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Model, withWeights } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { dice, type Triple } from '@consilium/imaging';
import { createRandom, decodeSafetensors, encodeSafetensors, tensor, type Weights } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { standardAugmentation } from './augmentation/augmentation-spec.ts';
import { buildNetwork } from './networks/network.ts';
import type { Plan } from './plan.ts';
import type { PreparedCase } from './preprocess.ts';
import { toyCase, toyPlan } from './toy-cohort.fixture.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

const cases = [toyCase({ id: 'a' }), toyCase({ id: 'b', seed: 2 })];
const bytesOf = (weights: Weights): Buffer => Buffer.from(encodeSafetensors(weights));
const networkFor = (plan: Plan, seed: number | string = 1): Model =>
  buildNetwork(plan.network, { ...plan, random: createRandom(seed) });

function trainerFor(options: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const plan = options.plan ?? toyPlan();
  return Trainer.create({
    runtime: nodeRuntime(),
    plan,
    model: networkFor(plan),
    cases,
    random: createRandom(7),
    threads: 1,
    ...options,
  });
}

/** Runs one step after the other and says where it ends. */
async function weightsAfter(steps: number, options: Partial<TrainerOptions> = {}): Promise<Buffer> {
  await using trainer = await trainerFor(options);
  await trainer.train({ steps, firstStep: 0, totalSteps: 10 });
  return bytesOf(trainer.weights());
}

describe('a trainer', () => {
  it('learns to segment a volume in seconds', async () => {
    const plan = toyPlan({ patchSize: [20, 20, 20], batchSize: 1 });
    const learnt = [toyCase({ size: [20, 20, 20] })];
    await using trainer = await trainerFor({ plan, cases: learnt });
    const losses: number[] = [];
    const { steps, meanLoss } = await trainer.train({
      steps: 60,
      firstStep: 0,
      totalSteps: 60,
      onStep: ({ loss }) => losses.push(loss!),
    });
    expect(steps).toBe(60);
    expect(meanLoss).toBeCloseTo(losses.reduce((a, b) => a + b) / 60, 6);
    const scores = await scoresOf(learnt[0]!, plan, trainer.weights());
    expect(Math.min(...scores), `Dice of each class: ${scores}`).toBeGreaterThan(0.9);
  }, 30_000);

  it('reaches the same bytes whether or not it was stopped half way', async () => {
    const plan = toyPlan({ augmentation: standardAugmentation });
    const straight = await weightsAfter(10, { plan });
    await using first = await trainerFor({ plan });
    await first.train({ steps: 5, firstStep: 0, totalSteps: 10 });
    await using second = await trainerFor({ plan, model: networkFor(plan, 'another start') });
    second.restore(first.checkpoint());
    await second.train({ steps: 5, firstStep: 5, totalSteps: 10 });
    expect(bytesOf(second.weights()).equals(straight)).toBe(true);
  });

  it('goes on in another process to the same bytes', async () => {
    await using trainer = await trainerFor();
    await trainer.train({ steps: 3, firstStep: 0, totalSteps: 6 });
    const directory = mkdtempSync(join(tmpdir(), 'consilium-trainer-'));
    try {
      const file = join(directory, 'checkpoint.safetensors');
      writeFileSync(file, trainer.checkpoint());
      const script = fileURLToPath(new URL('./trainer-process.fixture.ts', import.meta.url));
      const there = execFileSync(process.execPath, ['--conditions=consilium-source', script, file, '3', '3', '6']);
      await trainer.train({ steps: 3, firstStep: 3, totalSteps: 6 });
      expect(there.toString()).toBe(Buffer.from(trainer.checkpoint()).toString('base64'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }, 20_000);

  it('draws other batches for another seed', async () => {
    const same = await weightsAfter(2);
    expect((await weightsAfter(2)).equals(same)).toBe(true);
    expect((await weightsAfter(2, { random: createRandom(8) })).equals(same)).toBe(false);
  });

  it('stops between two steps when asked to', async () => {
    await using trainer = await trainerFor();
    const stop = new AbortController();
    const result = await trainer.train({
      steps: 10,
      firstStep: 4,
      totalSteps: 20,
      signal: stop.signal,
      onStep: ({ step }) => step === 6 && stop.abort(),
    });
    expect(result.steps).toBe(3);
    const none = await trainer.train({ steps: 10, firstStep: 7, totalSteps: 20, signal: stop.signal });
    expect(none).toEqual({ steps: 0, meanLoss: Number.NaN, rateSum: 0 });
  });

  it('forgets its moments on request, so that a round depends on its start alone', async () => {
    await using trainer = await trainerFor();
    const start = trainer.weights();
    const straight = await weightsAfter(3);
    await trainer.train({ steps: 2, firstStep: 5, totalSteps: 10 });
    trainer.setWeights(start);
    trainer.resetOptimiser();
    await trainer.train({ steps: 3, firstStep: 0, totalSteps: 10 });
    expect(bytesOf(trainer.weights()).equals(straight)).toBe(true);
  });

  it('stays nearer to the weights it was given with FedProx', async () => {
    const distance = async (proximalMu?: number): Promise<number> => {
      await using trainer = await trainerFor({
        plan: toyPlan({ optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true } }),
        ...(proximalMu === undefined ? {} : { proximalMu }),
      });
      const start = trainer.weights();
      trainer.setWeights(start);
      await trainer.train({ steps: 8, firstStep: 0, totalSteps: 100 });
      const apart = [...trainer.weights()].flatMap(([name, { data }]) => {
        const from = start.get(name)!.data as Float32Array;
        return Array.from(data as Float32Array, (value, index) => (value - from[index]!) ** 2);
      });
      return Math.sqrt(apart.reduce((a, b) => a + b));
    };
    expect(await distance(5)).toBeLessThan(0.9 * (await distance()));
  });

  it('adds the control variate of SCAFFOLD to every gradient', async () => {
    const plan = toyPlan({ optimiser: { kind: 'sgd', momentum: 0, nesterov: false } });
    const after = async (variate: number | undefined): Promise<Weights> => {
      await using trainer = await trainerFor({ plan, controlVariate: true });
      const filled = [...trainer.weights()].map(([name, { shape }]) => {
        const value = tensor('float32', shape);
        return [name, { ...value, data: value.data.fill(variate ?? 0) }] as const;
      });
      if (variate !== undefined) trainer.setControlVariate(new Map(filled));
      await trainer.train({ steps: 1, firstStep: 0, totalSteps: 10 });
      return trainer.weights();
    };
    const [without, zero, shifted] = [await after(undefined), await after(0), await after(0.01)];
    expect(bytesOf(zero).equals(bytesOf(without))).toBe(true);
    for (const [name, { data }] of shifted) {
      const difference = Number(data[0]) - Number(without.get(name)!.data[0]);
      expect(difference, name).toBeCloseTo(-0.01 * 0.01, 6); // learning rate 0.01
    }
  });

  it('names the step, and to the site the cases, when the loss is not a number, and keeps its weights', async () => {
    const broken: PreparedCase = {
      ...toyCase({ id: 'case-of-mrs-x' }),
      image: new Float32Array(24 ** 3).fill(Number.NaN),
    };
    await using trainer = await trainerFor({ cases: [broken] });
    const before = bytesOf(trainer.weights());
    const training = trainer.train({ steps: 2, firstStep: 41, totalSteps: 50 });
    await expect(training).rejects.toMatchObject({
      code: 'training.loss-not-finite',
      message: expect.stringContaining('step 41'),
      detail: expect.stringContaining('case-of-mrs-x'),
    });
    await expect(training).rejects.not.toThrow('case-of-mrs-x');
    expect(bytesOf(trainer.weights()).equals(before)).toBe(true);
  });

  it('refuses a damaged or foreign checkpoint and is then as before', async () => {
    await using trainer = await trainerFor();
    await trainer.train({ steps: 1, firstStep: 0, totalSteps: 10 });
    const checkpoint = trainer.checkpoint();
    const { tensors, metadata } = decodeSafetensors(checkpoint);
    const [firstName] = tensors.keys();
    const without = new Map([...tensors].filter(([name]) => name !== firstName));
    const foreign = [
      checkpoint.subarray(0, checkpoint.length - 1),
      encodeSafetensors(tensors),
      encodeSafetensors(without, metadata),
      encodeSafetensors(new Map([...tensors, ['state/stranger', tensor('float32', [1])]]), metadata),
    ];
    for (const bytes of foreign) {
      expect(() => trainer.restore(bytes)).toThrow(expect.objectContaining({ code: 'training.checkpoint-malformed' }));
      expect(Buffer.from(trainer.checkpoint()).equals(checkpoint)).toBe(true);
    }
  });

  it('does not start without a case', async () => {
    await expect(trainerFor({ cases: [] })).rejects.toMatchObject({ code: 'training.no-case' });
  });
});

/** Dice of each class over the whole volume. */
async function scoresOf(aCase: PreparedCase, plan: Plan, weights: Weights): Promise<number[]> {
  const patchSize = aCase.geometry.size;
  const whole = buildNetwork(plan.network, { patchSize, batchSize: 1, random: createRandom(0) });
  await using session = await nodeRuntime().open(withWeights(whole, weights), { threads: 1 });
  const { logits } = await session.run({ image: tensor('float32', [1, 1, ...(patchSize as Triple)], aCase.image) });
  const data = logits!.data as Float32Array;
  const voxels = aCase.image.length;
  const predicted = aCase.label.map((_, index) => {
    const scores = [0, 1, 2].map((value) => data[value * voxels + index]!);
    return scores.indexOf(Math.max(...scores));
  });
  const maskOf = (labels: Uint8Array, value: number): Uint8Array => labels.map((each) => Number(each === value));
  return [1, 2].map((value) => dice(maskOf(predicted, value), maskOf(aCase.label, value)));
}
