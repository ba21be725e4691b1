/** How unsure a network is, from what it says of a patch and of its mirror images. */
import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { withFlipEntropy } from './flip-entropy.ts';
import type { PatchNetwork } from './sliding-window.ts';

const patchSize = [2, 3, 4] as const;
const voxels = 24;
const random = createRandom('flip entropy');
const patch = Float32Array.from({ length: voxels }, () => random.normal());

/** Says of each voxel what its own value says: the mirror image's answer is the answer's mirror image. */
const ofItsOwn: PatchNetwork = async (values) => Float32Array.from([...values.map((value) => -value), ...values]);
/** Says class 1 of the left half, whatever is there. */
const ofThePlace: PatchNetwork = async (values) => {
  const right = Float32Array.from(values, (_, at) => (at % 4 < 2 ? 9 : -9));
  return Float32Array.from([...right.map((value) => -value), ...right]);
};
const uncertain = (network: PatchNetwork, flips: readonly [boolean, boolean, boolean]) =>
  withFlipEntropy(network, { classes: 2, flips, patchSize })(patch);

describe('the entropy over mirror images', () => {
  it.each([[[false, false, false]], [[false, false, true]], [[true, true, true]]] as const)(
    'of a network that does not care for sides is that of one answer, flips %s',
    async (flips) => {
      const answer = await uncertain(ofItsOwn, flips);
      expect(answer).toHaveLength(3 * voxels);
      for (const [at, value] of patch.entries()) {
        const share = 1 / (1 + Math.exp(-2 * value));
        const entropy = -(share * Math.log2(share) + (1 - share) * Math.log2(1 - share));
        expect(answer[voxels + at]).toBeCloseTo(value, 5);
        expect(answer[2 * voxels + at]).toBeCloseTo(entropy, 5);
      }
    },
  );

  it('is the greatest where the mirror image is answered the other way round', async () => {
    const [alone, mirrored] = [
      await uncertain(ofThePlace, [true, true, false]),
      await uncertain(ofThePlace, [false, false, true]),
    ];
    for (let at = 2 * voxels; at < 3 * voxels; at++) {
      expect(alone[at]).toBeLessThan(1e-3);
      expect(mirrored[at]).toBeCloseTo(1, 5);
    }
  });
});
