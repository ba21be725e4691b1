import { encodeSafetensors, type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fedAvg } from './fed-avg.ts';

const weightsOf = (values: Float32Array): Weights =>
  new Map<string, Tensor>([['w', tensor('float32', [values.length], values)]]);
/** Half of them so far apart that even a float64 sum depends on the order. */
const anyValues = (size: number): fc.Arbitrary<Float32Array> =>
  fc.oneof(
    fc.float32Array({ minLength: size, maxLength: size, noNaN: true, noDefaultInfinity: true }),
    fc
      .array(fc.constantFrom(2 ** 100, -(2 ** 100), 1, -1, 2 ** 40), { minLength: size, maxLength: size })
      .map((values) => Float32Array.from(values)),
  );
const anySites = fc.integer({ min: 1, max: 40 }).chain((size) =>
  fc.uniqueArray(
    fc.record({
      siteId: fc.integer({ min: 1, max: 99 }).map((number) => `site-${number}` as SiteId),
      cases: fc.integer({ min: 1, max: 500 }),
      values: anyValues(size),
    }),
    { selector: ({ siteId }) => siteId, minLength: 1, maxLength: 8 },
  ),
);

describe('FedAvg', () => {
  it('gives the same bytes for every order of the same contributions', async () => {
    await fc.assert(
      fc.asyncProperty(
        anySites.chain((sites) =>
          fc.tuple(fc.constant(sites), fc.shuffledSubarray(sites, { minLength: sites.length })),
        ),
        async ([sites, shuffled]) => {
          const bytes = async (order: typeof sites) =>
            encodeSafetensors(
              await fedAvg().aggregateTrain(
                order.map((site) => ({ ...site, load: async () => weightsOf(site.values) })),
                weightsOf(sites[0]!.values),
              ),
            );
          expect(await bytes(shuffled)).toEqual(await bytes(sites));
        },
      ),
    );
  });

  it('leaves a single contribution as it is', async () => {
    await fc.assert(
      fc.asyncProperty(anySites, async ([site]) => {
        const { values } = site!;
        const mean = await fedAvg().aggregateTrain(
          [{ ...site!, load: async () => weightsOf(values) }],
          weightsOf(values),
        );
        expect(mean.get('w')!.data).toEqual(values.map((value) => value + 0));
      }),
    );
  });

  it('keeps small updates that a float32 sum would lose', async () => {
    const sites = [1e8, 1, -1e8, 1].map((value, index) => ({
      siteId: `site-${index}` as SiteId,
      cases: 1,
      load: async () => weightsOf(new Float32Array([value])),
    }));
    const mean = await fedAvg().aggregateTrain(sites, weightsOf(new Float32Array(1)));
    expect(mean.get('w')!.data[0]).toBe(0.5);
  });

  it('weights validation scores by cases and passes over sites without any', () => {
    const score = fedAvg().aggregateEvaluate([
      { siteId: 'b' as SiteId, cases: 3, score: 0.5 },
      { siteId: 'a' as SiteId, cases: 1, score: 0.9 },
      { siteId: 'c' as SiteId, cases: 0, score: null },
    ]);
    expect(score).toBeCloseTo(0.6, 12);
    expect(fedAvg().aggregateEvaluate([])).toBeNull();
  });
});
