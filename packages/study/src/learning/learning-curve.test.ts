import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CaseOwner } from '../bootstrap.ts';
import { recordedComparisons } from '../recorded-comparisons.fixture.ts';
import { type LearningCurve, type LearningRun, learningCurve, studiesNeeded } from './learning-curve.ts';
import { fitPowerLaw, type PowerLaw, scoreAt, studiesFor } from './power-law.ts';

const lawOf = fc.record({
  ceiling: fc.double({ min: 0.3, max: 1, noNaN: true }),
  gap: fc.double({ min: 0.05, max: 1, noNaN: true }),
  rate: fc.double({ min: 0.1, max: 2, noNaN: true }),
});

describe('a power law', () => {
  it('is found again from its own values', () => {
    fc.assert(
      fc.property(lawOf, (law) => {
        const points = [2, 4, 8, 16, 32].map((studies) => ({ studies, score: scoreAt(law, studies), weight: 1 }));
        const fitted = fitPowerLaw(points);
        for (const { studies, score } of points) expect(scoreAt(fitted, studies)).toBeCloseTo(score, 6);
        expect(fitted.rate).toBeCloseTo(law.rate, 2);
        expect(fitted.ceiling).toBeCloseTo(law.ceiling, 2);
      }),
    );
  });

  it('fits no worse than SciPy does within the same bounds', () => {
    for (const { sizes, scores, fitted } of recordedComparisons.curves) {
      const own = fitPowerLaw(sizes.map((studies, index) => ({ studies, score: scores[index]!, weight: 1 })));
      const error = sizes.reduce((sum, studies, index) => sum + (scores[index]! - scoreAt(own, studies)) ** 2, 0);
      expect(error).toBeLessThanOrEqual(fitted.error * (1 + 1e-9));
      for (const studies of sizes) expect(scoreAt(own, studies)).toBeCloseTo(scoreAt(fitted, studies), 4);
    }
  });

  it('never falls, and stays in 0 .. 1 at its end, whatever the scores', () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(scores, (values) => {
        const law = fitPowerLaw(values.map((score, index) => ({ studies: 2 ** (index + 1), score, weight: 1 })));
        expect(law.gap).toBeGreaterThanOrEqual(0);
        expect(law.ceiling).toBeGreaterThanOrEqual(0);
        expect(law.ceiling).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('says how many studies a score needs, and that no number is enough', () => {
    fc.assert(
      fc.property(lawOf, fc.double({ min: 1.5, max: 1000, noNaN: true }), (law, studies) => {
        expect(studiesFor(law, scoreAt(law, studies)) / studies).toBeCloseTo(1, 4);
        expect(studiesFor(law, law.ceiling + 0.001)).toBe(Number.POSITIVE_INFINITY);
        expect(studiesFor(law, -1)).toBe(1);
      }),
    );
  });
});

const owners: CaseOwner[] = ['a', 'b', 'c'].flatMap((siteId) =>
  Array.from({ length: 8 }, (_, index) => ({ siteId, patient: `${index}` })),
);

/** Scores of models whose mean follows the law; patients differ, and each training a little. */
function runsOf(law: PowerLaw, { seeds = 3, noise = 0.01, sizes = [4, 8, 16, 32], draw = 1 } = {}): LearningRun[] {
  const random = createRandom(draw, 'runs');
  const difficulty = owners.map(() => 0.05 * random.normal());
  const centre = difficulty.reduce((sum, value) => sum + value, 0) / difficulty.length;
  return Array.from({ length: seeds }, (_, seed) => seed).flatMap((seed) =>
    sizes.map((studies) => {
      const level = scoreAt(law, studies) + noise * random.normal();
      return { seed, studies, scores: difficulty.map((value) => level + value - centre) };
    }),
  );
}
const law = { ceiling: 0.85, gap: 0.6, rate: 0.6 };
function fitted(runs: readonly LearningRun[], seed = 1): Extract<LearningCurve, { kind: 'fitted' }> {
  const curve = learningCurve(runs, owners, createRandom(seed), 200);
  return curve.kind === 'fitted' ? curve : expect.unreachable();
}

describe('a learning curve', () => {
  it('lies within its band, says where it is extrapolated, and is the same for the same seed', () => {
    const curve = fitted(runsOf(law));
    expect(curve.points.filter(({ extrapolated }) => extrapolated).every(({ studies }) => studies > 32)).toBe(true);
    expect(curve.points.some(({ studies, extrapolated }) => studies === 32 && !extrapolated)).toBe(true);
    expect(curve.points.at(-1)!.studies).toBeCloseTo(128, 9);
    for (const { low, mean, high } of curve.points) {
      expect(low).toBeLessThanOrEqual(mean);
      expect(high).toBeGreaterThanOrEqual(mean);
    }
    const width = (studies: number) => {
      const point = curve.points.find((one) => one.studies >= studies)!;
      return point.high - point.low;
    };
    expect(width(127)).toBeGreaterThan(width(16));
    expect(fitted(runsOf(law))).toEqual(curve);
    expect(curve.seeds).toBe(3);
  });

  it('holds the number of studies that the truth needs, most of the time', () => {
    const truth = studiesFor(law, 0.75);
    const answers = Array.from({ length: 12 }, (_, draw) => studiesNeeded(fitted(runsOf(law, { draw })), 0.75).answer);
    const holding = answers.filter(
      (answer) => answer.kind === 'reachable' && answer.low <= truth && (answer.high ?? truth) >= truth,
    );
    expect(holding.length).toBeGreaterThanOrEqual(9);
  });

  it('tells a score that is not reachable from one that is', () => {
    const curve = fitted(runsOf(law, { noise: 0 }));
    const far = studiesNeeded(curve, 0.97);
    expect(far.answer).toMatchObject({ kind: 'not-reachable' });
    expect(far.shareReaching).toBeLessThan(0.5);
    const near = studiesNeeded(curve, 0.7).answer;
    expect(near).toMatchObject({ kind: 'reachable', extrapolated: false });
    expect(studiesNeeded(curve, 0.82).answer).toMatchObject({ kind: 'reachable', extrapolated: true });
  });

  it('needs three numbers of studies, and says so', () => {
    expect(learningCurve(runsOf(law, { sizes: [4, 8] }), owners, createRandom(1))).toEqual({
      kind: 'too-few-sizes',
      sizes: 2,
    });
  });
});
