/** A model applied to an image, with how unsure it is. */
import { nodeRuntime } from '@consilium/engine/node';
import { canonical, type Image } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { expect, it } from 'vitest';
import { noAugmentation } from './augmentation/augmentation-spec.ts';
import { ballCase, smallPlan } from './case.fixture.ts';
import { Predictor } from './inference.ts';
import { buildNetwork } from './networks/network.ts';

const plan = { ...smallPlan, augmentation: noAugmentation };
const model = buildNetwork(plan.network, { ...plan, batchSize: 1, random: createRandom('inference') });
const { image } = ballCase();
/** The same patient, lying in the file the other way round: slices from the feet, rows from the back. */
const turned: Image = turnedBy(image);

function turnedBy({ geometry, voxels }: Image): Image {
  const { axes, originMm, size, spacingMm } = geometry;
  const [depth, height, width] = size;
  const flipped = new Int16Array(voxels.length);
  for (let z = 0, at = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        flipped[at] = voxels[((depth - 1 - z) * height + (height - 1 - y)) * width + x]!;
      }
    }
  }
  const along = (world: 0 | 1 | 2) =>
    originMm[world] + axes[0][world] * spacingMm[0] * (depth - 1) + axes[1][world] * spacingMm[1] * (height - 1);
  const reversed = (axis: 0 | 1) => axes[axis].map((value) => -value) as [number, number, number];
  return {
    voxels: flipped,
    geometry: {
      ...geometry,
      originMm: [along(0), along(1), along(2)],
      axes: [reversed(0), reversed(1), axes[2]],
    },
  };
}

it('says what it says without, and how unsure it is on the image’s own grid, however that lies', async () => {
  await using predictor = await Predictor.open({ runtime: nodeRuntime(), model, plan });
  const { labels, uncertainty } = await predictor.predictWithUncertainty(image);
  expect(labels).toEqual(await predictor.predict(image));
  expect(uncertainty.geometry).toEqual(image.geometry);
  // Of a network that has learnt nothing, high wherever it looked, and nothing in the air around the body.
  const [depth, height, width] = image.geometry.size;
  const at = (z: number, y: number, x: number) => uncertainty.voxels[(z * height + y) * width + x]!;
  expect(at(depth / 2, height / 2, width / 2)).toBeGreaterThan(100);
  expect(at(0, 0, 0)).toBe(0);

  const other = await predictor.predictWithUncertainty(turned);
  expect(other.uncertainty.geometry).toEqual(turned.geometry);
  const back = canonical({ geometry: turned.geometry, voxels: Int16Array.from(other.uncertainty.voxels) });
  const differences = back.voxels.map((value, index) => Math.abs(value - uncertainty.voxels[index]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
});
