import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CaseOwner, estimate } from '../bootstrap.ts';
import { recordedComparisons as recorded } from '../recorded-comparisons.fixture.ts';
import { blandAltman, intraclassCorrelation } from './agreement.ts';
import { cohensDz, rankBiserial } from './effect-size.ts';
import { drawHierarchically } from './hierarchical-bootstrap.ts';
import { benjaminiHochbergAdjusted, holmAdjusted } from './multiplicity.ts';
import { patientMeans, permutationTest, wilcoxonTest } from './paired-test.ts';

const differencesOf = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 12 });

describe.each(recorded.tests)('of the pairs "$name"', ({ differences, ...truth }) => {
  it('Wilcoxon’s test is SciPy’s', () => {
    const { p, method } = wilcoxonTest(differences);
    expect(method).toBe(truth.name === 'many' ? 'normal-approximation' : 'exact');
    expect(p).toBeCloseTo(truth.wilcoxon, 10);
  });

  it.skipIf(truth.permutation === null)('the permutation test is SciPy’s', () => {
    const { p, method } = permutationTest(differences, createRandom(1));
    expect(method).toBe('exact');
    expect(p).toBeCloseTo(truth.permutation!, 10);
  });

  it('effect sizes are NumPy’s', () => {
    expect(rankBiserial(differences)).toBeCloseTo(truth.rankBiserial, 12);
    expect(cohensDz(differences)).toBeCloseTo(truth.cohensDz, 12);
  });
});

describe('a paired test', () => {
  it('does not care which is first, nor in which order pairs come; it lies in 0 .. 1', () => {
    fc.assert(
      fc.property(differencesOf, fc.integer(), (differences, seed) => {
        const shuffled = createRandom(seed).shuffle(differences);
        for (const test of [wilcoxonTest, (some: number[]) => permutationTest(some, createRandom(seed))]) {
          const { p } = test(differences);
          expect(p).toBeGreaterThan(0);
          expect(p).toBeLessThanOrEqual(1);
          expect(test(shuffled.map((value) => -value)).p).toBeCloseTo(p, 12);
        }
      }),
    );
  });

  it('counts out the signed ranks of few pairs, ties included', () => {
    const differences = [3, -1, 4, 1, -5, 9, 2, 6];
    const ranks = [4, 1.5, 5, 1.5, 6, 8, 3, 7];
    const sums = Array.from({ length: 256 }, (_, signs) =>
      ranks.reduce((sum, rank, place) => sum + ((signs >> place) & 1 ? rank : 0), 0),
    );
    const negative = 1.5 + 6;
    const p = (2 * sums.filter((sum) => sum <= negative).length) / 256;
    expect(wilcoxonTest(differences).p).toBeCloseTo(p, 12);
  });

  it('of no difference says that there is none', () => {
    expect(wilcoxonTest([0, 0, 1e-15])).toEqual({ p: 1, pairs: 0, method: 'no-difference' });
    expect(permutationTest([0, 0], createRandom(1))).toEqual({ p: 1, pairs: 2, method: 'no-difference' });
  });

  it('draws permutations where all are too many: near the exact p, never 0, the same for the same seed', () => {
    const random = createRandom(4);
    const values = Array.from({ length: 30 }, () => random.normal() + 0.4);
    const drawn = permutationTest(values, createRandom(5));
    expect(drawn.method).toBe('random-permutations');
    expect(drawn).toEqual(permutationTest(values, createRandom(5)));
    expect(Math.abs(drawn.p - wilcoxonTest(values).p)).toBeLessThan(0.05);
    expect(
      permutationTest(
        Array.from({ length: 60 }, () => 1),
        createRandom(6),
      ).p,
    ).toBeCloseTo(2 / 20_001, 8);
  });

  it('has one value a patient, of cases that have one', () => {
    const owner = (siteId: string, patient: string): CaseOwner => ({ siteId, patient });
    const owners = [owner('a', '1'), owner('a', '1'), owner('b', '1'), owner('b', '2')];
    expect(patientMeans(owners, [1, 3, Number.NaN, 5])).toEqual([2, 5]);
  });
});

describe('several comparisons', () => {
  it('are adjusted as statsmodels does', () => {
    const { p, ...truth } = recorded.multiplicity;
    holmAdjusted(p).forEach((each, index) => {
      expect(each).toBeCloseTo(truth.holm[index]!, 12);
    });
    benjaminiHochbergAdjusted(p).forEach((each, index) => {
      expect(each).toBeCloseTo(truth.benjaminiHochberg[index]!, 12);
    });
  });

  it('are never more certain together than alone, and keep their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }), (p) => {
        const [holm, hochberg] = [holmAdjusted(p), benjaminiHochbergAdjusted(p)];
        p.forEach((value, index) => {
          expect(hochberg[index]).toBeGreaterThanOrEqual(value - 1e-12);
          expect(holm[index]).toBeGreaterThanOrEqual(hochberg[index]! - 1e-12);
          p.forEach((other, place) => {
            if (value < other) expect(holm[index]).toBeLessThanOrEqual(holm[place]!);
          });
        });
      }),
    );
  });
});

describe('agreement', () => {
  it('has pingouin’s intraclass correlations', () => {
    const { ratings, icc } = recorded.agreement;
    const { agreement, consistency } = intraclassCorrelation(ratings);
    expect(agreement).toBeCloseTo(icc.agreement, 10);
    expect(consistency).toBeCloseTo(icc.consistency, 10);
  });

  it('has Bland and Altman’s limits', () => {
    const { bias, limits } = blandAltman(recorded.agreement.ratings.map(([first, second]) => [first!, second!]));
    expect(bias).toBeCloseTo(recorded.agreement.bias, 12);
    expect(limits[0]).toBeCloseTo(recorded.agreement.limits[0], 12);
    expect(limits[1]).toBeCloseTo(recorded.agreement.limits[1], 12);
  });
});

describe('the hierarchical bootstrap', () => {
  const { owners, values, interval } = recorded.hierarchical;

  it('draws sites, and of each its patients with all their cases, as NumPy does', () => {
    const { low, high } = estimate(Float64Array.from(values), drawHierarchically(owners, createRandom(7), 100_000));
    expect(Math.abs(low - interval[0])).toBeLessThan(2e-3);
    expect(Math.abs(high - interval[1])).toBeLessThan(2e-3);
  });

  it('matches all resamples of two sites with two patients', () => {
    const few = ['a', 'b'].flatMap((siteId) => ['1', '2'].map((patient) => ({ siteId, patient })));
    const { weights } = drawHierarchically(few, createRandom(8), 60_000);
    const counts = new Map<string, number>();
    for (let row = 0; row < 60_000; row++) {
      const key = [...weights.subarray(4 * row, 4 * row + 4)].join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Both sites, each with one of its patients twice: 2 of 4 draws of sites, 1/4 for both patients.
    expect(counts.get('2,0,2,0')! / 60_000).toBeCloseTo(0.5 / 16, 2);
    // One site twice, all four draws the same patient.
    expect(counts.get('4,0,0,0')! / 60_000).toBeCloseTo(0.25 / 16, 2);
    expect(
      new Set([...counts.keys()].map((key) => key.split(',').reduce((sum, each) => sum + Number(each), 0))),
    ).toEqual(new Set([4]));
  });
});
