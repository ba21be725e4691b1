import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupedCase, subgroupResults, volumeBand } from './subgroup.ts';

function casesOf(sizes: Readonly<Record<string, number>>): GroupedCase[] {
  return Object.entries(sizes).flatMap(([vendor, size]) =>
    Array.from({ length: size }, (_, index) => ({ siteId: 'a', patient: `${vendor}-${index}`, groups: { vendor } })),
  );
}
const toldOf = (sizes: Readonly<Record<string, number>>, minimumPatients: number) => {
  const cases = casesOf(sizes);
  const values = cases.map((_, index) => index);
  const results = subgroupResults(cases, values, { minimumPatients, random: createRandom(1) });
  return results.flatMap((result) => (result.kind === 'told' ? [result.group] : []));
};

describe('subgroups', () => {
  it('have a mean and interval each, over their own cases', () => {
    const cases = casesOf({ a: 6, b: 8 });
    const values = cases.map(({ groups }, index) => (groups['vendor'] === 'a' ? 1 : index % 2));
    const results = subgroupResults(cases, values, { minimumPatients: 5, random: createRandom(1) });
    expect(results).toMatchObject([
      { division: 'vendor', group: 'a', kind: 'told', patients: 6, estimate: { mean: 1, low: 1, high: 1, cases: 6 } },
      { division: 'vendor', group: 'b', kind: 'told', patients: 8, estimate: { mean: 0.5, cases: 8 } },
    ]);
  });

  it('are suppressed where they are small, and with them what would tell of them', () => {
    expect(toldOf({ a: 3, b: 7, c: 9 }, 5)).toEqual(['c']);
    expect(toldOf({ a: 3, b: 4, c: 9 }, 5)).toEqual(['c']);
    expect(toldOf({ a: 1, b: 2, c: 9, d: 12 }, 5)).toEqual(['d']);
    expect(toldOf({ a: 5, b: 9 }, 5)).toEqual(['a', 'b']);
    expect(toldOf({ a: 2 }, 5)).toEqual([]);
  });

  it('never leave fewer patients untold than the minimum, or one group alone', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 8 }), (counts, minimum) => {
        const named = Object.fromEntries(counts.map((count, index) => [`g${index}`, count]));
        const told = toldOf(named, minimum);
        const untold = Object.entries(named).filter(([group]) => !told.includes(group));
        for (const group of told) expect(named[group]).toBeGreaterThanOrEqual(minimum);
        if (told.length === 0 || untold.length === 0) return;
        expect(untold.length).toBeGreaterThan(1);
        expect(untold.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(minimum);
      }),
    );
  });

  it('count patients, not cases, and those of whom nothing is known as unknown', () => {
    const twice = [...casesOf({ a: 3 }), ...casesOf({ a: 3 })];
    const results = subgroupResults(twice, [0, 0, 0, 0, 0, 0], { minimumPatients: 4, random: createRandom(1) });
    expect(results).toEqual([{ division: 'vendor', group: 'a', kind: 'suppressed' }]);
    const some: GroupedCase[] = casesOf({ a: 2 }).map((one, index) => (index === 0 ? one : { ...one, groups: {} }));
    const known = subgroupResults(some, [0, 1], { minimumPatients: 1, random: createRandom(1) });
    expect(known.map(({ group }) => group)).toEqual(['a', 'unknown']);
  });

  it('have bands without an end above the last', () => {
    expect([0, 5, 14.9, 200].map(volumeBand)).toEqual(['under 5 ml', '5–15 ml', '5–15 ml', '150 ml and more']);
  });
});
