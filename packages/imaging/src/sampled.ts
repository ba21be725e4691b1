/** fast-check's choices for grids, volumes and masks; for tests only. */
import fc from 'fast-check';
import { axisAligned, geometryOfSteps, voxelCount } from './geometry.ts';
import type { Geometry, Triple, Volume } from './volume.ts';

const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true, noDefaultInfinity: true });

export function triples(min: number, max: number): fc.Arbitrary<Triple> {
  return fc.tuple(finite(min, max), finite(min, max), finite(min, max));
}

function sizes(max: number): fc.Arbitrary<Triple> {
  const side = fc.integer({ min: 1, max });
  return fc.tuple(side, side, side);
}

/** Any rotation or mirror image of one, from a quaternion; spacings 0.2 to 6 mm. */
export function geometries(sizeMax: number): fc.Arbitrary<Geometry> {
  return fc
    .record({
      size: sizes(sizeMax),
      spacingMm: triples(0.2, 6),
      originMm: triples(-900, 900),
      quaternion: fc.tuple(finite(-1, 1), finite(-1, 1), finite(-1, 1), finite(0.1, 1)),
      mirrored: fc.boolean(),
    })
    .map(({ size, spacingMm, originMm, quaternion, mirrored }) => {
      const columns = rotation(quaternion);
      const step = (axis: 0 | 1 | 2, sign: number): Triple => {
        const [x, y, z] = columns[axis];
        const factor = spacingMm[axis] * sign;
        return [x * factor, y * factor, z * factor];
      };
      return geometryOfSteps(size, originMm, [step(0, mirrored ? -1 : 1), step(1, 1), step(2, 1)]);
    });
}

export function volumes(sizeMax: number): fc.Arbitrary<Volume> {
  return fc
    .record({ geometry: geometries(sizeMax), seed: fc.nat(), type: fc.constantFrom('float32', 'int16', 'uint8') })
    .map(({ geometry, seed, type }) => {
      const value = scrambled(seed);
      const count = voxelCount(geometry);
      if (type === 'float32') return { geometry, voxels: Float32Array.from({ length: count }, () => value() * 3000) };
      if (type === 'int16')
        return { geometry, voxels: Int16Array.from({ length: count }, () => value() * 65536 - 32768) };
      return { geometry, voxels: Uint8Array.from({ length: count }, () => value() * 256) };
    });
}

/** A mask on a grid of unequal spacings; small, so that an obvious but slow oracle can follow. */
export function masks(sizeMax: number): fc.Arbitrary<{ geometry: Geometry; mask: Uint8Array; other: Uint8Array }> {
  return fc
    .record({ size: sizes(sizeMax), spacingMm: triples(0.3, 5), seed: fc.nat(), density: finite(0, 1) })
    .map(({ size, spacingMm, seed, density }) => {
      const geometry = axisAligned({ size, spacingMm });
      const value = scrambled(seed);
      const draw = () => Uint8Array.from({ length: voxelCount(geometry) }, () => (value() < density ? 1 : 0));
      return { geometry, mask: draw(), other: draw() };
    });
}

function rotation([b, c, d, a]: readonly [number, number, number, number]): readonly [Triple, Triple, Triple] {
  const n = 2 / (a * a + b * b + c * c + d * d);
  return [
    [1 - n * (c * c + d * d), n * (b * c + a * d), n * (b * d - a * c)],
    [n * (b * c - a * d), 1 - n * (b * b + d * d), n * (c * d + a * b)],
    [n * (b * d + a * c), n * (c * d - a * b), 1 - n * (b * b + c * c)],
  ];
}

/** Numbers in [0, 1) that look random (mulberry32). */
function scrambled(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
