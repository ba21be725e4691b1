import { nodeRuntime } from '@consilium/engine/node';
import {
  createRandom,
  encodeSafetensors,
  type NoiseSource,
  type Tensor,
  tensor,
  type Weights,
} from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { buildNetwork } from './networks/network.ts';
import type { PreparedCase } from './preprocess.ts';
import { type PrivacyOptions, privateGradient } from './private-step.ts';
import { seededNoise } from './seeded-noise.fixture.ts';
import { toyCase, toyPlan } from './toy-cohort.fixture.ts';
import { Trainer } from './trainer.ts';

const plan = toyPlan({ patchSize: [4, 4, 4], batchSize: 1 });
const layout: Weights = new Map([
  ['a', tensor('float32', [2, 2])],
  ['b', tensor('float32', [1])],
]);

/** A case whose every voxel has the value, so that whoever sees a patch of it knows whose it is. */
function caseOf(value: number): PreparedCase {
  const one = toyCase({ id: `case-${value}`, size: [4, 4, 4] });
  return { ...one, image: one.image.slice().fill(value) };
}

/** In place of a network: the gradient of unit `value` is `gradients[value]`, of five numbers. */
function programOf(gradients: readonly (readonly number[])[], seen: number[] = []) {
  return {
    gradients: async ({ image }: Readonly<Record<string, Tensor>>) => {
      const unit = Number(image!.data[0]);
      seen.push(unit);
      const values = Float32Array.from(gradients[unit]!);
      return {
        loss: 1,
        gradients: new Map([
          ['a', tensor('float32', [2, 2], values.slice(0, 4))],
          ['b', tensor('float32', [1], values.slice(4))],
        ]),
      };
    },
  };
}

const flat = (weights: Weights): number[] => [...weights.values()].flatMap(({ data }) => [...(data as Float32Array)]);
const norm = (values: readonly number[]) => Math.hypot(...values);
const unitsOf = (count: number) => Array.from({ length: count }, (_, value) => [caseOf(value)]);
const all: Omit<PrivacyOptions, 'units'> = { clipNorm: 2, noiseMultiplier: 0, samplingRate: 1 };

function gradientOf(
  program: ReturnType<typeof programOf>,
  options: PrivacyOptions,
  noise: NoiseSource = seededNoise(1),
  onUnusable?: (caseIds: readonly string[]) => void,
): Promise<number[]> {
  const sources = { noise, ...(onUnusable === undefined ? {} : { onUnusable }) };
  return privateGradient(program, plan, options, sources, layout).then(flat);
}

