import { axisAligned, type Image, type Triple, voxelOf, worldOf } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ballCase, smallPlan } from './case.fixture.ts';
import type { Case } from './case.ts';
import { outsideValue, type PreparedCase, prepareImage, preprocess } from './preprocess.ts';

/** The case stored with swapped and reversed axes: the same patient, other bytes. */
function reoriented({ id, image, label }: Case): Case {
  const { size, spacingMm, axes } = image.geometry;
  const [depth, height, width] = size;
  const geometry = {
    size: [width, depth, height] as const,
    spacingMm: [spacingMm[2], spacingMm[0], spacingMm[1]] as const,
    originMm: worldOf(image.geometry, [depth - 1, 0, 0]),
    axes: [axes[2], axes[0].map((component) => 0 - component) as unknown as Triple, axes[1]] as const,
  };
  const moved = <Voxels extends Int16Array | Uint8Array>(voxels: Voxels): Voxels => {
    const to = voxels.slice() as Voxels;
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          to[(x * depth + (depth - 1 - z)) * height + y] = voxels[(z * height + y) * width + x]!;
        }
      }
    }
    return to;
  };
  return {
    id,
    image: { geometry, voxels: moved(image.voxels as Int16Array) },
    label: { geometry, voxels: moved(label.voxels) },
  };
}

const meanWhere = ({ image, label }: PreparedCase, value: number): number => {
  const inside = image.filter((_, index) => label[index] === value);
  return inside.reduce((sum, each) => sum + each, 0) / inside.length;
};

describe('a prepared case', () => {
  const prepared = preprocess(ballCase(), smallPlan);

  it('has the plan’s spacing and covers the body', () => {
    expect(prepared.geometry.spacingMm).toEqual([4, 4, 4]);
    // Body: 18 x 26 x 34 voxels of 3 x 2 x 2 mm.
    expect(prepared.geometry.size).toEqual([14, 13, 17]);
    expect(prepared.original).toEqual(ballCase().image.geometry);
  });

  it('is clipped and normalised', () => {
    expect(meanWhere(prepared, 1)).toBeCloseTo((150 - 100) / 50, 0);
    expect(Math.max(...prepared.image)).toBeLessThanOrEqual((300 - 100) / 50);
    expect(Math.min(...prepared.image)).toBeGreaterThanOrEqual((-200 - 100) / 50);
    expect(outsideValue(smallPlan)).toBe(-6);
  });

  it('keeps the volume of each class', () => {
    const { label } = ballCase();
    const finer = preprocess(ballCase(), { ...smallPlan, spacingMm: [2.5, 2.5, 2.5] });
    for (const value of [1, 2]) {
      const beforeMm3 = label.voxels.filter((each) => each === value).length * 12;
      const afterMm3 = finer.label.filter((each) => each === value).length * 2.5 ** 3;
      expect(Math.abs(afterMm3 / beforeMm3 - 1)).toBeLessThan(0.15);
    }
  });

  it('is the same whatever the order of the axes in memory', () => {
    const other = preprocess(reoriented(ballCase()), smallPlan);
    expect(other.geometry.size).toEqual(prepared.geometry.size);
    for (const world of [0, 1, 2] as const) {
      expect(other.geometry.originMm[world]).toBeCloseTo(prepared.geometry.originMm[world], 6);
    }
    expect(other.label).toEqual(prepared.label);
    expect(Math.max(...other.image.map((value, index) => Math.abs(value - prepared.image[index]!)))).toBeLessThan(1e-5);
  });

  it('lists foreground voxels of each class that occurs, at most 10 000, in order', () => {
    const fine = preprocess(ballCase({ size: [60, 70, 80], spacingMm: [0.8, 0.8, 0.8] }), {
      ...smallPlan,
      spacingMm: [0.8, 0.8, 0.8],
    });
    expect(fine.foreground.map(({ value }) => value)).toEqual([1, 2]);
    for (const { value, indices } of fine.foreground) {
      const count = fine.label.filter((each) => each === value).length;
      expect(indices.length).toBe(Math.min(count, 10_000));
      expect([...indices].every((index) => fine.label[index] === value)).toBe(true);
      expect([...indices].every((index, at) => at === 0 || index > indices[at - 1]!)).toBe(true);
    }
  });

  it('is the same bytes each time', () => {
    expect(preprocess(ballCase(), smallPlan)).toEqual(prepared);
  });
});

describe('coarser voxels', () => {
  it('average the finer ones below them: a linear ramp stays where it was', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 12, max: 30 }), fc.integer({ min: 12, max: 30 }), fc.integer({ min: 12, max: 30 })),
        fc.tuple(fc.double({ min: 2, max: 6, noNaN: true }), fc.double({ min: 2, max: 6, noNaN: true })),
        (size, [z, yx]) => {
          const geometry = axisAligned({ size, spacingMm: [1.5, 1, 1], originMm: [7, -3, 11] });
          const voxels = new Float32Array(size[0] * size[1] * size[2]);
          for (let index = 0; index < voxels.length; index++) {
            const at: Triple = [
              Math.floor(index / (size[1] * size[2])),
              Math.floor(index / size[2]) % size[1],
              index % size[2],
            ];
            voxels[index] = rampAt(worldOf(geometry, at));
          }
          const image: Image = { geometry, voxels };
          const plan = {
            ...smallPlan,
            spacingMm: [z, yx, yx] as [number, number, number],
            normalisation: { clipHu: [-1e6, 1e6] as [number, number], mean: 0, std: 1 },
          };
          const { geometry: coarse, image: values } = prepareImage(image, plan);
          for (let index = 0; index < values.length; index++) {
            const [, height, width] = coarse.size;
            const world = worldOf(coarse, [
              Math.floor(index / (height * width)),
              Math.floor(index / width) % height,
              index % width,
            ]);
            const inside = voxelOf(geometry, world).every((position, axis) => {
              const margin = coarse.spacingMm[axis]! / geometry.spacingMm[axis]! + 1;
              return position > margin && position < size[axis]! - 1 - margin;
            });
            if (inside) expect(values[index]).toBeCloseTo(rampAt(world), 2);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('have less noise', () => {
    const { image } = ballCase({ size: [40, 40, 40], spacingMm: [1, 1, 1] });
    const flat = { ...image, voxels: image.voxels.map((_, index) => ((index * 7919) % 101) - 50) };
    const { image: values } = prepareImage(flat, {
      ...smallPlan,
      normalisation: { clipHu: [-1000, 1000], mean: 0, std: 1 },
    });
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(deviation).toBeLessThan(29 / 4);
  });
});

function rampAt([x, y, z]: Triple): number {
  return 2 * x - 3 * y + 5 * z;
}
