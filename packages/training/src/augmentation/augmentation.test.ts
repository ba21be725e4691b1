import { axisAligned, type Triple } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AugmentationSpec, noAugmentation, standardAugmentation } from './augmentation-spec.ts';
import { addNoise, augmentIntensity, blur, changeContrast, changeGamma, lowerResolution, scale } from './intensity.ts';
import { type Cut, cutPatch, drawSpatialTransform, mirror, noTransform, type Patch } from './spatial.ts';

const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2, max: 9 }));
const seeds = fc.integer({ min: 0, max: 1e6 });

function noiseImage(size: Triple, seed: number): Float32Array {
  const random = createRandom(seed, 'image');
  return Float32Array.from({ length: size[0] * size[1] * size[2] }, () => random.normal());
}
function sourceOf(size: Triple, seed: number): Cut['source'] {
  const image = noiseImage(size, seed);
  return {
    geometry: axisAligned({ size, spacingMm: [3, 1, 1] }),
    image,
    label: Uint8Array.from(image, (value) => (value > 1 ? 5 : value > 0 ? 2 : 0)),
  };
}
function emptyPatch(size: Triple): Patch {
  const count = size[0] * size[1] * size[2];
  return { size, image: new Float32Array(count), label: new Float32Array(count) };
}
const momentsOf = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
};
const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);

const everything: AugmentationSpec = {
  flips: [true, true, true],
  rotation: { probability: 1, degreesMax: [30, 30, 30] },
  scaling: { probability: 1, factor: [0.7, 1.4] },
  noise: { probability: 1, std: [0, 0.1] },
  blur: { probability: 1, sigmaVoxels: [0.5, 1] },
  brightness: { probability: 1, factor: [0.75, 1.25] },
  contrast: { probability: 1, factor: [0.75, 1.25] },
  lowResolution: { probability: 1, zoom: [0.5, 1] },
  gamma: { probability: 1, invertedProbability: 1, exponent: [0.7, 1.5] },
};

describe('mirroring', () => {
  it('twice along an axis changes nothing, once reverses it', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(0, 1, 2), seeds, (size, axis, seed) => {
        const before = noiseImage(size, seed);
        const after = before.slice();
        mirror(after, size, axis);
        const [, height, width] = size;
        for (let index = 0; index < before.length; index++) {
          const at = [Math.floor(index / (height * width)), Math.floor(index / width) % height, index % width];
          at[axis] = size[axis]! - 1 - at[axis]!;
          expect(after[(at[0]! * height + at[1]!) * width + at[2]!]).toBe(before[index]);
        }
        mirror(after, size, axis);
        expect(after).toEqual(before);
      }),
    );
  });
});

describe('cutting a patch', () => {
  it('with the identity matrix interpolates exactly what is copied without one', () => {
    const identity = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ] as const;
    fc.assert(
      fc.property(sizes, sizes, seeds, fc.tuple(fc.nat(8), fc.nat(8), fc.nat(8)), (size, patchSize, seed, centre) => {
        const source = sourceOf(size, seed);
        const copied = emptyPatch(patchSize);
        const interpolated = emptyPatch(patchSize);
        cutPatch({ source, centre, transform: noTransform, outside: -4 }, copied);
        cutPatch({ source, centre, transform: { ...noTransform, matrix: identity }, outside: -4 }, interpolated);
        expect(interpolated.image).toEqual(copied.image);
        expect(interpolated.label).toEqual(copied.label);
      }),
    );
  });

  it('never makes a class or an intensity that was not there', () => {
    fc.assert(
      fc.property(sizes, seeds, (size, seed) => {
        const source = sourceOf(size, seed);
        const patch = emptyPatch([6, 7, 8]);
        const transform = drawSpatialTransform(everything, [3, 1, 1], createRandom(seed));
        cutPatch({ source, centre: [1, 1, 1], transform, outside: 0 }, patch);
        expect([...new Set(patch.label)].every((value) => [0, 2, 5].includes(value))).toBe(true);
        expect(Math.max(...patch.image)).toBeLessThanOrEqual(Math.max(0, ...source.image) + 1e-6);
        expect(Math.min(...patch.image)).toBeGreaterThanOrEqual(Math.min(0, ...source.image) - 1e-6);
      }),
    );
  });

  it('turns in millimetres: a ball stays a ball where slices are thick', () => {
    const size: Triple = [15, 45, 45];
    const geometry = axisAligned({ size, spacingMm: [3, 1, 1] });
    const voxels = size[0] * size[1] * size[2];
    const label = Uint8Array.from({ length: voxels }, (_, index) => {
      const [z, y, x] = [Math.floor(index / 2025) - 7, (Math.floor(index / 45) % 45) - 22, (index % 45) - 22];
      return Math.hypot(3 * z, y, x) < 15 ? 1 : 0;
    });
    const source = { geometry, image: Float32Array.from(label), label };
    for (let seed = 0; seed < 10; seed++) {
      const transform = drawSpatialTransform(
        { ...everything, scaling: { probability: 0, factor: [1, 1] } },
        [3, 1, 1],
        createRandom(seed),
      );
      const patch = emptyPatch(size);
      cutPatch({ source, centre: [7, 22, 22], transform, outside: 0 }, patch);
      let agree = 0;
      for (let index = 0; index < voxels; index++) if (patch.label[index] === label[index]) agree += 1;
      expect(agree / voxels).toBeGreaterThan(0.97);
    }
  });

  it('shows the patient larger by the scaling factor', () => {
    const size: Triple = [31, 31, 31];
    const label = Uint8Array.from({ length: 31 ** 3 }, (_, index) => {
      const at = [Math.floor(index / 961) - 15, (Math.floor(index / 31) % 31) - 15, (index % 31) - 15] as const;
      return Math.hypot(...at) < 8 ? 1 : 0;
    });
    const source = { geometry: axisAligned({ size, spacingMm: [1, 1, 1] }), image: Float32Array.from(label), label };
    const scaling = { ...noAugmentation, scaling: { probability: 1, factor: [1.3, 1.3] as [number, number] } };
    const patch = emptyPatch(size);
    const transform = drawSpatialTransform(scaling, [1, 1, 1], createRandom(1));
    cutPatch({ source, centre: [15, 15, 15], transform, outside: 0 }, patch);
    const ratio = patch.label.reduce((sum, value) => sum + value, 0) / label.reduce((sum, value) => sum + value, 0);
    expect(ratio).toBeCloseTo(1.3 ** 3, 0);
  });
});

