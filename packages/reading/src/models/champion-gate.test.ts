/** Which candidates take the champion's place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdictOf } from './champion-gate.ts';

const rule = { lowMin: -0.01, worseMax: 0.02 };
const dice = (...pairs: readonly (readonly [number, number])[]) => pairs.map(([a, b]) => ({ 1: a, 2: b }));
const reasonOf = (candidate: ReturnType<typeof dice>, champion: ReturnType<typeof dice>) =>
  verdictOf(candidate, champion, rule).reason;

describe('a candidate', () => {
  it('that is better in all cases takes the place', () => {
    const champion = dice([0.8, 0.6], [0.7, 0.5], [0.9, 0.7]);
    const better = champion.map((one) => ({ 1: one[1] + 0.05, 2: one[2] + 0.05 }));
    expect(verdictOf(better, champion, rule)).toMatchObject({ isBetter: true, reason: 'better' });
  });

  it('is not better than itself, nor is what is better than it', () => {
    const some = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(some, some, (a, b) => {
        const cases = Math.min(a.length, b.length);
        const [one, other] = [dice(...a.slice(0, cases)), dice(...b.slice(0, cases))];
        expect(verdictOf(one, one, rule).isBetter).toBe(false);
        expect(verdictOf(one, other, rule).isBetter && verdictOf(other, one, rule).isBetter).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused for what it lacks', () => {
    const champion = dice([0.8, 0.6], [0.7, 0.5], [0.9, 0.7]);
    expect(reasonOf(dice([0.9, 0.9], [0.9, 0.9]), champion.slice(0, 2))).toBe('too-few-cases');
    expect(reasonOf([], [])).toBe('too-few-cases');
    expect(reasonOf(dice([0.8, 0.6], [0.7, 0.5], [0.9, 0.6]), champion)).toBe('not-better');
    // Much better in one case, worse in the others.
    expect(reasonOf(dice([0.75, 0.55], [1, 1], [0.85, 0.65]), champion)).toBe('not-sure');
    // Better in the mean of both, for the price of the second.
    expect(reasonOf(dice([1, 0.55], [1, 0.45], [1, 0.65]), champion)).toBe('structure-worse');
  });
});
