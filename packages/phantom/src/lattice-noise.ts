/**
 * Band-limited noise from an integer lattice: the same bytes on every machine.
 *
 * Value noise (Perlin's "An Image Synthesizer", SIGGRAPH 1985, with values in place of gradients): whole-number lattice
 * points carry hashed values, cubic fades interpolate between them. Only +, -, * and table look-ups touch a voxel, so
 * no transcendental function of the platform can move a boundary.
 */
import type { Random } from '@consilium/numerics';

/** About zero mean and unit variance; correlation length about `scaleMm`. Coordinates in mm. */
export type NoiseField = (xMm: number, yMm: number, zMm: number) => number;

const sizeBits = 6;
const depthBits = 5;
const mask = (1 << sizeBits) - 1;
const depthMask = (1 << depthBits) - 1;
/** SD of fade-interpolated uniform(-1, 1) values, averaged over the cell: sqrt(1/3 * (26/35)^3). */
const latticeSd = Math.sqrt((1 / 3) * (26 / 35) ** 3);

let lattice: Float32Array | undefined;

/** 2^17 values, periodic in all axes; fields differ in where they read it. */
function latticeValues(): Float32Array {
  if (lattice) return lattice;
  const values = new Float32Array(1 << (2 * sizeBits + depthBits));
  for (let index = 0; index < values.length; index++) {
    values[index] = (hashed(index, 0x51ed270b) / 2147483648 - 1) / latticeSd;
  }
  lattice = values;
  return values;
}

/** MurmurHash3's finaliser over a counter and a key: uniform in 0 .. 2^32 - 1. */
export function hashed(counter: number, key: number): number {
  let h = Math.imul(counter ^ key, 0x9e3779b1) ^ key;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function createNoiseField(random: Random, scaleMm: number): NoiseField {
  const values = latticeValues();
  const perMm = 1 / scaleMm;
  const turn = turnOf(random);
  const [offsetX, offsetY, offsetZ] = [random, random, random].map(
    (source) => source.integer(0, 65536) / 256 + 1024,
  ) as [number, number, number];
  return (xMm, yMm, zMm) => {
    const x = (turn[0] * xMm + turn[1] * yMm + turn[2] * zMm) * perMm + offsetX;
    const y = (turn[3] * xMm + turn[4] * yMm + turn[5] * zMm) * perMm + offsetY;
    const z = (turn[6] * xMm + turn[7] * yMm + turn[8] * zMm) * perMm + offsetZ;
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    const z0 = Math.floor(z);
    const fx = x - x0;
    const fy = y - y0;
    const fz = z - z0;
    const u = fx * fx * (3 - 2 * fx);
    const v = fy * fy * (3 - 2 * fy);
    const w = fz * fz * (3 - 2 * fz);
    const left = x0 & mask;
    const right = (x0 + 1) & mask;
    const front = (y0 & mask) << sizeBits;
    const back = ((y0 + 1) & mask) << sizeBits;
    const low = (z0 & depthMask) << (2 * sizeBits);
    const high = ((z0 + 1) & depthMask) << (2 * sizeBits);
    const lowFront = mix(values[low + front + left] as number, values[low + front + right] as number, u);
    const lowBack = mix(values[low + back + left] as number, values[low + back + right] as number, u);
    const highFront = mix(values[high + front + left] as number, values[high + front + right] as number, u);
    const highBack = mix(values[high + back + left] as number, values[high + back + right] as number, u);
    return mix(mix(lowFront, lowBack, v), mix(highFront, highBack, v), w);
  };
}

type Turn = readonly [number, number, number, number, number, number, number, number, number];

/** A rotation from a whole-number quaternion, so that the lattice's axes are not the image's. */
function turnOf(random: Random): Turn {
  const part = (): number => random.integer(1, 32) * (random.chance(0.5) ? 1 : -1);
  const [a, b, c, d] = [part(), part(), part(), part()];
  const n = a * a + b * b + c * c + d * d;
  return [
    (a * a + b * b - c * c - d * d) / n,
    (2 * (b * c - a * d)) / n,
    (2 * (b * d + a * c)) / n,
    (2 * (b * c + a * d)) / n,
    (a * a - b * b + c * c - d * d) / n,
    (2 * (c * d - a * b)) / n,
    (2 * (b * d - a * c)) / n,
    (2 * (c * d + a * b)) / n,
    (a * a - b * b - c * c + d * d) / n,
  ];
}

function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
