/** What flows along an edge of a graph: a tensor to be, of known type and shape. */
import type { DType } from '@consilium/numerics';

export interface Value {
  readonly name: string;
  readonly dtype: DType;
  /** Always numbers: a graph is built for one patch size and one batch size. */
  readonly shape: readonly number[];
}
