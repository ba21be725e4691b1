import { GraphBuilder, type Model } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { axisAligned, dice, type Geometry, type Triple, worldOf } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreparedImage } from '../preprocess.ts';
import { toyPlan } from '../toy-cohort.fixture.ts';
import type { Click } from './click-input.ts';
import { ClickPredictor } from './click-predictor.ts';
import { cutImage, indexMap, mapped, viewAround } from './click-view.ts';
import { toyClickPlan } from './toy-clicks.fixture.ts';

const patchSize: Triple = [16, 16, 16];
const plan = toyClickPlan({ patchSize });

/**
 * A network with a known answer: the structure is where the image is above 0, which the mask so far and clicks on it cannot
 * change; within the reach of clicks beside it there is nothing.
 */
function thresholdNetwork(): Model {
  const g = new GraphBuilder({ name: 'threshold' });
  const image = g.input('image', 'float32', [1, 4, ...patchSize]);
  const weights = Float32Array.of(-1, 0, 0, 0, 1, 0, -100, 0);
  const weight = g.parameter('weight', { dtype: 'float32', shape: [2, 4, 1, 1, 1], data: weights });
  g.output('logits', g.op('Conv', [image, weight], { kernel_shape: [1, 1, 1] }));
  return g.build();
}

/** A ball of the radius in a volume of the plan's voxels. */
function ball(size: Triple, radius: number): { prepared: PreparedImage; inside: Uint8Array; middle: Triple } {
  const geometry = axisAligned({ size, spacingMm: [4, 4, 4], originMm: [-20, 10, 5] });
  const middle = size.map((each) => Math.floor(each / 2)) as unknown as Triple;
  const image = new Float32Array(size[0] * size[1] * size[2]);
  for (let index = 0; index < image.length; index++) {
    const voxel = [Math.floor(index / (size[1] * size[2])), Math.floor(index / size[2]) % size[1], index % size[2]];
    image[index] = radius - Math.hypot(...voxel.map((each, axis) => each - middle[axis]!));
  }
  return { prepared: { geometry, image, outside: -9, original: geometry }, inside: inverted(image), middle };
}
const inverted = (image: Float32Array): Uint8Array => Uint8Array.from(image, (value) => (value > 0 ? 1 : 0));
const open = () => ClickPredictor.open({ runtime: nodeRuntime(), model: thresholdNetwork(), plan, threads: 1 });

/** The whole mask after the answers to all clicks, one by one. */
async function drawn(
  predictor: ClickPredictor,
  prepared: PreparedImage,
  clicks: readonly Click[],
  geometry: Geometry = prepared.geometry,
): Promise<Uint8Array> {
  const [depth, height, width] = geometry.size;
  const mask = new Uint8Array(depth * height * width);
  for (let count = 1; count <= clicks.length; count++) {
    const answer = await predictor.answer(prepared, { geometry, mask, clicks: clicks.slice(0, count) });
    const [az, ay, ax] = answer.size;
    for (let index = 0; index < answer.mask.length; index++) {
      const z = answer.first[0] + Math.floor(index / (ay * ax));
      const y = answer.first[1] + (Math.floor(index / ax) % ay);
      mask[(z * height + y) * width + answer.first[2] + (index % ax)] = answer.mask[index]!;
    }
    expect(answer.mask.length).toBe(az * ay * ax);
  }
  return mask;
}

