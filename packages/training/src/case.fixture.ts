/** Small made-up cases for this package's tests: a warm box with a bright ball in cold air. */
import { axisAligned, type Geometry, type Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { standardAugmentation } from './augmentation/augmentation-spec.ts';
import type { Case } from './case.ts';
import { lossSpecSchema, networkSpecSchema } from './network-spec.ts';
import type { Plan } from './plan.ts';
import { kidneyClasses, kidneyRegions } from './regions.ts';

/** Body at 40 HU, a kidney ball of 150 HU with a tumour ball of 90 HU in it; noise of 5 HU. */
export function ballCase(options: { id?: string; size?: Triple; spacingMm?: Triple; seed?: number } = {}): Case {
  const { id = 'ball', size = [24, 32, 40], spacingMm = [3, 2, 2], seed = 1 } = options;
  const geometry = axisAligned({ size, spacingMm, originMm: [-10, 20, 30] });
  const image = new Int16Array(size[0] * size[1] * size[2]);
  const label = new Uint8Array(image.length);
  const random = createRandom(seed, 'ball-case');
  const middleMm = size.map((each, axis) => ((each - 1) / 2) * spacingMm[axis]!);
  for (let z = 0, index = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, index++) {
        const fromMiddle = [z, y, x].map((at, axis) => at * spacingMm[axis]! - middleMm[axis]!) as [
          number,
          number,
          number,
        ];
        const body = [z, y, x].every((at, axis) => at >= 3 && at < size[axis]! - 3);
        const kidney = Math.hypot(...fromMiddle) < 18;
        const tumour = Math.hypot(fromMiddle[0], fromMiddle[1], fromMiddle[2] - 8) < 8;
        label[index] = tumour ? 2 : kidney ? 1 : 0;
        image[index] = (tumour ? 90 : kidney ? 150 : body ? 40 : -1000) + Math.round(5 * random.normal());
      }
    }
  }
  return { id, image: { geometry, voxels: image }, label: { geometry, voxels: label } };
}

function _volumeOf(geometry: Geometry): number {
  return geometry.size[0] * geometry.size[1] * geometry.size[2];
}

export const smallPlan: Plan = {
  version: 1,
  classes: [...kidneyClasses],
  regions: kidneyRegions.map(({ name, classes }) => ({ name, classes: [...classes] })),
  spacingMm: [4, 4, 4],
  patchSize: [16, 16, 24],
  batchSize: 2,
  normalisation: { clipHu: [-200, 300], mean: 100, std: 50 },
  network: networkSpecSchema.parse({
    kind: 'unet',
    channels: [4, 8],
    strides: [
      [1, 1, 1],
      [2, 2, 2],
    ],
    kernelSizes: [
      [3, 3, 3],
      [3, 3, 3],
    ],
    blocksPerLevel: [1, 1],
    classes: 4,
  }),
  loss: lossSpecSchema.parse({ terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }] }),
  optimiser: { kind: 'sgd', momentum: 0.99, nesterov: true },
  schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
  foregroundFraction: 0.5,
  augmentation: standardAugmentation,
  memoryBudgetMb: 1000,
  inference: { overlap: 0.5, flips: false },
};
