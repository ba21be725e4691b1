import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeightedSum } from './weighted-sum.ts';
import { forEachStretch, type WeightsReader, type WeightsShape } from './weights.ts';

/** A model whose elements follow from their place. Counts how often it was told to forget. */
class Formula implements WeightsReader {
  forgotten = 0;
  readonly shape: WeightsShape;
  readonly #value: (name: string, index: number) => number;

  constructor(sizes: Readonly<Record<string, number>>, value: (name: string, index: number) => number) {
    this.shape = new Map(Object.entries(sizes).map(([name, size]) => [name, { dtype: 'float64', shape: [size] }]));
    this.#value = value;
  }
  async read(name: string, begin: number, end: number) {
    const values = new Float64Array(end - begin);
    for (let index = 0; index < values.length; index++) values[index] = this.#value(name, begin + index);
    return values;
  }
  forget() {
    this.forgotten += 1;
  }
}

const sizes = { small: 5, none: 0, large: 2 ** 21 + 3, last: 7 };
const models = [1, 2, 3].map((factor) => new Formula(sizes, (name, index) => factor * index + name.length));
const base = new Formula(sizes, (_, index) => index);
const terms = models.map((weights, index) => ({ weights, factor: index - 0.5 }));
/** The same, worked out by hand: factors -0.5, 0.5, 1.5 of i + n, 2i + n, 3i + n. */
const expected = (name: string, index: number): number => 5 * index + 1.5 * name.length;

describe('a weighted sum', () => {
  it('is the sum at every element, read from first to last', async () => {
    const seen = new Map<string, number>();
    await forEachStretch([new WeightedSum(terms)], ({ name, begin, values: [sums] }) => {
      for (let index = 0; index < sums!.length; index++) {
        if (sums![index] !== expected(name, begin + index)) expect.fail(`${name} at ${begin + index}`);
      }
      seen.set(name, begin + sums!.length);
    });
    expect(Object.fromEntries(seen)).toEqual({ small: 5, large: sizes.large, last: 7 });
  });

  it('is the same whatever part is read, in any order', async () => {
    const sum = new WeightedSum(terms);
    const part = fc
      .record({
        name: fc.constantFrom('small', 'large', 'last'),
        begin: fc.nat(),
        length: fc.integer({ min: 1, max: 9 }),
      })
      .map(({ name, begin, length }) => {
        const size = sizes[name as keyof typeof sizes];
        return { name, begin: begin % size, end: Math.min(size, (begin % size) + length) };
      });
    await fc.assert(
      fc.asyncProperty(part, async ({ name, begin, end }) => {
        const sums = await sum.read(name, begin, end);
        expect([...sums]).toEqual(Array.from({ length: end - begin }, (_, index) => expected(name, begin + index)));
      }),
      { numRuns: 6 },
    );
  });

  it('of differences to a base is nothing at all where nothing has changed', async () => {
    const unchanged = [0.1, 0.7, 0.3].map((factor) => ({ weights: base, base, factor }));
    const sum = new WeightedSum([...unchanged, { weights: models[1]!, base, factor: 0.5 }, ...unchanged]);
    expect([...(await sum.read('last', 0, 7))]).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => (index + 4) / 2));
    expect([...(await new WeightedSum(unchanged).read('last', 0, 7))]).toEqual(new Array(7).fill(0));
  });

  it('lets go of what many models keep in memory', async () => {
    const many = Array.from({ length: 20 }, () => new Formula({ a: 3 }, (_, index) => index));
    const sum = new WeightedSum(many.map((weights) => ({ weights, factor: 1 })));
    expect([...(await sum.read('a', 0, 3))]).toEqual([0, 20, 40]);
    expect(many.map(({ forgotten }) => forgotten)).toEqual(new Array(20).fill(1));
  });
});
