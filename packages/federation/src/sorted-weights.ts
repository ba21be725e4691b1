/** What robust averages look at: the values of all sites at one coordinate, in order of size. */
import type { BlobId } from '@consilium/protocol';
import type { BlobStore } from './store.ts';
import { mapWeights, type WeightsReader } from './weights.ts';

/** A new model of what `pick` makes of the sorted values of each coordinate. It must not keep the array. */
export async function mapSorted(
  store: BlobStore,
  models: readonly { readonly weights: WeightsReader }[],
  pick: (sorted: Float64Array) => number,
): Promise<BlobId> {
  const sorted = new Float64Array(models.length);
  const readers = models.map(({ weights }) => weights);
  const [blob] = await mapWeights(store, { readers, outputs: 1 }, ({ values }, [out]) => {
    for (let index = 0; index < out!.length; index++) {
      for (let model = 0; model < values.length; model++) insert(sorted, model, values[model]![index]!);
      out![index] = pick(sorted);
    }
  });
  return blob!;
}

/** Puts a value in its place among the first `count`, which are in order. For a few dozen sites nothing is faster. */
function insert(sorted: Float64Array, count: number, value: number): void {
  let place = count;
  for (; place > 0 && sorted[place - 1]! > value; place--) sorted[place] = sorted[place - 1]!;
  sorted[place] = value;
}
