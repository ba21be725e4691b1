/**
 * Computes small operators while a graph is built: the chains of Shape, Gather, Concat and arithmetic by which exporters
 * describe sizes. Values are held as JavaScript numbers; every size that occurs is far below 2^53.
 */
import { type ArrayOfDType, arrayConstructor, type DType, elementCount, type Tensor } from '@consilium/numerics';
import type { Attributes } from './model.ts';
import { mismatch, normalAxis, product, range } from './shape.ts';
import type { TypeAndShape } from './shape-inference.ts';
import { sliceRanges } from './shape-inference.ts';

/** Nothing larger is computed ahead. */
const elementsMax = 4096;

export interface FoldingQuestion {
  readonly type: string;
  readonly attributes: Attributes;
  readonly inputs: readonly (Tensor | null)[];
  readonly result: TypeAndShape;
}

/** The elements of a tensor as numbers. Those of int64 beyond 2^53 (open ends of slices) are rounded. */
export function numbersOf({ data }: Tensor): number[] {
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

/** A tensor of any type from numbers; int64 saturates. */
export function tensorOf(dtype: DType, shape: readonly number[], values: readonly number[]): Tensor {
  if (dtype === 'int64') {
    const limit = 2n ** 63n;
    const bounded = values.map((value) => {
      if (Number.isNaN(value)) throw mismatch('a size is not a number');
      if (!Number.isFinite(value)) return value > 0 ? limit - 1n : -limit;
      const whole = BigInt(Math.trunc(value));
      return whole >= limit ? limit - 1n : whole < -limit ? -limit : whole;
    });
    return { dtype, shape: [...shape], data: BigInt64Array.from(bounded) };
  }
  const Constructor = arrayConstructor[dtype] as Float32ArrayConstructor;
  return { dtype, shape: [...shape], data: Constructor.from(values) as unknown as ArrayOfDType[DType] };
}

/** @returns undefined if the operator is not computed ahead. */
export function fold({ type, attributes, inputs, result }: FoldingQuestion): Tensor | undefined {
  const { dtype, shape } = result;
  if (elementCount(shape) > elementsMax || inputs.some((each) => each && elementCount(each.shape) > elementsMax))
    return;
  if (inputs.some((each) => each?.dtype === 'float16' || each?.dtype === 'bfloat16')) return;
  const elementwise = elementwiseFunctions[type];
  if (elementwise !== undefined && inputs.every((each) => each !== null)) {
    const read = inputs.map((each) => broadcastReader(each as Tensor, shape));
    const values = range(elementCount(shape)).map((index) => elementwise(...read.map((value) => value(index))));
    const isWhole = !dtype.startsWith('float');
    if (isWhole && !values.every(Number.isFinite)) return undefined; // a division by zero
    return tensorOf(dtype, shape, isWhole ? values.map(Math.trunc) : values);
  }
  const computed = layoutFunctions[type]?.(inputs as readonly Tensor[], attributes, shape);
  return computed && tensorOf(dtype, shape, computed);
}

function broadcastReader(source: Tensor, shape: readonly number[]): (index: number) => number {
  const values = numbersOf(source);
  const strides = shape.map((_, axis) => {
    const own = axis - shape.length + source.shape.length;
    return own < 0 || source.shape[own] === 1 ? 0 : product(source.shape.slice(own + 1));
  });
  return (index) => {
    let rest = index;
    let position = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return values[position]!;
  };
}

const elementwiseFunctions: Readonly<Record<string, (...values: number[]) => number>> = {
  Add: (a, b) => a! + b!,
  Sub: (a, b) => a! - b!,
  Mul: (a, b) => a! * b!,
  Div: (a, b) => a! / b!,
  Mod: (a, b) => a! - b! * Math.floor(a! / b!),
  Min: (...values) => Math.min(...values),
  Max: (...values) => Math.max(...values),
  Neg: (a) => -a!,
  Abs: (a) => Math.abs(a!),
  Floor: (a) => Math.floor(a!),
  Ceil: (a) => Math.ceil(a!),
  Sqrt: (a) => Math.sqrt(a!),
  Cast: (a) => a!,
  Identity: (a) => a!,
  Equal: (a, b) => Number(a === b),
  Less: (a, b) => Number(a! < b!),
  Greater: (a, b) => Number(a! > b!),
  And: (a, b) => Number(a !== 0 && b !== 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
  Not: (a) => Number(a === 0),
  Where: (condition, a, b) => (condition !== 0 ? a! : b!),
  Expand: (a) => a!,
};

type LayoutFunction = (
  inputs: readonly Tensor[],
  attributes: Attributes,
  shape: readonly number[],
) => number[] | undefined;

const unchanged: LayoutFunction = ([x]) => numbersOf(x!);

const layoutFunctions: Readonly<Record<string, LayoutFunction>> = {
  Reshape: unchanged,
  Squeeze: unchanged,
  Unsqueeze: unchanged,
  Flatten: unchanged,
  ConstantOfShape: (_, attributes, shape) => {
    const value = attributes['value'];
    const fill = typeof value === 'object' && 'dtype' in value ? numbersOf(value)[0]! : 0;
    return range(elementCount(shape)).map(() => fill);
  },
  Range: (inputs, _, shape) => {
    const [start, , delta] = inputs.map((each) => numbersOf(each)[0]!);
    return range(shape[0]!).map((index) => start! + index * delta!);
  },
  Concat: (inputs) => (inputs.every((each) => each.shape.length === 1) ? inputs.flatMap(numbersOf) : undefined),
  Gather: ([data, indices], attributes) => {
    const axis = normalAxis((attributes['axis'] as number | undefined) ?? 0, data!.shape.length);
    if (axis !== 0) return undefined;
    const row = product(data!.shape.slice(1));
    const values = numbersOf(data!);
    return numbersOf(indices!).flatMap((index) => {
      const normal = index < 0 ? index + data!.shape[0]! : index;
      return values.slice(normal * row, (normal + 1) * row);
    });
  },
  Slice: ([data, ...bounds]) => {
    if (data!.shape.length !== 1) return undefined;
    const [starts, ends, axes, steps] = bounds.map((each) => each && numbersOf(each));
    const [{ start, step, count }] = sliceRanges(data!.shape, starts!, ends!, axes, steps) as [
      ReturnType<typeof sliceRanges>[0],
    ];
    const values = numbersOf(data!);
    return range(count).map((index) => values[start! + index * step]!);
  },
  ReduceProd: ([x], _, shape) => (elementCount(shape) === 1 ? [product(numbersOf(x!))] : undefined),
};