describe('a private gradient', () => {
  it('shortens the gradient of each unit to the norm, and leaves shorter ones alone', async () => {
    const long = [30, 0, 0, 40, 0];
    const short = [0, 0.5, 0, 0, -0.5];
    const own = await gradientOf(programOf([long, short]), { ...all, units: unitsOf(2) });
    [1.2, 0.5, 0, 1.6, -0.5].forEach((expected, index) => {
      expect(own[index]!).toBeCloseTo(expected / 2, 6);
    });
  });

  it('moves by no more than the norm when a unit comes or goes, whatever its gradient is', async () => {
    const random = createRandom(3);
    const gradients = Array.from({ length: 8 }, (_, unit) =>
      Array.from({ length: 5 }, () => 10 ** (unit - 3) * random.normal()),
    );
    gradients[7] = new Array<number>(5).fill(3e38); // its square is infinite in float32, its norm is not in float64
    const sum = async (count: number) =>
      (await gradientOf(programOf(gradients), { ...all, units: unitsOf(count) })).map((value) => value * count);
    let before = await sum(1);
    expect(norm(before)).toBeLessThanOrEqual(2);
    for (let count = 2; count <= 8; count++) {
      const after = await sum(count);
      const moved = norm(after.map((value, index) => value - before[index]!));
      expect(moved).toBeLessThanOrEqual(2 * (1 + 1e-5)); // the float32 of the result
      before = after;
    }
    expect(before.every(Number.isFinite)).toBe(true);
  });

  it('takes nothing of a unit whose gradient is not finite, and tells only the site', async () => {
    const told: string[] = [];
    const program = programOf([
      [1, 0, 0, 0, 0],
      [Number.NaN, 1, 1, 1, 1],
    ]);
    const own = await gradientOf(program, { ...all, units: unitsOf(2) }, seededNoise(1), (ids) => told.push(...ids));
    expect(own).toEqual([expect.closeTo(0.5, 6), 0, 0, 0, 0]);
    expect(told).toEqual(['case-1']);
  });

  it('has noise of the deviation that was asked for, over the lot that was expected', async () => {
    const nothing = [0, 0, 0, 0, 0];
    const options = { clipNorm: 2, noiseMultiplier: 1.5, samplingRate: 0.25, units: unitsOf(2) };
    const draws: number[] = [];
    const noise = seededNoise(4);
    for (let step = 0; step < 2000; step++) {
      draws.push(...(await gradientOf(programOf([nothing, nothing]), options, noise)));
    }
    const deviation = (1.5 * 2) / (0.25 * 2);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + value * value, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(4 * (deviation / Math.sqrt(draws.length)));
    expect(Math.abs(variance / deviation ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / draws.length));
  });

  it('lets each unit take part by a coin of its own', async () => {
    const seen: number[] = [];
    const noise = seededNoise(5);
    const gradients = Array.from({ length: 4 }, () => [0, 0, 0, 0, 0]);
    const lots: number[] = [];
    for (let step = 0; step < 1500; step++) {
      const before = seen.length;
      await gradientOf(programOf(gradients, seen), { ...all, samplingRate: 0.3, units: unitsOf(4) }, noise);
      lots.push(seen.length - before);
    }
    for (const unit of [0, 1, 2, 3]) {
      expect(Math.abs(seen.filter((each) => each === unit).length / 1500 - 0.3)).toBeLessThan(0.05);
    }
    const share = (size: number) => lots.filter((lot) => lot === size).length / 1500;
    expect(Math.abs(share(0) - 0.7 ** 4)).toBeLessThan(0.045); // an empty lot is a step of noise alone
    expect(Math.abs(share(2) - 6 * 0.3 ** 2 * 0.7 ** 2)).toBeLessThan(0.05);
  });

  it('is one of all the cases of a patient', async () => {
    const gradients = [
      [1, 0, 0, 0, 0],
      [0, 1, 0, 0, 0],
    ];
    const seen: number[] = [];
    const units = [[caseOf(0), caseOf(1)]];
    const noise = seededNoise(6);
    for (let step = 0; step < 20; step++) {
      const own = await gradientOf(programOf(gradients, seen), { ...all, units }, noise);
      expect(norm(own)).toBeLessThanOrEqual(2);
      expect(seen).toHaveLength(step + 1);
    }
    expect(new Set(seen)).toEqual(new Set([0, 1]));
  });
});

describe('private training', () => {
  const privacy = { clipNorm: 0.5, noiseMultiplier: 0.05, samplingRate: 0.7 };
  const trained = toyPlan({ optimiser: { kind: 'sgd', momentum: 0.5, nesterov: false } });
  const cases = [toyCase({ id: 'a' }), toyCase({ id: 'b', seed: 2 }), toyCase({ id: 'c', seed: 3 })];
  const model = buildNetwork(trained.network, { ...trained, random: createRandom(1) });
  const open = (options: Partial<PrivacyOptions> | null) =>
    Trainer.create({
      runtime: nodeRuntime(),
      plan: trained,
      model,
      cases,
      random: createRandom(7),
      ...(options === null ? {} : { privacy: { ...privacy, units: cases.map((one) => [one]), ...options } }),
    });
  const asked = { steps: 3, firstStep: 0, totalSteps: 30 };

  it('gives the same bytes for the same noise, and other bytes for other noise', async () => {
    await using trainer = await open({});
    const after = async (seed: number) => {
      trainer.setWeights(model.parameters);
      trainer.resetOptimiser();
      await trainer.train({ ...asked, noise: seededNoise(seed) });
      return Buffer.from(encodeSafetensors(trainer.weights())).toString('base64');
    };
    const first = await after(1);
    expect(await after(2)).not.toBe(first);
    expect(await after(1)).toBe(first);
  });

  it('tells no loss, and takes no step without a source of noise', async () => {
    await using trainer = await open({});
    const losses: (number | null)[] = [];
    const result = await trainer.train({ ...asked, noise: seededNoise(1), onStep: ({ loss }) => losses.push(loss) });
    expect(result).toMatchObject({ steps: 3, meanLoss: null });
    expect(losses).toEqual([null, null, null]);
    await expect(trainer.train(asked)).rejects.toThrow(TypeError);
  });

  it('learns where the noise is small', async () => {
    await using trainer = await open({ clipNorm: 1, noiseMultiplier: 0.01, samplingRate: 0.9 });
    await using judge = await open(null);
    const lossAt = async (weights: Weights) => {
      judge.setWeights(weights);
      judge.resetOptimiser();
      return (await judge.train({ ...asked, steps: 2 })).meanLoss!;
    };
    const before = await lossAt(model.parameters);
    await trainer.train({ steps: 25, firstStep: 0, totalSteps: 60, noise: seededNoise(2) });
    expect(await lossAt(trainer.weights())).toBeLessThan(0.9 * before);
  });
});
