import { nodeRuntime } from '@consilium/engine/node';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildNetwork } from '../networks/network.ts';
import type { Plan } from '../plan.ts';
import { seededNoise } from '../seeded-noise.fixture.ts';
import { toyCase } from '../toy-cohort.fixture.ts';
import { Trainer, type TrainerOptions } from '../trainer.ts';
import { sampleClicks } from './click-batch.ts';
import { ClickPredictor } from './click-predictor.ts';
import { scoreClicks } from './click-score.ts';
import { toyClickPlan, toyInteractive } from './toy-clicks.fixture.ts';

const cases = Array.from({ length: 4 }, (_, index) => toyCase({ id: `case-${index}`, seed: index + 1 }));
const networkFor = (plan: Plan) => buildNetwork(plan.network, { ...plan, random: createRandom(1) });

function trainerFor(options: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const plan = options.plan ?? toyClickPlan();
  const defaults = {
    runtime: nodeRuntime(),
    plan,
    model: networkFor(plan),
    cases,
    random: createRandom(7),
    threads: 1,
  };
  return Trainer.create({ ...defaults, ...options });
}

describe('a batch with clicks', () => {
  const plan = toyClickPlan({ interactive: { ...toyInteractive, automaticProbability: 0 } });
  const sampling = { ...plan, interactive: plan.interactive! };
  const voxels = 16 ** 3;

  it('holds image, clicks, the mask so far, and as label what was clicked on', async () => {
    const nothing = async () => new Float32Array(2 * 2 * voxels);
    for (let seed = 0; seed < 6; seed++) {
      const { image, label } = await sampleClicks(cases, sampling, createRandom(seed), nothing);
      expect(image.shape).toEqual([2, 4, 16, 16, 16]);
      expect(label.shape).toEqual([2, 1, 16, 16, 16]);
      for (let item = 0; item < 2; item++) {
        const target = label.data.subarray(item * voxels, (item + 1) * voxels);
        const channel = (index: number) =>
          image.data.subarray((4 * item + index) * voxels, (4 * item + index + 1) * voxels);
        if (!target.includes(1)) continue;
        const onTarget = [...channel(1)].flatMap((value, index) => (value === 1 ? [target[index]] : []));
        const beside = [...channel(2)].flatMap((value, index) => (value === 1 ? [target[index]] : []));
        expect(onTarget.length + beside.length, `seed ${seed}`).toBeGreaterThan(0);
        expect(onTarget.every((value) => value === 1)).toBe(true);
        expect(beside.every((value) => value === 0)).toBe(true);
      }
    }
  });

  it('clicks beside the structure where the network marks too much', async () => {
    const everything = async () =>
      new Float32Array(4 * voxels).map((_, index) => (index % (2 * voxels) < voxels ? 0 : 1));
    const always = { ...sampling, interactive: { ...sampling.interactive, predictionsMax: 20, clicksMax: 30 } };
    let seen = 0;
    for (let seed = 0; seed < 6; seed++) {
      const { image } = await sampleClicks(cases, always, createRandom(seed), everything);
      if (!image.data.subarray(3 * voxels, 4 * voxels).every((value) => value === 1)) continue;
      expect(Math.max(...image.data.subarray(2 * voxels, 3 * voxels)), `seed ${seed}`).toBe(1);
      seen += 1;
    }
    expect(seen).toBeGreaterThan(0);
  });

  it('has neither clicks nor mask where all is automatic, and all classes as label', async () => {
    const automatic = { ...sampling, interactive: { ...sampling.interactive, automaticProbability: 1 } };
    const asked: unknown[] = [];
    const { image, label } = await sampleClicks(cases, automatic, createRandom(1), async (given) => {
      asked.push(given);
      return new Float32Array(4 * voxels);
    });
    expect(image.data.subarray(voxels, 4 * voxels).every((value) => value === 0)).toBe(true);
    expect(label.data.includes(1)).toBe(true);
    expect(asked).toEqual([]);
  });
});

describe('training with simulated clicks', () => {
  it('reaches the same bytes again, and others for another seed', async () => {
    const weightsAfter = async (options: Partial<TrainerOptions>) => {
      await using trainer = await trainerFor(options);
      await trainer.train({ steps: 4, firstStep: 0, totalSteps: 10 });
      return Buffer.from(encodeSafetensors(trainer.weights())).toString('base64');
    };
    const once = await weightsAfter({});
    expect((await weightsAfter({})) === once).toBe(true);
    expect((await weightsAfter({ random: createRandom(8) })) === once).toBe(false);
  });

  it('reaches the same bytes when it is stopped in between', async () => {
    await using straight = await trainerFor();
    await straight.train({ steps: 4, firstStep: 0, totalSteps: 10 });
    await using first = await trainerFor();
    await first.train({ steps: 2, firstStep: 0, totalSteps: 10 });
    await using second = await trainerFor();
    second.restore(first.checkpoint());
    await second.train({ steps: 2, firstStep: 2, totalSteps: 10 });
    expect(Buffer.from(second.checkpoint()).equals(straight.checkpoint())).toBe(true);
  });

  it('goes with private gradients', async () => {
    const privacy = { units: cases.map((one) => [one]), clipNorm: 1, noiseMultiplier: 0.1, samplingRate: 1 };
    await using trainer = await trainerFor({ privacy });
    const before = trainer.weights().get('head.0.weight')!.data.slice();
    const noise = seededNoise(1);
    const { meanLoss } = await trainer.train({ steps: 2, firstStep: 0, totalSteps: 2, noise });
    expect(meanLoss).toBeNull();
    expect(trainer.weights().get('head.0.weight')!.data).not.toEqual(before);
  });
});

describe('a trained click network', () => {
  const plan = toyClickPlan();
  const model = networkFor(plan);
  let predictor: ClickPredictor;
  beforeAll(async () => {
    await using trainer = await trainerFor({ plan, model });
    await trainer.train({ steps: 180, firstStep: 0, totalSteps: 180 });
    predictor = await ClickPredictor.open({
      runtime: nodeRuntime(),
      model,
      weights: trainer.weights(),
      plan,
      threads: 1,
    });
    return () => predictor[Symbol.asyncDispose]();
  });

  it('marks the class that was clicked on in a case it has not seen, the better the more clicks', async () => {
    const unseen = toyCase({ id: 'unseen', seed: 9 });
    const { geometry } = unseen;
    const reference = { geometry, voxels: unseen.label.map((each) => (each === 2 ? 1 : 0)) };
    const automatic = await predictor.withoutClicks(unseen, geometry);
    const clicks = [0, 1, 5];
    const { diceAfter } = await scoreClicks({ predictor, prepared: unseen, reference, clicks, keep: 1, automatic });
    const [none, one, five] = clicks.map((count) => diceAfter.get(count)!) as [number, number, number];
    expect(one).toBeGreaterThan(none + 0.05);
    expect(five).toBeGreaterThan(one + 0.05);
  });

  it('tells apart a click on the structure and one beside it', async () => {
    const unseen = toyCase({ id: 'unseen', seed: 9 });
    const middle = [12, 12, 12] as const;
    const mask = unseen.label.map((each) => (each === 2 ? 1 : 0));
    const ask = (isForeground: boolean) =>
      predictor.answer(unseen, { geometry: unseen.geometry, mask, clicks: [{ voxel: middle, isForeground }] });
    const marked = async (isForeground: boolean) => {
      const { mask: answer } = await ask(isForeground);
      return answer.reduce((sum: number, each) => sum + each, 0);
    };
    expect(await marked(true)).toBeGreaterThan(await marked(false));
  });
});
