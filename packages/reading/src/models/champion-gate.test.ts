/** Which candidates take the champion's place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdictOf } from './champion-gate.ts';
import { clickCurve } from './click-curve.ts';

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

  it('is measured on each structure in the cases that have it, and on no case that has none', () => {
    const champion = [{ 1: 0.5 }, { 1: 0.5, 2: 0.4 }, { 2: 0.4 }, {}];
    const candidate = [{ 1: 0.7 }, { 1: 0.9, 2: 0.6 }, { 2: 0.8 }, {}];
    const { difference, structures } = verdictOf(candidate, champion, rule);
    expect(difference!.cases).toBe(3);
    expect(difference!.mean).toBeCloseTo((0.2 + 0.3 + 0.4) / 3);
    expect(structures.map(({ structure, ...means }) => [structure, means.candidate, means.champion])).toEqual([
      [1, expect.closeTo(0.8), 0.5],
      [2, expect.closeTo(0.7), 0.4],
    ]);
  });
});

it('masks after so many clicks are told of in the mean over structures, then cases that have any', () => {
  const of = (...after: readonly [Record<string, number>, Record<string, number>]) => ({ 1: after[0], 3: after[1] });
  const candidate = [of({ 1: 0.2, 2: 0.4 }, { 1: 0.6, 2: 0.8 }), of({ 1: 0.5 }, { 1: 1 }), of({}, {})];
  const champion = [of({ 1: 0, 2: 0 }, { 1: 0.2, 2: 0.2 }), of({ 1: 0.1 }, { 1: 0.4 }), of({}, {})];
  expect(clickCurve(candidate, champion, { clicks: [1, 3], scored: 3 })).toEqual({
    scored: 3,
    after: [
      { clicks: 1, candidate: expect.closeTo(0.4), champion: expect.closeTo(0.05) },
      { clicks: 3, candidate: expect.closeTo(0.85), champion: expect.closeTo(0.3) },
    ],
  });
});
