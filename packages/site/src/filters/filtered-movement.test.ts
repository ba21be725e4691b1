import { NoiseSource } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import recorded from '../recorded/filters.json' with { type: 'json' };
import type { WeightFilter } from './filter-spec.ts';
import { type FilterChance, filteredMovement, type Movement } from './filtered-movement.ts';
import { chanceOf } from './outgoing-filters.ts';

const movementOf = (plain: Readonly<Record<string, readonly number[]>>): Movement =>
  new Map(Object.entries(plain).map(([name, values]) => [name, Float64Array.from(values)]));
const plainOf = (movement: Movement) => Object.fromEntries([...movement].map(([name, values]) => [name, [...values]]));
const none: FilterChance = {
  addGaussian: () => expect.unreachable(),
  laplace: () => expect.unreachable(),
  integer: () => expect.unreachable(),
};
/** Draws from a Laplace distribution made of the numbers that are given. */
function laplaceOf(uniforms: readonly number[]): FilterChance {
  let next = 0;
  const laplace = (scale: number) => {
    const place = uniforms[next++]! - 0.5;
    return -scale * Math.sign(place) * Math.log(1 - 2 * Math.abs(place));
  };
  return { ...none, laplace };
}

function expectClose(actual: Movement, expected: Readonly<Record<string, readonly number[]>>): void {
  expect([...actual.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of actual) {
    for (const [index, value] of values.entries()) {
      expect(value, `${name} ${index}`).toBeCloseTo(expected[name]![index]!, 14);
    }
  }
}

const given = movementOf({ a: [3, -4, 0, 12], b: [0], 'c.norm': [0, -84] });
const filtered = (filter: WeightFilter, steps = 1, movement = given) =>
  plainOf(filteredMovement(movement, filter, { steps, chance: none }));

describe('a filter', () => {
  it.each(recorded.percentile)('keeps the largest movements as NVFlare does ($percentile %, $steps steps)', (each) => {
    const filter = { kind: 'percentile', percentile: each.percentile, gamma: each.gamma } as const;
    expectClose(filteredMovement(movementOf(each.given), filter, { steps: each.steps, chance: none }), each.expected);
  });

  it.each(recorded.sparseVector)('chooses by the sparse vector technique as NVFlare does ($fraction)', (each) => {
    const { fraction, epsilon, releaseEpsilon, gamma, tau, steps, uniforms } = each;
    const filter = { kind: 'sparse-vector', fraction, epsilon, releaseEpsilon, gamma, tau } as const;
    const moving = { steps, chance: laplaceOf(uniforms) };
    expectClose(filteredMovement(movementOf(each.given), filter, moving), each.expected);
  });

  it.each(recorded.exclude)('leaves out the tensors that NVFlare leaves out: they do not move ($tensors)', (each) => {
    const out = filteredMovement(
      movementOf(each.given),
      { kind: 'exclude', tensors: each.tensors },
      { steps: 1, chance: none },
    );
    const kept = new Map(Object.entries(each.kept as unknown as Record<string, number[]>));
    for (const [name, values] of out) expect([...values]).toEqual(kept.get(name) ?? [...values].map(() => 0));
  });

  it('clips the whole movement to its norm, and leaves a shorter one as it is', () => {
    const clipped = filteredMovement(given, { kind: 'clip', norm: 8.5 }, { steps: 1, chance: none });
    expectClose(clipped, { a: [0.3, -0.4, 0, 1.2], b: [0], 'c.norm': [0, -8.4] });
    expect(filtered({ kind: 'clip', norm: 85 })).toEqual(plainOf(given));
  });

  it('excludes by pattern', () => {
    expect(filtered({ kind: 'exclude', tensors: ['*.norm'] })).toEqual({ ...plainOf(given), 'c.norm': [0, 0] });
  });

  it('quantises to even steps of which 0 is one, and the largest another', () => {
    const movement = movementOf({ a: [1, -0.34, 0.16, 0], b: [0, 0] });
    expect(filtered({ kind: 'quantise', bits: 3 }, 1, movement)).toEqual({ a: [1, -1 / 3, 0, 0], b: [0, 0] });
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 2, max: 16 }),
        (values, bits) => {
          const [out] = Object.values(filtered({ kind: 'quantise', bits }, 1, movementOf({ a: values })));
          const step = Math.max(...values.map(Math.abs)) / (2 ** (bits - 1) - 1);
          for (const [index, value] of out!.entries()) {
            expect(Math.abs(value - values[index]!)).toBeLessThanOrEqual(step / 2 + 1e-12);
          }
        },
      ),
    );
  });

  it('adds noise of the deviation that was asked for to every number', () => {
    const noise = new NoiseSource((into) => crypto.getRandomValues(into));
    const movement = new Map([['a', new Float64Array(20_000).fill(1)]]);
    const out = filteredMovement(movement, { kind: 'noise', deviation: 0.2 }, { steps: 1, chance: chanceOf(noise) });
    const values = [...out.get('a')!];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(1, 1.5);
    expect(Math.sqrt(variance)).toBeCloseTo(0.2, 1.5);
  });

  it('has Laplace noise of the scale that was asked for: half of it is within ln 2 of it', () => {
    const chance = chanceOf(new NoiseSource((into) => crypto.getRandomValues(into)));
    const draws = Array.from({ length: 20_000 }, () => chance.laplace(3));
    expect(draws.filter((draw) => Math.abs(draw) < 3 * Math.LN2).length / draws.length).toBeCloseTo(0.5, 1.3);
    expect(draws.filter((draw) => draw > 0).length / draws.length).toBeCloseTo(0.5, 1.3);
  });

  it('draws, where more were accepted than may go out, exactly as many', () => {
    const chance = chanceOf(new NoiseSource((into) => crypto.getRandomValues(into)));
    const movement = new Map([['a', new Float64Array(100).fill(1)]]);
    const filter = {
      kind: 'sparse-vector',
      fraction: 0.1,
      epsilon: 1e9,
      releaseEpsilon: 1e9,
      gamma: 1,
      tau: 0,
    } as const;
    const out = filteredMovement(movement, filter, { steps: 1, chance });
    expect(out.get('a')!.filter((value) => value !== 0)).toHaveLength(10);
  });

  it.each<WeightFilter>([
    { kind: 'clip', norm: 1 },
    { kind: 'percentile', percentile: 50, gamma: 1 },
    { kind: 'exclude', tensors: ['a'] },
    { kind: 'quantise', bits: 4 },
  ])('changes nothing of what it was given ($kind)', (filter) => {
    const before = plainOf(given);
    filteredMovement(given, filter, { steps: 1, chance: none });
    expect(plainOf(given)).toEqual(before);
  });
});
