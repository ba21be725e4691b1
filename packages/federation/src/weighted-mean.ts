/**
 * The weighted mean of several sites' weights, one site at a time: memory is one float64 copy of the model, however many
 * sites there are. Sums are float64 in the order of `add`; callers add in site order, so that the same contributions
 * give the same bytes whatever order they arrived in.
 */
import { arrayConstructor, type Tensor, type Weights } from '@consilium/numerics';

export class WeightedMean {
  readonly #like: Weights;
  readonly #sums: ReadonlyMap<string, Float64Array>;
  #total = 0;

  /** `like`: names, shapes and dtypes (float32 or float64) of all that is added. */
  constructor(like: Weights) {
    this.#like = like;
    this.#sums = new Map([...like].map(([name, { data }]) => [name, new Float64Array(data.length)]));
  }

  /** `weight` > 0. */
  add(weights: Weights, weight: number): void {
    for (const [name, sum] of this.#sums) {
      const data = weights.get(name)!.data as Float32Array;
      for (let index = 0; index < sum.length; index++) sum[index] = sum[index]! + weight * data[index]!;
    }
    this.#total += weight;
  }

  /** In the names' order of `like`. Throws if nothing was added. */
  mean(): Weights {
    if (this.#total <= 0) throw new RangeError('the mean of nothing');
    return new Map(
      [...this.#sums].map(([name, sum]) => {
        const { dtype, shape } = this.#like.get(name)!;
        const data = new arrayConstructor[dtype as 'float32'](sum.length);
        for (let index = 0; index < sum.length; index++) data[index] = sum[index]! / this.#total;
        return [name, { dtype, shape, data } as Tensor];
      }),
    );
  }
}
