import {
  axisAligned,
  croppedGeometry,
  type Geometry,
  resampleImage,
  respaced,
  type Triple,
  worldOf,
} from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClassUpsampler } from './upsampling.ts';

const channels = 3;
const values = [0, 1, 4];

/** Smooth random logits `[c, z, y, x]` on a grid. */
function logitsOn(geometry: Geometry, seed: number): Float32Array {
  const [depth, height, width] = geometry.size;
  const random = createRandom(seed, 'logits');
  const waves = Array.from({ length: channels }, () => [
    random.normal(),
    random.normal(),
    random.normal(),
    random.normal(),
  ]);
  const logits = new Float32Array(channels * depth * height * width);
  for (let index = 0; index < logits.length; index++) {
    const [c, z, y, x] = [
      Math.floor(index / (depth * height * width)),
      Math.floor(index / (height * width)) % depth,
      Math.floor(index / width) % height,
      index % width,
    ];
    const world = worldOf(geometry, [z!, y!, x!]);
    const [a, b, d, e] = waves[c!]!;
    logits[index] = Math.sin(a! * world[0] * 0.2 + b! * world[1] * 0.2 + d! * world[2] * 0.2 + e!);
  }
  return logits;
}

/** The same by whole volumes: each channel resampled, then the largest. */
function expectedOn(original: Geometry, coarse: Geometry, logits: Float32Array): Uint8Array {
  const count = logits.length / channels;
  const fine = values.map((_, channel) => {
    const voxels = logits.slice(channel * count, (channel + 1) * count);
    return resampleImage({ geometry: coarse, voxels }, original).voxels;
  });
  return Uint8Array.from(fine[0]!, (_, index) => {
    const at = fine.map((channel) => channel[index]!);
    return values[at.indexOf(Math.max(...at))]!;
  });
}

function upsampled(original: Geometry, coarse: Geometry, logits: Float32Array, cuts: readonly number[]): Uint8Array {
  const upsampler = new ClassUpsampler(coarse, original, values);
  const [depth, height, width] = coarse.size;
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % depth), depth])].sort((a, b) => a - b);
  for (let part = 0; part + 1 < bounds.length; part++) {
    const first = bounds[part]!;
    const count = bounds[part + 1]! - first;
    const slices = new Float32Array(channels * count * height * width);
    for (let channel = 0; channel < channels; channel++) {
      const from = (channel * depth + first) * height * width;
      slices.set(logits.subarray(from, from + count * height * width), channel * count * height * width);
    }
    upsampler.add({ first, count, logits: slices });
  }
  return upsampler.finish().voxels;
}

const sizes = fc.tuple(
  fc.integer({ min: 2, max: 14 }),
  fc.integer({ min: 2, max: 14 }),
  fc.integer({ min: 2, max: 14 }),
);
const spacings = fc.tuple(
  fc.double({ min: 0.6, max: 5, noNaN: true }),
  fc.double({ min: 0.6, max: 3, noNaN: true }),
  fc.double({ min: 0.6, max: 3, noNaN: true }),
);

describe('bringing logits back to the image’s grid', () => {
  it('is linear interpolation per class and the largest class, however the planes come', () => {
    fc.assert(
      fc.property(sizes, spacings, fc.array(fc.nat(20), { maxLength: 4 }), fc.nat(), (size, spacingMm, cuts, seed) => {
        const original = axisAligned({ size, spacingMm, originMm: [5, -7, 9] });
        const coarse = respaced(original, [3, 2.5, 2.5]);
        const logits = logitsOn(coarse, seed);
        const expected = expectedOn(original, coarse, logits);
        const actual = upsampled(original, coarse, logits, cuts);
        // Rounding decides where two classes are equal to the last bit.
        const differing = actual.filter((value, index) => value !== expected[index]).length;
        expect(differing).toBeLessThanOrEqual(Math.ceil(expected.length / 500));
      }),
      { numRuns: 60 },
    );
  });

  it('is background outside the box that was predicted', () => {
    const original = axisAligned({ size: [10, 10, 10], spacingMm: [2, 2, 2] });
    const box = croppedGeometry(original, [3, 2, 4], [4, 5, 3]);
    const logits = new Float32Array(channels * 60).fill(0);
    logits.fill(1, 120, 180);
    const voxels = upsampled(original, box, logits, [2]);
    voxels.forEach((value, index) => {
      const at: Triple = [Math.floor(index / 100), Math.floor(index / 10) % 10, index % 10];
      const inside = at[0] >= 3 && at[0] < 7 && at[1] >= 2 && at[1] < 7 && at[2] >= 4 && at[2] < 7;
      expect(value).toBe(inside ? 4 : 0);
    });
  });
});
