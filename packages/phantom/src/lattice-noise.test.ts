import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNoiseField } from './lattice-noise.ts';

describe('lattice noise', () => {
  it('has about zero mean and unit variance', () => {
    const noise = createNoiseField(createRandom(1, 'moments'), 10);
    const random = createRandom(2, 'points');
    let sum = 0;
    let squares = 0;
    const count = 40_000;
    for (let index = 0; index < count; index++) {
      const value = noise(random.between(-300, 300), random.between(-300, 300), random.between(-150, 150));
      sum += value;
      squares += value * value;
    }
    expect(Math.abs(sum / count)).toBeLessThan(0.08);
    expect(squares / count).toBeGreaterThan(0.85);
    expect(squares / count).toBeLessThan(1.15);
  });

  it('is the same for the same stream and changes little over a hundredth of its scale', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 2, max: 60, noNaN: true }),
        fc.array(fc.double({ min: -400, max: 400, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (seed, scaleMm, point) => {
          const [x, y, z] = point as [number, number, number];
          const first = createNoiseField(createRandom(seed, 'field'), scaleMm);
          const second = createNoiseField(createRandom(seed, 'field'), scaleMm);
          expect(second(x, y, z)).toBe(first(x, y, z));
          expect(Math.abs(first(x + scaleMm / 100, y, z) - first(x, y, z))).toBeLessThan(0.15);
        },
      ),
    );
  });

  it('differs between streams', () => {
    const one = createNoiseField(createRandom(1, 'a'), 10);
    const other = createNoiseField(createRandom(1, 'b'), 10);
    const differing = Array.from({ length: 50 }, (_, index) => one(index * 7, 3, 5) !== other(index * 7, 3, 5));
    expect(differing.filter(Boolean).length).toBeGreaterThan(45);
  });
});
