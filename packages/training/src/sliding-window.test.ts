import type { Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mirror } from './augmentation/spatial.ts';
import { axisOf, type PatchNetwork, type SlidingWindow, slideOver } from './sliding-window.ts';

const triple = (min: number, max: number) =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.integer({ min, max }));
const overlaps = fc.constantFrom(0, 0.25, 0.5, 0.75);

const countOf = ([z, y, x]: Triple) => z * y * x;
function noiseVolume(size: Triple, seed: number): Float32Array {
  const random = createRandom(seed, 'volume');
  return Float32Array.from({ length: countOf(size) }, () => random.normal());
}

/** A network that looks at one voxel at a time: channel 0 is v, channel 1 is 2 - 3 v. */
const local: PatchNetwork = async (patch) => Float32Array.from([...patch, ...patch.map((value) => 2 - 3 * value)]);

async function logitsOf(
  volume: { voxels: Float32Array; size: Triple },
  options: Partial<SlidingWindow> & Pick<SlidingWindow, 'patchSize'>,
): Promise<Float32Array> {
  const plane = volume.size[1] * volume.size[2];
  const all = new Float32Array(2 * countOf(volume.size));
  let next = 0;
  const defaults = { network: local, classes: 2, overlap: 0.5, flips: [false, false, false] as const, outside: -9 };
  await slideOver(volume, { ...defaults, ...options }, ({ first, count, logits }) => {
    expect(first).toBe(next);
    next = first + count;
    for (const channel of [0, 1]) {
      const slices = logits.subarray(channel * count * plane, (channel + 1) * count * plane);
      all.set(slices, channel * countOf(volume.size) + first * plane);
    }
  });
  expect(next).toBe(volume.size[0]);
  return all;
}
const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);

describe('a sliding window', () => {
  it('gives a local network’s answer to the whole volume, whatever the sizes, the overlap and the flips', async () => {
    const flips = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        triple(1, 14),
        triple(1, 8),
        overlaps,
        flips,
        fc.nat(),
        async (size, patchSize, overlap, turns, seed) => {
          const voxels = noiseVolume(size, seed);
          const tiled = await logitsOf({ voxels, size }, { patchSize, overlap, flips: turns });
          expect(largestDifference(tiled, await local(voxels))).toBeLessThan(2e-5);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('weighs the windows at each voxel so that their shares sum to 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 40 }),
        overlaps,
        (size, patch, overlap) => {
          const { starts, shares } = axisOf(size, patch, overlap);
          const sums = new Float64Array(size);
          for (const start of starts) {
            shares.get(start)!.forEach((share, k) => {
              if (start + k >= 0 && start + k < size) sums[start + k]! += share;
            });
          }
          for (const sum of sums) expect(sum).toBeCloseTo(1, 9);
        },
      ),
    );
  });

  it('moves by no more than the overlap allows and ends flush', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 2, max: 40 }),
        overlaps,
        (size, patch, overlap) => {
          const { starts } = axisOf(size, patch, overlap);
          if (size <= patch) {
            expect(starts).toHaveLength(1);
            return;
          }
          expect(starts[0]).toBe(0);
          expect(starts.at(-1)).toBe(size - patch);
          const steps = starts.slice(1).map((start, index) => start - starts[index]!);
          expect(Math.max(...steps)).toBeLessThan(Math.max(1, patch * (1 - overlap)) + 1);
          expect(Math.min(...steps)).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('trusts a window’s middle more than its edge', () => {
    const { shares } = axisOf(24, 16, 0.5);
    const first = shares.get(0)!;
    expect(first[8]! + first[9]!).toBeGreaterThan(first[14]! + first[15]!);
    expect(first[0]).toBe(1);
  });

  it('turns each flipped answer back and takes the mean', async () => {
    // A network that adds the position along x: its mirror image adds the position from the other end.
    const size: Triple = [2, 3, 4];
    const positional: PatchNetwork = async (patch) => {
      const answer = patch.map((value, index) => value + (index % 4));
      return Float32Array.from([...answer, ...answer]);
    };
    const voxels = noiseVolume(size, 3);
    const tiled = await logitsOf(
      { voxels, size },
      { patchSize: size, network: positional, flips: [true, false, true] },
    );
    expect(
      largestDifference(
        tiled.subarray(0, 24),
        voxels.map((value) => value + 1.5),
      ),
    ).toBeLessThan(1e-5);
    const mirrored = voxels.slice();
    mirror(mirrored, size, 2);
    expect(mirrored).not.toEqual(voxels);
  });

  it('shows the network what the plan says lies around a volume that is too small', async () => {
    const seen: number[] = [];
    const spy: PatchNetwork = async (patch) => {
      seen.push(...patch);
      return local(patch);
    };
    await logitsOf({ voxels: new Float32Array(8).fill(1), size: [2, 2, 2] }, { patchSize: [4, 4, 4], network: spy });
    expect(seen.filter((value) => value === 1)).toHaveLength(8);
    expect(seen.filter((value) => value === -9)).toHaveLength(56);
  });

  it('reports progress to the end and stops when asked', async () => {
    const volume = { voxels: noiseVolume([8, 8, 8], 1), size: [8, 8, 8] as Triple };
    const progress: string[] = [];
    await logitsOf(volume, { patchSize: [4, 4, 4], onProgress: (done, total) => progress.push(`${done}/${total}`) });
    expect(progress).toHaveLength(27);
    expect(progress.at(-1)).toBe('27/27');
    const stop = new AbortController();
    const stopped = logitsOf(volume, { patchSize: [4, 4, 4], signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow(/abort/i);
  });
});
