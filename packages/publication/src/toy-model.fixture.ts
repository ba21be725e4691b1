/** Small untrained networks of each kind with a plan, and an image that lies askew: what MONAI was asked about, too. */

import { encodeModel, weightsOf } from '@consilium/engine';
import { type Geometry, inMemory } from '@consilium/imaging';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import { buildNetwork, noAugmentation, type Plan, parsePlan } from '@consilium/training';
import { type PublishedModel, readPublishedModel } from './bundle/published-model.ts';
import { type FileTree, jsonBytes } from './file-tree.ts';

const networks = {
  unet: { kind: 'unet', norm: 'instance', upSampling: 'transposed-convolution', activation: 'leaky-relu' },
  'residual-encoder-unet': { kind: 'residual-encoder-unet', norm: 'batch', upSampling: 'nearest', activation: 'mish' },
  segresnet: { kind: 'segresnet', norm: 'group', normGroups: 4, upSampling: 'linear', activation: 'relu' },
} as const;
export type ToyKind = keyof typeof networks;
export const toyKinds = Object.keys(networks) as ToyKind[];

export function toyPlan(kind: ToyKind): Plan {
  return parsePlan({
    version: 1,
    classes: [
      { name: 'kidney', value: 1 },
      { name: 'tumour', value: 2 },
    ],
    regions: [{ name: 'kidney', classes: [1, 2] }],
    spacingMm: [3, 2.5, 2.5],
    patchSize: [8, 16, 16],
    batchSize: 2,
    normalisation: { clipHu: [-100, 250], mean: 60, std: 70, phases: { nephrographic: { mean: 120, std: 50 } } },
    network: {
      ...networks[kind],
      classes: 3,
      channels: [8, 16],
      strides: [
        [1, 1, 1],
        [1, 2, 2],
      ],
      kernelSizes: [
        [1, 3, 3],
        [3, 3, 3],
      ],
      blocksPerLevel: [1, 2],
      deepSupervision: kind === 'unet',
    },
    loss: { terms: [{ kind: 'dice' }] },
    optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    foregroundFraction: 0.5,
    augmentation: { ...noAugmentation, flips: [false, true, true] },
    memoryBudgetMb: 512,
    inference: { overlap: 0.5, flips: kind === 'segresnet' },
  });
}

/** As `consilium job result` leaves it. */
export function toyModelTree(kind: ToyKind): FileTree {
  const plan = toyPlan(kind);
  const random = createRandom('toy model', kind);
  const model = buildNetwork(plan.network, { patchSize: plan.patchSize, batchSize: plan.batchSize, random });
  return new Map([
    ['model.onnx', inMemory(encodeModel(model))],
    ['weights.safetensors', inMemory(encodeSafetensors(weightsOf(model)))],
    ['plan.json', inMemory(jsonBytes(plan))],
  ]);
}

export function toyModel(kind: ToyKind): Promise<PublishedModel> {
  return readPublishedModel(toyModelTree(kind));
}

/** A body of smooth shadows in air; fine and askew, with axes to the feet, the front and the right. */
export function toyImage(): { geometry: Geometry; voxels: Int16Array } {
  const size = [22, 60, 64] as const;
  const [cosine, sine] = [Math.cos(0.2), Math.sin(0.2)];
  const geometry: Geometry = {
    size,
    spacingMm: [2.5, 1.1, 1.1],
    originMm: [33, 41, -120],
    axes: [
      [0, 0, -1],
      [sine, -cosine, 0],
      [-cosine, -sine, 0],
    ],
  };
  const random = createRandom('toy image');
  const blobs = Array.from({ length: 40 }, () => ({
    at: size.map((length) => random.uniform() * length) as [number, number, number],
    hu: 600 * (random.uniform() - 0.4),
    reach: 3 + 6 * random.uniform(),
  }));
  const voxels = new Int16Array(size[0] * size[1] * size[2]);
  let index = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, index++) {
        const isBody = ((y - 30) / 25) ** 2 + ((x - 32) / 28) ** 2 < 1;
        const shadow = blobs.reduce((sum, { at, hu, reach }) => {
          const distance = ((z - at[0]) * 2.3) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2;
          return sum + hu * Math.exp(-distance / (2 * reach * reach));
        }, 0);
        voxels[index] = isBody ? Math.round(Math.max(-900, Math.min(1500, shadow))) : -1000;
      }
    }
  }
  return { geometry, voxels };
}
