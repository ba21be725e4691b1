import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Strategy } from '../strategy.ts';
import { Aggregation, type SiteAnswer } from './aggregation.fixture.ts';
import { krum } from './krum.ts';
import { median } from './median.ts';
import { normBounding } from './norm-bounding.ts';
import { trimmedMean } from './trimmed-mean.ts';

const size = 4;
const coordinate = fc.integer({ min: -50, max: 50 });
const vector = fc.array(coordinate, { minLength: size, maxLength: size });
const sites = (minLength: number) => fc.array(vector, { minLength, maxLength: 11 });
/** Numbers of cases must not matter: a hostile site may claim any. */
const boasting = (weights: readonly (readonly number[])[]): SiteAnswer[] =>
  weights.map((each, index) => ({ weights: each, cases: 1 + 1000 * index }));

async function aggregated(strategy: Strategy, weights: readonly (readonly number[])[]): Promise<number[]> {
  const aggregation = await Aggregation.from(new Array(size).fill(0), strategy);
  return aggregation.round(strategy, boasting(weights));
}

const columns = (rows: readonly (readonly number[])[]): number[][] =>
  Array.from({ length: size }, (_, at) => rows.map((row) => row[at]!));
const sorted = (values: readonly number[]): number[] => [...values].sort((one, other) => one - other);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const squares = (values: readonly number[]): number => values.reduce((sum, value) => sum + value * value, 0);

describe('the median of sites', () => {
  it('is that of plain arrays, coordinate by coordinate', async () => {
    await fc.assert(
      fc.asyncProperty(sites(1), async (rows) => {
        const expected = columns(rows).map((column) => {
          const half = Math.floor(column.length / 2);
          return column.length % 2 === 1 ? sorted(column)[half] : meanOf(sorted(column).slice(half - 1, half + 1));
        });
        expect(await aggregated(median(), rows)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('stays among the honest values whatever fewer than half of the sites send', async () => {
    const rows = [...[1, 2, 3].map((value) => new Array(size).fill(value)), [9e9, -9e9, 2, 0], [9e9, 9e9, -9e9, 0]];
    for (const value of await aggregated(median(), rows)) {
      expect(value).toBeGreaterThanOrEqual(1);
      expect(value).toBeLessThanOrEqual(3);
    }
  });
});

describe('the trimmed mean of sites', () => {
  it('is that of plain arrays, coordinate by coordinate', async () => {
    const anyFraction = fc.constantFrom(0.1, 0.2, 0.25, 0.29, 0.3, 0.49);
    await fc.assert(
      fc.asyncProperty(sites(1), anyFraction, async (rows, fraction) => {
        const cut = Number((fraction * 100 * rows.length).toFixed(6));
        const trimmed = Math.floor(cut / 100);
        const got = await aggregated(trimmedMean({ fraction }), rows);
        columns(rows).forEach((column, index) => {
          expect(got[index]).toBeCloseTo(meanOf(sorted(column).slice(trimmed, column.length - trimmed)), 9);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe('Krum', () => {
  /** Blanchard et al.'s score, written down again over plain arrays. */
  const chosenOf = (rows: readonly number[][], malicious: number, keep: number): number[][] => {
    const scores = rows.map((row, self) => {
      const distances = rows
        .filter((_, other) => other !== self)
        .map((other) => squares(row.map((v, i) => v - other[i]!)));
      return sorted(distances)
        .slice(0, rows.length - malicious - 2)
        .reduce((sum, distance) => sum + distance, 0);
    });
    const order = rows.map((_, index) => index).sort((one, other) => scores[one]! - scores[other]! || one - other);
    return order.slice(0, keep).map((index) => rows[index]!);
  };

  it('takes the mean of those with the lowest scores, as computed from plain arrays', async () => {
    await fc.assert(
      fc.asyncProperty(sites(5), fc.integer({ min: 1, max: 4 }), async (rows, keep) => {
        const got = await aggregated(krum({ malicious: 1, keep }), rows);
        columns(chosenOf(rows, 1, keep)).forEach((column, index) => {
          expect(got[index]).toBeCloseTo(meanOf(column), 9);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('never chooses one of two sites that agree on something far away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(vector, { minLength: 5, maxLength: 9 }), fc.nat(4), async (honest, place) => {
        const far = new Array(size).fill(1e6);
        const rows = [...honest.slice(0, place), far, far, ...honest.slice(place)];
        for (const value of await aggregated(krum({ malicious: 2, keep: 3 }), rows))
          expect(Math.abs(value)).toBeLessThanOrEqual(50);
      }),
      { numRuns: 50 },
    );
  });
});

describe('norm bounding', () => {
  it('shortens differences over all tensors together, and adds their mean', async () => {
    await fc.assert(
      fc.asyncProperty(
        sites(1),
        vector,
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        async (rows, initial, norm) => {
          const strategy = normBounding({ norm });
          const aggregation = await Aggregation.from(initial, strategy);
          const got = await aggregation.round(strategy, boasting(rows));
          const clipped = rows.map((row) => {
            const difference = row.map((value, index) => value - initial[index]!);
            const length = Math.sqrt(squares(difference));
            return length <= norm ? difference : difference.map((value) => (value / length) * norm);
          });
          columns(clipped).forEach((column, index) => {
            expect(got[index]).toBeCloseTo(initial[index]! + meanOf(column), 9);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('lets one site of n move the model by no more than an n-th of the bound', async () => {
    const rows = [[1e9, -1e9, 1e9, 0], ...new Array(9).fill([0, 0, 0, 0])];
    expect(Math.sqrt(squares(await aggregated(normBounding({ norm: 2 }), rows)))).toBeCloseTo(0.2, 9);
  });
});
