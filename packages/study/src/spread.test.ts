import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spreadOf } from './spread.ts';

describe('the spread of values', () => {
  it('has whiskers at the furthest values within 1.5 box lengths', () => {
    expect(spreadOf([1, 2, 3, 4, 5, 6, 7, 8, 30])).toEqual({
      count: 9,
      lowerWhisker: 1,
      lowerQuartile: 3,
      median: 5,
      upperQuartile: 7,
      upperWhisker: 8,
    });
  });

  it('ignores what is no number, and is nothing for nothing', () => {
    expect(spreadOf([Number.NaN, 0.5])?.median).toBe(0.5);
    expect(spreadOf([Number.NaN])).toBeUndefined();
  });

  it('ascends from whisker to whisker', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1 }), (values) => {
        const { lowerWhisker, lowerQuartile, median, upperQuartile, upperWhisker } = spreadOf(values)!;
        const numbers = [lowerWhisker, lowerQuartile, median, upperQuartile, upperWhisker];
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }),
    );
  });
});
