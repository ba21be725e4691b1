import { decodeSafetensors, encodeSafetensors, tensor } from '@consilium/numerics';
import type { SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getBlob, putBlob } from '../blob.ts';
import { MemoryStore } from '../memory-store.ts';
import type { TrainedSite } from '../strategy.ts';
import { WeightsFile } from '../weights.ts';
import { fedAvg } from './fed-avg.ts';

async function average(sites: readonly { cases: number; values: Float32Array }[]): Promise<number[]> {
  const store = new MemoryStore();
  const trained: TrainedSite[] = [];
  for (const [index, { cases, values }] of sites.entries()) {
    const bytes = encodeSafetensors(new Map([['w', tensor('float32', [values.length], values)]]));
    const weights = await WeightsFile.open(store, await putBlob(store, bytes));
    const siteId = `site-${index}` as SiteId;
    trained.push({ siteId, cases, steps: 1, weights, base: weights, controlChange: null, staleness: 0 });
  }
  const { weights } = await fedAvg().aggregateTrain({
    round: 1,
    trained,
    global: trained[0]!.weights,
    state: {},
    participants: sites.length,
    store,
  });
  return [...(decodeSafetensors(await getBlob(store, weights)).tensors.get('w')!.data as Float32Array)];
}

describe('FedAvg', () => {
  it('leaves a single contribution as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.float32Array({ minLength: 1, noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 1, max: 500 }),
        async (values, cases) => {
          expect(await average([{ cases, values }])).toEqual([...values].map((value) => value + 0));
        },
      ),
    );
  });

  it('weights contributions by their cases', async () => {
    const sites = [
      { cases: 3, values: new Float32Array([1, -2]) },
      { cases: 1, values: new Float32Array([5, 6]) },
    ];
    expect(await average(sites)).toEqual([2, 0]);
  });

  it('keeps small updates that a float32 sum would lose', async () => {
    const sites = [1e8, 1, -1e8, 1].map((value) => ({ cases: 1, values: new Float32Array([value]) }));
    expect(await average(sites)).toEqual([0.5]);
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