describe('a click predictor', () => {
  it('marks what was clicked on, in a box around it', async () => {
    await using predictor = await open();
    const { prepared, inside, middle } = ball([30, 28, 26], 5);
    const clicks = [{ voxel: middle, isForeground: true }];
    expect(await drawn(predictor, prepared, clicks)).toEqual(inside);
    const { size } = await predictor.answer(prepared, { ...prepared, mask: new Uint8Array(30 * 28 * 26), clicks });
    expect(Math.max(...size)).toBeLessThan(14);
  });

  it('looks from farther away at an object larger than the view, and finds its border from near', async () => {
    await using predictor = await open();
    const { prepared, inside, middle } = ball([40, 44, 48], 13);
    const mask = await drawn(predictor, prepared, [{ voxel: middle, isForeground: true }]);
    expect(dice(mask, inside)).toBe(1);
  });

  it('takes away around a click beside the structure, and leaves the rest as it was', async () => {
    await using predictor = await open();
    const { prepared, inside, middle } = ball([40, 44, 48], 13);
    const beside: Triple = [middle[0], middle[1] + 12, middle[2]];
    const clicks = [
      { voxel: middle, isForeground: true },
      { voxel: beside, isForeground: false },
    ];
    const mask = await drawn(predictor, prepared, clicks);
    const at = ([z, y, x]: Triple) => (z * 44 + y) * 48 + x;
    expect(mask[at(beside)]).toBe(0);
    expect(mask[at([middle[0], middle[1] - 10, middle[2]])]).toBe(1);
    expect(dice(mask, inside)).toBeGreaterThan(0.9);
  });

  it('draws on the grid the image came on, finer and turned as that may be', async () => {
    await using predictor = await open();
    const { prepared, middle } = ball([24, 24, 24], 6);
    // Slices from head to foot of 5 mm, pixels of 1.5 mm.
    const geometry: Geometry = {
      size: [16, 60, 56],
      spacingMm: [5, 1.5, 1.5],
      originMm: [-18, 12, 5 + 23 * 4 - 8],
      axes: [
        [0, 0, -1],
        [0, 1, 0],
        [1, 0, 0],
      ],
    };
    const middleMm = worldOf(prepared.geometry, middle);
    const voxel = mapped(indexMap(prepared.geometry, geometry), middle);
    const mask = await drawn(predictor, prepared, [{ voxel, isForeground: true }], geometry);
    const expected = Uint8Array.from(mask, (_, index) => {
      const at: Triple = [Math.floor(index / (60 * 56)), Math.floor(index / 56) % 60, index % 56];
      return Math.hypot(...worldOf(geometry, at).map((mm, axis) => mm - middleMm[axis]!)) < 24 ? 1 : 0;
    });
    expect(dice(mask, expected)).toBeGreaterThan(0.98);
  });

  it('keeps what was drawn finer than its voxels where it agrees', async () => {
    await using predictor = await open();
    const { prepared, middle } = ball([24, 24, 24], 6);
    const geometry = { ...prepared.geometry, size: [96, 96, 96] as Triple, spacingMm: [1, 1, 1] as Triple };
    const voxel = mapped(indexMap(prepared.geometry, geometry), middle);
    const mask = await drawn(predictor, prepared, [{ voxel, isForeground: true }], geometry);
    const nicked = mask.slice();
    const nick = ((Math.round(voxel[0]) + 1) * 96 + Math.round(voxel[1])) * 96 + Math.round(voxel[2]);
    nicked[nick] = 0;
    const clicks = [{ voxel, isForeground: true }];
    const { first, size, mask: answer } = await predictor.answer(prepared, { geometry, mask: nicked, clicks });
    const at = [Math.round(voxel[0]) + 1, Math.round(voxel[1]), Math.round(voxel[2])].map(
      (each, axis) => each - first[axis]!,
    );
    expect(answer[(at[0]! * size[1] + at[1]!) * size[2] + at[2]!]).toBe(0);
  });

  it('marks without clicks what the network marks in every window', async () => {
    await using predictor = await open();
    const { prepared, inside } = ball([30, 28, 26], 9);
    expect((await predictor.withoutClicks(prepared, prepared.geometry)).voxels).toEqual(inside);
  });

  it('stops when asked to', async () => {
    await using predictor = await open();
    const { prepared, middle } = ball([20, 20, 20], 5);
    const mask = new Uint8Array(8000);
    const request = { geometry: prepared.geometry, mask, clicks: [{ voxel: middle, isForeground: true }] };
    await expect(predictor.answer(prepared, request, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
  });

  it('refuses a plan whose network takes no clicks', async () => {
    const opened = ClickPredictor.open({ runtime: nodeRuntime(), model: thresholdNetwork(), plan: toyPlan() });
    await expect(opened).rejects.toMatchObject({ code: 'training.not-interactive' });
  });
});

describe('a view', () => {
  const edge = fc.integer({ min: 1, max: 40 });
  it('lies inside the image where it fits, in its middle where it does not, and holds the voxel', () => {
    fc.assert(
      fc.property(fc.tuple(edge, edge, edge), fc.constantFrom(1, 2, 4), fc.integer(), (imageSize, zoom, seed) => {
        const random = createRandom(seed);
        const voxel = imageSize.map((each) => random.integer(0, each)) as unknown as Triple;
        const { first } = viewAround(voxel, { zoom, patchSize: [8, 8, 8], imageSize });
        for (const axis of [0, 1, 2] as const) {
          const end = first[axis] + 8 * zoom;
          if (imageSize[axis] >= 8 * zoom) {
            expect(first[axis]).toBeGreaterThanOrEqual(0);
            expect(end).toBeLessThanOrEqual(imageSize[axis]);
          } else expect(Math.abs(first[axis] + end - imageSize[axis])).toBeLessThanOrEqual(1);
          expect(voxel[axis]).toBeGreaterThanOrEqual(first[axis]);
          expect(voxel[axis]).toBeLessThan(end);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('seen from afar is the mean of the image, with air around it', () => {
    const voxels = Float32Array.from({ length: 4 * 4 * 4 }, (_, index) => index);
    const out = new Float32Array(8);
    cutImage({ voxels, size: [4, 4, 4], outside: -1 }, { first: [0, 0, 0], size: [2, 2, 2], zoom: 2 }, out);
    expect(out[0]).toBeCloseTo((0 + 1 + 4 + 5 + 16 + 17 + 20 + 21) / 8, 6);
    cutImage({ voxels, size: [4, 4, 4], outside: -1 }, { first: [2, 2, 2], size: [2, 2, 2], zoom: 2 }, out);
    expect([...out.slice(1)]).toEqual(new Array(7).fill(-1));
  });
});
