import { createRandom } from '@consilium/numerics';
import { describe, it } from 'vitest';
import { tensorOf } from '../constant-folding.ts';
import type { Attributes } from '../model.ts';
import { expectDerivative, fixed, randomTensor } from './finite-difference.fixture.ts';

const settings: readonly Attributes[] = [
  { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_floor' },
  { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' },
  { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
];

describe('the derivative of Resize', () => {
  it.each(settings)('agrees with differences by factors: %o', async (attributes) => {
    for (const scales of [
      [1, 1, 2, 2],
      [1, 1, 3, 1.5],
      [1, 1, 0.5, 2],
    ]) {
      const random = createRandom('resize', ...scales);
      await expectDerivative(random, {
        inputs: [randomTensor(random, [2, 3, 4, 6])],
        build: (g, x) => g.op('Resize', [x!, null, fixed(g, tensorOf('float32', [4], scales))], attributes),
        step: 0.5,
        tolerance: 1e-4,
      });
    }
  });

  it.each(settings)('agrees with differences by sizes of three axes: %o', async (attributes) => {
    const random = createRandom('resize to');
    await expectDerivative(random, {
      inputs: [randomTensor(random, [1, 2, 3, 4, 5])],
      build: (g, x) => g.op('Resize', [x!, null, null, g.int64s(1, 2, 6, 7, 4)], attributes),
      step: 0.5,
      tolerance: 1e-4,
    });
  });
});
