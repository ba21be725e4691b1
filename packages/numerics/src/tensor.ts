/**
 * A named array of numbers with a shape: what a network's weights, an update and a batch are made of. Row-major, last
 * axis fastest, as in NumPy, PyTorch and ONNX.
 */

/** Element types this house computes with. The names are ONNX's; `float16` and `bfloat16` hold raw 16-bit patterns. */
export interface ArrayOfDType {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly float16: Uint16Array;
  readonly bfloat16: Uint16Array;
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly bool: Uint8Array;
}
export type DType = keyof ArrayOfDType;
export type TensorData = ArrayOfDType[DType];

export interface Tensor<T extends DType = DType> {
  readonly dtype: T;
  readonly shape: readonly number[];
  readonly data: ArrayOfDType[T];
}

/** Named tensors in a fixed order: the parameters of one network. */
export type Weights = ReadonlyMap<string, Tensor>;

export const arrayConstructor = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A tensor over `data` (not copied), or filled with zeros.
 * @throws RangeError if `data` does not have as many elements as `shape` says.
 */
export function tensor<T extends DType>(dtype: T, shape: readonly number[], data?: ArrayOfDType[T]): Tensor<T> {
  const count = elementCount(shape);
  if (data !== undefined && data.length !== count) {
    throw new RangeError(`shape [${shape.join(', ')}] needs ${count} elements, got ${data.length}`);
  }
  const values = data ?? (new arrayConstructor[dtype](count) as unknown as ArrayOfDType[T]);
  return { dtype, shape: [...shape], data: values };
}
