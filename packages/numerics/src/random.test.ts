import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, type RandomKey, resumeRandom } from './random.ts';

const draws = (count: number, ...path: [RandomKey, ...RandomKey[]]): number[] => {
  const random = createRandom(...path);
  return Array.from({ length: count }, () => random.uint32());
};

describe('a random stream', () => {
  it('is the same on every machine', () => {
    expect(draws(4, 7, 'site-2', 'noise')).toMatchInlineSnapshot(`
      [
        3193638723,
        623193264,
        3557133588,
        3552838775,
      ]
    `);
  });

  it('depends on every key, on its type and on where one key ends', () => {
    const streams = [draws(3, 1, 'a'), draws(3, 1, 'b'), draws(3, '1', 'a'), draws(3, 1, 'a', ''), draws(3, 1)];
    expect(new Set(streams.map(String)).size).toBe(streams.length);
  });

  it('forks by name without moving', () => {
    const random = createRandom(3);
    const fork = random.fork('child', 1);
    expect(fork.uint32()).toBe(draws(1, 3, 'child', 1)[0]);
    expect(random.uint32()).toBe(draws(1, 3)[0]);
  });

  it('goes on from a stored state', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(50), (seed, skipped) => {
        const random = createRandom(seed);
        for (let index = 0; index < skipped; index++) random.uint32();
        const resumed = resumeRandom(JSON.parse(JSON.stringify(random.state())));
        expect(resumed.uint32()).toBe(random.uint32());
        expect(resumed.fork('x').uint32()).toBe(random.fork('x').uint32());
      }),
    );
  });

  it('has the moments of its distributions', () => {
    const random = createRandom('moments');
    const count = 100_000;
    const normals = Array.from({ length: count }, () => random.normal());
    const mean = normals.reduce((sum, value) => sum + value, 0) / count;
    const variance = normals.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
    const counts = new Array<number>(7).fill(0);
    for (let index = 0; index < count; index++) counts[random.integer(0, 7)]! += 1;
    for (const seen of counts) expect(Math.abs(seen - count / 7)).toBeLessThan(5 * Math.sqrt(count / 7));
  });

  it('shuffles without losing an item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (items) => {
        const shuffled = createRandom(5).shuffle(items);
        expect([...shuffled].sort()).toEqual([...items].sort());
      }),
    );
  });
});
