import { createRandom } from '@consilium/numerics';
import type { Json } from '@consilium/protocol';
import { parseExperiment, runsOf } from '@consilium/study';
import { buildNetwork, fingerprintOf, noAugmentation } from '@consilium/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { planOf, strategyOfRun } from './experiment-plan.ts';
import { planFor } from './network-plan.ts';

const context = { software: '1', dataSha256: '', participants: ['site-1'], minimumSites: 1 };
const base = { detail: 'small', memoryBudgetMb: 1024 };
const settingsOf = (change: object) =>
  runsOf(parseExperiment({ name: 'x', base: { ...base, ...change } }), context)[0]!.settings;

describe('the plan of a run', () => {
  let fingerprints: Json[] = [];
  beforeAll(async () => {
    const size = [40, 60, 60] as const;
    const geometry = {
      size,
      spacingMm: [4, 4, 4],
      originMm: [0, 0, 0],
      axes: [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
      ],
    } as const;
    const voxels = Int16Array.from({ length: 40 * 60 * 60 }, (_, index) => index % 200);
    const label = Uint8Array.from(voxels, (_, index) => (index % 60 > 20 && index % 60 < 40 ? 1 : 0));
    const fingerprint = await fingerprintOf([
      { id: 'a', image: { geometry, voxels }, label: { geometry, voxels: label } },
    ]);
    fingerprints = [fingerprint as unknown as Json];
  });
  const plan = (change: object = {}) => planOf(settingsOf(change), fingerprints);

  it('is the derived one where the run says nothing', () => {
    expect(plan()).toEqual(planFor(fingerprints, { memoryBudgetMb: 1024, size: 'small' }));
  });

  it('has what the run says, and a network that can be built', () => {
    const changed = plan({
      ...{ network: 'segresnet', width: 4, depth: 2, patchSize: [17, 16, 24], batchSize: 1, learningRate: 0.5 },
      ...{ loss: 'dice + focal', optimiser: 'sgd', augmentation: 'none' },
    });
    expect(changed).toMatchObject({
      network: {
        kind: 'segresnet',
        channels: [4, 8],
        strides: [
          [1, 1, 1],
          [2, 2, 2],
        ],
        blocksPerLevel: [2, 2],
      },
      patchSize: [18, 16, 24],
      batchSize: 1,
      schedule: { kind: 'polynomial', initial: 0.5 },
      loss: { terms: [{ kind: 'dice' }, { kind: 'focal' }] },
      optimiser: { kind: 'sgd', nesterov: true },
      augmentation: noAugmentation,
    });
    const { batchSize, network, patchSize } = changed;
    expect(() => buildNetwork(network, { patchSize, batchSize, random: createRandom(1) })).not.toThrow();
    expect(plan({ augmentation: { flips: [true, false, false] } }).augmentation).toEqual({
      ...plan().augmentation,
      flips: [true, false, false],
    });
  });

  it('is refused where patches are too small for the depth, or a word is unknown', () => {
    const code = (value: string) => expect.objectContaining({ code: value });
    expect(() => plan({ depth: 9 })).toThrow(code('cli.bad-experiment'));
    expect(() => plan({ loss: 'hope' })).toThrow(code('training.plan-malformed'));
    expect(() => strategyOfRun(settingsOf({ strategy: 'none' }))).toThrow(code('cli.bad-option'));
    expect(strategyOfRun(settingsOf({ strategy: { kind: 'fed-prox', mu: 0.1 } }))).toEqual({
      kind: 'fed-prox',
      mu: 0.1,
    });
  });
});
