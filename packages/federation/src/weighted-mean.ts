/** The weighted mean of several models, element by element in float64, in the order given. */
import type { BlobId } from '@consilium/protocol';
import type { BlobStore } from './store.ts';
import { WeightedSum } from './weighted-sum.ts';
import { mapWeights, type WeightsReader } from './weights.ts';

export interface Weighted {
  readonly weights: WeightsReader;
  /** Above 0; need not sum to 1. */
  readonly weight: number;
}

/** The mean as a new blob. */
export async function weightedMean(store: BlobStore, models: readonly Weighted[]): Promise<BlobId> {
  const total = models.reduce((sum, { weight }) => sum + weight, 0);
  const sum = new WeightedSum(models.map(({ weights, weight }) => ({ weights, factor: weight })));
  const [blob] = await mapWeights(store, { readers: [sum], outputs: 1 }, ({ values: [sums] }, [out]) => {
    for (let index = 0; index < sums!.length; index++) out![index] = sums![index]! / total;
  });
  for (const { weights } of models) weights.forget?.();
  return blob!;
}
