import { describe, expect, it } from 'vitest';
import { type ByteSource, NoiseSource } from './noise-source.ts';
import { createRandom } from './random.ts';

function seeded(seed: number): ByteSource {
  const random = createRandom(seed, 'noise');
  return (into) => {
    for (let index = 0; index < into.length; index++) into[index] = random.uint32();
  };
}

const moment = (values: Float64Array, power: number) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

describe('noise', () => {
  it('is Gaussian with the deviation that was asked for, whatever that is', () => {
    for (const deviation of [1e-6, 0.37, 1, 900]) {
      const noise = new Float64Array(400_001);
      new NoiseSource(seeded(1)).addGaussian(noise, deviation);
      for (let index = 0; index < noise.length; index++) noise[index]! /= deviation;
      expect(moment(noise, 1)).toBeCloseTo(0, 2);
      expect(moment(noise, 2)).toBeCloseTo(1, 1.9);
      expect(moment(noise, 3)).toBeCloseTo(0, 1);
      expect(moment(noise, 4)).toBeCloseTo(3, 1);
      expect(noise.filter((value) => Math.abs(value) > 1.959964).length / noise.length).toBeCloseTo(0.05, 2.3);
      const neighbours = noise.map((value, index) => value * (noise[index + 1] ?? 0));
      expect(moment(neighbours, 1)).toBeCloseTo(0, 2);
    }
  });

  it('is added to what is there, and the sum lies on a grid that does not depend on it', () => {
    for (const value of [0, 1 / 3, -5.123456789]) {
      const sums = new Float64Array(10_000).fill(value);
      new NoiseSource(seeded(2)).addGaussian(sums, 0.5);
      expect(moment(sums, 1)).toBeCloseTo(value, 1.5);
      expect(sums.every((sum) => Number.isInteger(sum * 2 ** 17))).toBe(true);
      expect(sums.some((sum) => !Number.isInteger(sum * 2 ** 16))).toBe(true);
    }
  });

  it('is the same for the same bytes, and other for others', () => {
    const draw = (seed: number) => {
      const source = new NoiseSource(seeded(seed));
      const values = new Float64Array(9);
      source.addGaussian(values, 1);
      return [...values, source.seed(), source.chance(0.5)];
    };
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });

  it('of deviation 0 changes nothing, not even by rounding', () => {
    const values = Float64Array.of(1 / 3);
    new NoiseSource(() => expect.unreachable()).addGaussian(values, 0);
    expect(values[0]).toBe(1 / 3);
  });

  it('flips a coin with the probability that was asked for', () => {
    const source = new NoiseSource(seeded(5));
    const heads = Array.from({ length: 100_000 }, () => source.chance(0.3)).filter(Boolean).length;
    expect(heads / 100_000).toBeCloseTo(0.3, 2);
    expect([source.chance(0), source.chance(1)]).toEqual([false, true]);
    const seeds = new Set(Array.from({ length: 1000 }, () => source.seed()));
    expect(seeds.size).toBe(1000);
    expect([...seeds].every((seed) => Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 47)).toBe(true);
  });
});
