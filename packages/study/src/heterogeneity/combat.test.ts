import { readFileSync } from 'node:fs';
import { mergedMoments } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cells, harmonisationOf, harmonised, harmonisedMoments, isSeparable } from './combat.ts';

interface RecordedCombat {
  readonly sites: readonly string[];
  readonly features: readonly (readonly number[])[];
  readonly harmonised: readonly (readonly number[])[];
  readonly phases: readonly string[];
  readonly enhanced: readonly (readonly number[])[];
  readonly harmonisedByPhase: readonly (readonly number[])[];
}
const recorded: RecordedCombat = JSON.parse(readFileSync(new URL('../recorded/combat.json', import.meta.url), 'utf8'));
const all = recorded.sites.map(() => 'all');

function momentsOf(values: readonly number[]) {
  const sum = values.reduce((total, value) => total + value, 0);
  const squaredDeviations = values.reduce((total, value) => total + (value - sum / values.length) ** 2, 0);
  return { count: values.length, sum, squaredDeviations };
}

/** What each site tells, by group. */
function cellsOf(values: readonly number[], groups: readonly string[]): Cells {
  const bySite = Map.groupBy(values.keys(), (index) => recorded.sites[index]!);
  return Object.fromEntries(
    [...bySite].map(([siteId, own]) => [
      siteId,
      [...Map.groupBy(own, (index) => groups[index]!)].map(([group, some]) => ({
        ...{ group, ...momentsOf(some.map((index) => values[index]!)) },
      })),
    ]),
  );
}

const modelOf = (features: readonly (readonly number[])[], groups: readonly string[]) =>
  harmonisationOf(Object.fromEntries(features.map((values, index) => [`f${index}`, cellsOf(values, groups)])));

describe('federated ComBat', () => {
  it.each([
    ['', recorded.features, all, recorded.harmonised],
    [' with the phase as a covariate', recorded.enhanced, recorded.phases, recorded.harmonisedByPhase],
  ])('gives from sums alone what neuroCombat gives from all values%s', (_, features, groups, expected) => {
    const model = modelOf(features, groups);
    features.forEach((values, feature) => {
      values.forEach((value, index) => {
        const place = { siteId: recorded.sites[index]!, group: groups[index]! };
        expect(harmonised(value, place, model[`f${feature}`]!)).toBeCloseTo(expected[feature]![index]!, 8);
      });
    });
  });

  it('tells what sites would tell of harmonised values', () => {
    const model = modelOf(recorded.enhanced, recorded.phases);
    const before = cellsOf(recorded.enhanced[1]!, recorded.phases);
    const after = cellsOf(recorded.harmonisedByPhase[1]!, recorded.phases);
    for (const [siteId, own] of Object.entries(before)) {
      own.forEach((cell, index) => {
        const told = harmonisedMoments(cell, siteId, model['f1']!);
        expect(told.sum).toBeCloseTo(after[siteId]![index]!.sum, 8);
        expect(told.squaredDeviations).toBeCloseTo(after[siteId]![index]!.squaredDeviations, 8);
      });
    }
  });

  it('of one feature takes out means and deviations of sites entirely', () => {
    const values = recorded.features[0]!;
    const one = modelOf([values], all)['f0']!;
    for (const [siteId, [cell]] of Object.entries(cellsOf(values, all))) {
      const { count, squaredDeviations, sum } = harmonisedMoments(cell!, siteId, one);
      expect(sum / count).toBeCloseTo(one.means['all']!, 9);
      expect(Math.sqrt(squaredDeviations / (count - 1))).toBeCloseTo(one.deviation, 9);
    }
  });

  it('leaves the effect of the covariate where it is', () => {
    const phases = recorded.phases;
    const plain = modelOf(recorded.features, phases)['f2']!;
    const moved = recorded.features[2]!.map((value, index) => value + (phases[index] === 'late' ? 7 : 0));
    const features = recorded.features.map((values, index) => (index === 2 ? moved : values));
    const model = modelOf(features, phases)['f2']!;
    const effect = (one: typeof model) => one.means['late']! - one.means['early']!;
    expect(effect(model) - effect(plain)).toBeCloseTo(7, 9);
    expect(model.deviation).toBeCloseTo(plain.deviation, 9);
    expect(model.sites['site-2']!.shift).toBeCloseTo(plain.sites['site-2']!.shift, 9);
  });

  it('works with features that a site has too few cases of', () => {
    const [first, second, third] = recorded.features.map((values) => cellsOf(values, all));
    const { 'site-3': _, ...some } = second!;
    const model = harmonisationOf({ first: first!, second: some, third: third! });
    expect(Object.keys(model['second']!.sites)).toEqual(['site-1', 'site-2']);
    expect(Object.keys(model['third']!.sites)).toEqual(['site-1', 'site-2', 'site-3']);
  });

  it('is not asked to tell sites from groups where no two sites share one', () => {
    const at = (...groups: string[]) => groups.map((group) => ({ group, count: 3, sum: 1, squaredDeviations: 1 }));
    expect(isSeparable({ a: at('x'), b: at('x') })).toBe(true);
    expect(isSeparable({ a: at('x'), b: at('y') })).toBe(false);
    expect(isSeparable({ a: at('x'), b: at('y'), c: at('x', 'y') })).toBe(true);
    expect(isSeparable({ a: at('x'), b: at('x'), c: at('y'), d: at('y') })).toBe(false);
  });
});

it('merges moments into those of all values', () => {
  const values = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(values, { minLength: 1 }), (groups) => {
      const { count, squaredDeviations, sum } = mergedMoments(groups.map(momentsOf));
      const truth = momentsOf(groups.flat());
      expect([count, sum]).toEqual([truth.count, truth.sum]);
      expect(squaredDeviations).toBeCloseTo(truth.squaredDeviations, 5);
    }),
  );
});