describe('intensities', () => {
  const size: Triple = [8, 9, 10];

  it('are changed by the seed alone, and not at all if every probability is 0', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const before = noiseImage(size, 1);
        const [once, again, other, untouched] = [0, 1, 2, 3].map(() => before.slice()) as [
          Float32Array,
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        augmentIntensity({ image: once, size }, everything, createRandom(seed));
        augmentIntensity({ image: again, size }, everything, createRandom(seed));
        augmentIntensity({ image: other, size }, everything, createRandom(seed, 'other'));
        augmentIntensity({ image: untouched, size }, noAugmentation, createRandom(seed));
        expect(again).toEqual(once);
        expect(other).not.toEqual(once);
        expect(untouched).toEqual(before);
        expect(once.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it.each<[string, (image: Float32Array) => void]>([
    ['noise of no size', (image) => addNoise(image, 0, createRandom(1))],
    ['brightness 1', (image) => scale(image, 1)],
    ['contrast 1', (image) => changeContrast(image, 1)],
    ['gamma 1', (image) => changeGamma(image, 1)],
    ['a very narrow blur', (image) => blur(image, size, 0.05)],
    ['full resolution', (image) => lowerResolution(image, size, 1)],
  ])('stay as they are with %s', (_, change) => {
    const before = noiseImage(size, 4);
    const after = before.slice();
    change(after);
    expect(largestDifference(after, before)).toBeLessThan(1e-6);
  });

  it('stay as they are in a flat patch, but for noise and brightness', () => {
    for (const change of [
      (image: Float32Array) => changeContrast(image, 1.2),
      (image: Float32Array) => changeGamma(image, 0.8),
      (image: Float32Array) => blur(image, size, 1),
      (image: Float32Array) => lowerResolution(image, size, 0.5),
    ]) {
      const flat = new Float32Array(720).fill(1.5);
      change(flat);
      expect(largestDifference(flat, new Float32Array(720).fill(1.5))).toBeLessThan(1e-6);
    }
  });

  it('keep mean and deviation under gamma', () => {
    const image = noiseImage(size, 3);
    const before = momentsOf(image);
    changeGamma(image, 1.4);
    expect(momentsOf(image).mean).toBeCloseTo(before.mean, 5);
    expect(momentsOf(image).std).toBeCloseTo(before.std, 5);
  });

  it('keep their range and mean order under contrast', () => {
    const image = noiseImage(size, 3);
    const [low, high] = [Math.min(...image), Math.max(...image)];
    const before = momentsOf(image);
    changeContrast(image, 1.25);
    expect(Math.min(...image)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...image)).toBeLessThanOrEqual(high);
    expect(momentsOf(image).std / before.std).toBeGreaterThan(1.15);
  });

  it('get noise of the asked standard deviation', () => {
    const image = new Float32Array(50_000);
    addNoise(image, 0.1, createRandom(8));
    expect(momentsOf(image).std).toBeCloseTo(0.1, 2);
  });

  it('are blurred as by the separable Gaussian: an impulse becomes the kernel, the sum stays', () => {
    const impulse = new Float32Array(15 ** 3);
    impulse[(7 * 15 + 7) * 15 + 7] = 1;
    blur(impulse, [15, 15, 15], 1);
    expect(impulse.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const at = (z: number, y: number, x: number) => impulse[((7 + z) * 15 + 7 + y) * 15 + 7 + x]!;
    expect(at(1, 0, 0) / at(0, 0, 0)).toBeCloseTo(Math.exp(-0.5), 5);
    expect(at(0, 2, 0) / at(0, 0, 0)).toBeCloseTo(Math.exp(-2), 5);
    expect(at(1, 1, 1) / at(0, 0, 0)).toBeCloseTo(Math.exp(-1.5), 5);
  });

  it('vary less from voxel to voxel at a lower resolution', () => {
    const image = noiseImage([16, 16, 16], 2);
    const roughness = (values: Float32Array) =>
      momentsOf(values.map((value, index) => value - (values[index + 1] ?? value))).std;
    const before = roughness(image);
    lowerResolution(image, [16, 16, 16], 0.5);
    expect(roughness(image)).toBeLessThan(0.6 * before);
  });
});

describe('nnU-Net’s settings', () => {
  it('turn and scale a fifth of the patches each and mirror half of them along each axis', () => {
    let moved = 0;
    const flips = [0, 0, 0];
    for (let seed = 0; seed < 2000; seed++) {
      const transform = drawSpatialTransform(standardAugmentation, [1, 1, 1], createRandom(seed));
      if (transform.matrix !== undefined) moved += 1;
      transform.flips.forEach((flip, axis) => {
        flips[axis]! += Number(flip);
      });
    }
    expect(Math.abs(moved / 2000 - 0.36)).toBeLessThan(0.04);
    for (const count of flips) expect(Math.abs(count / 2000 - 0.5)).toBeLessThan(0.05);
  });
});
