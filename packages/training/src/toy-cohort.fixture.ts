/** A made-up prepared case that a tiny network can learn in seconds, and the plan to do it. */
import { axisAligned, type Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { noAugmentation } from './augmentation/augmentation-spec.ts';
import { type Plan, parsePlan } from './plan.ts';
import type { PreparedCase } from './preprocess.ts';

/** A bright ball (class 1) that holds a darker one (class 2), in noise. */
export function toyCase(options: { id?: string; seed?: number; size?: Triple } = {}): PreparedCase {
  const { id = 'toy', seed = 1, size = [24, 24, 24] } = options;
  const random = createRandom(seed, 'toy-case');
  const centre = size.map((n) => n / 2 + random.between(-2, 2));
  const image = new Float32Array(size[0] * size[1] * size[2]);
  const label = new Uint8Array(image.length);
  const indices: [number[], number[]] = [[], []];
  for (let index = 0; index < image.length; index++) {
    const voxel = [Math.floor(index / (size[1] * size[2])), Math.floor(index / size[2]) % size[1], index % size[2]];
    const distance = Math.hypot(...voxel.map((at, axis) => at - centre[axis]!));
    const value = distance < 4 ? 2 : distance < 8 ? 1 : 0;
    label[index] = value;
    if (value > 0) indices[value - 1]!.push(index);
    image[index] = [-1, 1.5, 0.2][value]! + 0.4 * random.normal();
  }
  const geometry = axisAligned({ size, spacingMm: [4, 4, 4], originMm: [0, 0, 0] });
  const foreground = indices.map((voxels, at) => ({ value: at + 1, indices: Uint32Array.from(voxels) }));
  return { id, geometry, outside: -6, original: geometry, image, label, foreground };
}

export function toyPlan(changes: Partial<Record<keyof Plan, unknown>> = {}): Plan {
  return parsePlan({
    version: 1,
    classes: [
      { name: 'ball', value: 1 },
      { name: 'core', value: 2 },
    ],
    regions: [{ name: 'ball', classes: [1, 2] }],
    spacingMm: [4, 4, 4],
    patchSize: [16, 16, 16],
    batchSize: 2,
    normalisation: { clipHu: [-200, 300], mean: 100, std: 50 },
    network: {
      kind: 'unet',
      channels: [8, 16],
      strides: [
        [1, 1, 1],
        [2, 2, 2],
      ],
      kernelSizes: [
        [3, 3, 3],
        [3, 3, 3],
      ],
      blocksPerLevel: [1, 1],
      classes: 3,
    },
    loss: { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }] },
    optimiser: { kind: 'adamw', weightDecay: 0.01 },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    foregroundFraction: 0.67,
    augmentation: noAugmentation,
    memoryBudgetMb: 500,
    inference: { overlap: 0.5, flips: false },
    ...changes,
  });
}
