/** What a derivative rule is given and gives, and the steps that many rules share. */
import { EngineError } from '../engine-error.ts';
import type { BuilderNode, GraphBuilder } from '../graph-builder.ts';
import type { Attributes } from '../model.ts';
import { product, range, sameShape } from '../shape.ts';
import type { Value } from '../value.ts';

export interface GradientQuestion {
  readonly g: GraphBuilder;
  readonly node: BuilderNode;
  /** Of the outputs; null where the loss does not depend on one. */
  readonly outputGradients: readonly (Value | null)[];
  /** Of which inputs the gradient is asked for; what a rule gives beyond that is dropped. */
  readonly wanted: readonly boolean[];
}

/** The gradients of the inputs, in their order; null where there is none. */
export type GradientRule = (question: GradientQuestion) => readonly (Value | null)[];

/** The first output's gradient. */
export function upstream({ outputGradients }: GradientQuestion): Value {
  return outputGradients[0]!;
}

export function reshape(g: GraphBuilder, value: Value, shape: readonly number[]): Value {
  return sameShape(value.shape, shape) ? value : g.op('Reshape', [value, g.int64s(...shape)]);
}

export function sum(g: GraphBuilder, value: Value, axes: readonly number[], keepdims = true): Value {
  if (axes.length === 0) return value;
  return g.op('ReduceSum', [value, g.int64s(...axes)], { keepdims: keepdims ? 1 : 0 });
}

/** Undoes broadcasting: the sum over what `shape` was repeated along. */
export function sumTo(g: GraphBuilder, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  const missing = value.shape.length - shape.length;
  const axes = range(value.shape.length).filter(
    (axis) => axis < missing || (shape[axis - missing] === 1 && value.shape[axis] !== 1),
  );
  return reshape(g, sum(g, value, axes), shape);
}

export function expand(g: GraphBuilder, value: Value, shape: readonly number[]): Value {
  return sameShape(value.shape, shape) ? value : g.op('Expand', [value, g.int64s(...shape)]);
}

/** Longest axis for which a rule lists where each element comes from. */
const listedMax = 2 ** 20;

/** @throws EngineError `engine.operator-not-differentiable` if a rule would have to list too many positions. */
export function assertListable(type: string, positions: number): void {
  if (positions <= listedMax) return;
  throw new EngineError('engine.operator-not-differentiable', `cannot train through ${type} to ${positions} positions`);
}

/** A scalar of the same type as another value. */
export function like(g: GraphBuilder, other: Value, value: number): Value {
  return g.scalar(value, other.dtype);
}

export function slice(
  g: GraphBuilder,
  value: Value,
  axis: number,
  bounds: { readonly start: number; readonly end: number; readonly step?: number },
): Value {
  const step = bounds.step ?? 1;
  if (bounds.start === 0 && bounds.end >= value.shape[axis]! && step === 1) return value;
  return g.op('Slice', [value, g.int64s(bounds.start), g.int64s(bounds.end), g.int64s(axis), g.int64s(step)]);
}

/** Zeros around; `begin` and `end` have an entry an axis; negative ones cut. */
export function pad(g: GraphBuilder, value: Value, begin: readonly number[], end: readonly number[]): Value {
  let result = value;
  range(begin.length).forEach((axis) => {
    const size = result.shape[axis]!;
    result = slice(g, result, axis, { start: Math.max(0, -begin[axis]!), end: size - Math.max(0, -end[axis]!) });
  });
  const pads = [...begin, ...end].map((count) => Math.max(0, count));
  return pads.every((count) => count === 0) ? result : g.op('Pad', [result, g.int64s(...pads)]);
}

export function transpose(g: GraphBuilder, value: Value, perm: readonly number[]): Value {
  return perm.every((axis, index) => axis === index) ? value : g.op('Transpose', [value], { perm });
}

export function count(shape: readonly number[], axes: readonly number[]): number {
  return product(axes.map((axis) => shape[axis]!));
}

export function axisOf(attributes: Attributes, absent: number, rank: number): number {
  const axis = (attributes['axis'] as number | undefined) ?? absent;
  return axis < 0 ? axis + rank : axis;
}
