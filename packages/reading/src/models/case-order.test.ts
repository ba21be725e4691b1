/** In which order cases are offered. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OrderedCase, type OrderStrategy, orderOf } from './case-order.ts';

const one = (caseId: string, more: Partial<OrderedCase> = {}): OrderedCase => ({
  ...{ caseId, createdMs: 0, uncertainty: undefined, disagreement: undefined, descriptors: undefined },
  ...more,
});
const none = { seen: [], seed: 'renal' };
const idsOf = (cases: readonly OrderedCase[]) => cases.map(({ caseId }) => caseId);
const strategies: readonly OrderStrategy[] = [
  ...(['oldest', 'random', 'uncertainty', 'uncertainty-diversity', 'disagreement'] as const),
];

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const somecases = fc
  .array(
    fc.record({
      createdMs: fc.integer({ min: 0, max: 3 }),
      uncertainty: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
      disagreement: maybe(fc.double({ min: 0, max: 1, noNaN: true })),
      descriptors: maybe(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((facts, at) => ({ caseId: `case-${at}`, ...facts })));

describe.each(strategies)('by %s', (strategy) => {
  it('each case comes once, and the same ones in the same order whichever way they came in', () => {
    fc.assert(
      fc.property(somecases, fc.infiniteStream(fc.nat()), (cases, keys) => {
        const order = orderOf(strategy, cases, none);
        expect(idsOf(order).toSorted()).toEqual(idsOf(cases).toSorted());
        const shuffled = cases
          .map((aCase) => ({ aCase, key: keys.next().value! }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ aCase }) => aCase);
        expect(idsOf(orderOf(strategy, shuffled, none))).toEqual(idsOf(order));
      }),
    );
  });

  it('those of which nothing is known come last, the oldest first', () => {
    if (strategy === 'random' || strategy === 'oldest') return;
    const known = one('known', { uncertainty: 0, disagreement: 0, descriptors: [1], createdMs: 9 });
    const cases = [one('young', { createdMs: 2 }), one('old', { createdMs: 1 }), known];
    expect(idsOf(orderOf(strategy, cases, none))).toEqual(['known', 'old', 'young']);
  });
});

it('the most uncertain is first, however old others are', () => {
  // Where only the most uncertain were chosen by it and all then sorted by age, the surest and oldest would win.
  const cases = [
    one('surest', { uncertainty: 0.1, createdMs: 0 }),
    one('least sure', { uncertainty: 0.9, createdMs: 9 }),
  ];
  expect(idsOf(orderOf('uncertainty', cases, none))).toEqual(['least sure', 'surest']);
  const disputed = cases.map((aCase) => ({ ...aCase, disagreement: aCase.uncertainty }));
  expect(idsOf(orderOf('disagreement', disputed, none))).toEqual(['least sure', 'surest']);
});

it('of cases alike, one is enough at first', () => {
  const cases = [
    one('a', { uncertainty: 0.9, descriptors: [0, 0] }),
    one('like a', { uncertainty: 0.89, descriptors: [0.01, 0] }),
    one('other', { uncertainty: 0.5, descriptors: [9, 9] }),
  ];
  expect(idsOf(orderOf('uncertainty-diversity', cases, none))).toEqual(['a', 'other', 'like a']);
  // What was seen counts as chosen.
  expect(idsOf(orderOf('uncertainty-diversity', cases, { seen: [[0, 0]], seed: '' }))[0]).toBe('other');
});

it('the unit of a descriptor does not matter', () => {
  fc.assert(
    fc.property(somecases, fc.integer({ min: 2, max: 1000 }), (cases, factor) => {
      const scaled = cases.map((aCase) => ({
        ...aCase,
        descriptors: aCase.descriptors?.map((value, at) => (at === 0 ? value * factor : value)),
      }));
      const chosen = idsOf(orderOf('uncertainty-diversity', cases, none));
      const other = idsOf(orderOf('uncertainty-diversity', scaled, none));
      // Rounding may turn a tie: only the first, which has none before it, is held to.
      expect(other[0]).toBe(chosen[0]);
    }),
  );
});

it('a random order is another for another project, and a case that comes moves none', () => {
  const cases = Array.from({ length: 20 }, (_, at) => one(`case-${at}`));
  const order = idsOf(orderOf('random', cases, none));
  expect(idsOf(orderOf('random', cases, { seen: [], seed: 'lung' }))).not.toEqual(order);
  const more = idsOf(orderOf('random', [...cases, one('late')], none));
  expect(more.filter((caseId) => caseId !== 'late')).toEqual(order);
});
