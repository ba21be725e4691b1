/**
 * The type and shape of every operator's outputs: https://onnx.ai/onnx/operators/. Shapes are always numbers here; what
 * a file leaves open is bound before (`specialise`). One entry an operator.
 */
import type { DType } from '@consilium/numerics';
import type { Attributes } from './model.ts';
import { dtypeOf } from './model-codec.ts';
import { broadcastShape, mismatch, normalAxis, product, range } from './shape.ts';
import type { Value } from './value.ts';
import { numbers, transposedWindowOf, windowOf } from './window.ts';

interface ShapeQuestion {
  readonly type: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Attributes;
  readonly outputCount: number;
  /** The content of an input, where it is known before the network runs. */
  known(index: number): readonly number[] | undefined;
}
export interface TypeAndShape {
  readonly dtype: DType;
  readonly shape: readonly number[];
}
type ShapeRule = (question: ShapeQuestion) => readonly TypeAndShape[];

/** @returns undefined if there is no rule for the operator. */
export function inferShapes(question: ShapeQuestion): readonly TypeAndShape[] | undefined {
  const { type, attributes } = question;
  if (!Object.hasOwn(rules, type)) return undefined;
  for (const index of range(inputsNeeded[type] ?? 1)) input(question, index);
  for (const name of attributesNeeded[type] ?? []) {
    if (typeof attributes[name] !== 'number') throw mismatch(`it has no attribute ${name}`);
  }
  return rules[type]!(question);
}

/** How many inputs an operator cannot do without; 1 unless listed. */
const inputsNeeded: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    `Conv ConvTranspose MatMul Gemm Pad Reshape Unsqueeze Gather GatherElements Expand Tile CastLike CumSum PRelu
    LayerNormalization Sub Mul Div Pow Mod And Or Xor Add Equal Less LessOrEqual Greater GreaterOrEqual`
      .split(/\s+/)
      .map((type) => [type, 2]),
  ),
  ...Object.fromEntries(
    'Slice Where Range OneHot ScatterElements InstanceNormalization GroupNormalization'
      .split(' ')
      .map((type) => [type, 3]),
  ),
  BatchNormalization: 5,
};

/** Numbers without which an operator has no meaning. */
const attributesNeeded: Readonly<Record<string, readonly string[]>> = {
  Concat: ['axis'],
  Cast: ['to'],
  GroupNormalization: ['num_groups'],
  DepthToSpace: ['blocksize'],
  SpaceToDepth: ['blocksize'],
};

function input(question: ShapeQuestion, index: number): Value {
  const value = question.inputs[index];
  if (value == null) throw mismatch(`input ${index} is missing`);
  return value;
}

function known(question: ShapeQuestion, index: number, what: string): readonly number[] {
  const content = question.known(index);
  if (content === undefined) throw mismatch(`its ${what} depend on data`);
  return content;
}

/** Axes of a reduction and the like: an input since version 13 or 18, an attribute before. */
function axesOf(attributes: Attributes, content: readonly number[] | undefined): readonly number[] | undefined {
  return numbers(attributes, 'axes') ?? content;
}

const same: ShapeRule = (q) => [{ dtype: input(q, 0).dtype, shape: input(q, 0).shape }];
const broadcast: ShapeRule = (q) => [
  { dtype: input(q, 0).dtype, shape: broadcastShape(...q.inputs.flatMap((each) => (each ? [each.shape] : []))) },
];
const comparison: ShapeRule = (q) => [{ ...broadcast(q)[0]!, dtype: 'bool' }];

const reduction: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axes = axesOf(q.attributes, q.inputs[1] ? known(q, 1, 'axes') : undefined);
  if ((axes === undefined || axes.length === 0) && q.attributes['noop_with_empty_axes'] === 1)
    return [{ dtype, shape }];
  const every = axes === undefined || axes.length === 0 ? range(shape.length) : axes;
  return [{ dtype, shape: without(shape, every, q.attributes['keepdims'] !== 0) }];
};

const argument: ShapeRule = (q) => {
  const { shape } = input(q, 0);
  const axis = (q.attributes['axis'] as number | undefined) ?? 0;
  return [{ dtype: 'int64', shape: without(shape, [axis], q.attributes['keepdims'] !== 0) }];
};

function without(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  const reduced = new Set(axes.map((axis) => normalAxis(axis, shape.length)));
  return shape.flatMap((size, axis) => (reduced.has(axis) ? (keep ? [1] : []) : [size]));
}

const pool: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const { output } = windowOf(q.attributes, shape.slice(2));
  const result = [...shape.slice(0, 2), ...output];
  return [{ dtype, shape: result }, ...(q.outputCount > 1 ? [{ dtype: 'int64' as const, shape: result }] : [])];
};

const globalPool: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  return [{ dtype, shape: [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)] }];
};

const convolution: ShapeRule = (q) => {
  const [x, w] = [input(q, 0), input(q, 1)];
  const group = (q.attributes['group'] as number | undefined) ?? 1;
  if (x.shape.length !== w.shape.length || x.shape[1] !== w.shape[1]! * group || w.shape[0]! % group !== 0) {
    throw mismatch(`weights [${w.shape.join(', ')}] in ${group} groups do not fit [${x.shape.join(', ')}]`);
  }
  const { output } = windowOf(q.attributes, x.shape.slice(2), w.shape.slice(2));
  return [{ dtype: x.dtype, shape: [x.shape[0]!, w.shape[0]!, ...output] }];
};

const transposedConvolution: ShapeRule = (q) => {
  const [x, w] = [input(q, 0), input(q, 1)];
  const group = (q.attributes['group'] as number | undefined) ?? 1;
  if (x.shape.length !== w.shape.length || x.shape[1] !== w.shape[0] || w.shape[0]! % group !== 0) {
    throw mismatch(`weights [${w.shape.join(', ')}] in ${group} groups do not fit [${x.shape.join(', ')}]`);
  }
  const { output } = transposedWindowOf(q.attributes, x.shape.slice(2), w.shape.slice(2));
  return [{ dtype: x.dtype, shape: [x.shape[0]!, w.shape[1]! * group, ...output] }];
};

const matMul: ShapeRule = (q) => {
  const [a, b] = [input(q, 0), input(q, 1)];
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  if (left.at(-1) !== right.at(-2)) throw mismatch(`[${a.shape.join(', ')}] times [${b.shape.join(', ')}]`);
  const shape = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  if (a.shape.length > 1) shape.push(left.at(-2)!);
  if (b.shape.length > 1) shape.push(right.at(-1)!);
  return [{ dtype: a.dtype, shape }];
};

const gemm: ShapeRule = (q) => {
  const [a, b] = [input(q, 0), input(q, 1)];
  const [m, k] = q.attributes['transA'] === 1 ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const [k2, n] = q.attributes['transB'] === 1 ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
  if (k !== k2 || a.shape.length !== 2 || b.shape.length !== 2) {
    throw mismatch(`Gemm of [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
  }
  return [{ dtype: a.dtype, shape: [m, n] }];
};

const concat: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axis = normalAxis(q.attributes['axis'] as number, shape.length);
  const sizes = q.inputs.map((_, index) => {
    const other = input(q, index).shape;
    if (other.length !== shape.length || other.some((size, each) => each !== axis && size !== shape[each])) {
      throw mismatch(`[${other.join(', ')}] joined to [${shape.join(', ')}] along axis ${axis}`);
    }
    return other[axis]!;
  });
  return [
    {
      dtype,
      shape: shape.with(
        axis,
        sizes.reduce((a, b) => a + b, 0),
      ),
    },
  ];
};

/** Sizes of the parts of a Split. */
export function splitSizes(size: number, count: number, asked: readonly number[] | undefined): readonly number[] {
  if (asked !== undefined) return asked;
  const chunk = Math.ceil(size / count);
  return range(count).map((index) => Math.min(chunk, size - index * chunk));
}

const split: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axis = normalAxis((q.attributes['axis'] as number | undefined) ?? 0, shape.length);
  const asked = q.inputs[1] ? known(q, 1, 'sizes') : numbers(q.attributes, 'split');
  const sizes = splitSizes(shape[axis]!, q.outputCount, asked);
  if (sizes.length !== q.outputCount || sizes.reduce((a, b) => a + b, 0) !== shape[axis]) {
    throw mismatch(`parts of [${sizes.join(', ')}] do not add up to ${shape[axis]}`);
  }
  return sizes.map((size) => ({ dtype, shape: shape.with(axis, size) }));
};

export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** What a Slice takes, with negative and overlong positions resolved. */
export function sliceRanges(
  shape: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  axes?: readonly number[],
  steps?: readonly number[],
): readonly SliceRange[] {
  for (const list of [ends, axes, steps]) {
    if (list !== undefined && list.length !== starts.length) {
      throw mismatch(`it has ${starts.length} starts, but ${list.length} ends, axes or steps`);
    }
  }
  if (steps?.includes(0)) throw mismatch('a step is 0');
  return starts.map((begin, index) => {
    const axis = normalAxis(axes?.[index] ?? index, shape.length);
    const size = shape[axis]!;
    const step = steps?.[index] ?? 1;
    const clamp = (position: number, low: number, high: number): number =>
      Math.min(high, Math.max(low, position < 0 ? position + size : position));
    const start = step > 0 ? clamp(begin, 0, size) : clamp(begin, 0, size - 1);
    const end = step > 0 ? clamp(ends[index]!, 0, size) : clamp(ends[index]!, -1, size - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

const slice: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axes = q.inputs[3] ? known(q, 3, 'axes') : undefined;
  const steps = q.inputs[4] ? known(q, 4, 'steps') : undefined;
  const sizes = [...shape];
  for (const each of sliceRanges(shape, known(q, 1, 'starts'), known(q, 2, 'ends'), axes, steps)) {
    sizes[each.axis] = each.count;
  }
  return [{ dtype, shape: sizes }];
};

/** Full `pads` of a Pad: begin of every axis, then end of every axis. */
export function padsOf(rank: number, pads: readonly number[], axes?: readonly number[]): readonly number[] {
  if (axes === undefined) return pads;
  const full = range(2 * rank).map(() => 0);
  axes.forEach((axis, index) => {
    full[normalAxis(axis, rank)] = pads[index]!;
    full[normalAxis(axis, rank) + rank] = pads[index + axes.length]!;
  });
  return full;
}

const pad: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const pads = padsOf(shape.length, known(q, 1, 'pads'), q.inputs[3] ? known(q, 3, 'axes') : undefined);
  if (pads.length !== 2 * shape.length) throw mismatch(`it has ${pads.length} pads for ${shape.length} axes`);
  return [{ dtype, shape: shape.map((size, axis) => size + pads[axis]! + pads[axis + shape.length]!) }];
};

const reshape: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const asked = known(q, 1, 'sizes');
  const sizes = asked.map((size, axis) => (size === 0 && q.attributes['allowzero'] !== 1 ? shape[axis]! : size));
  const open = sizes.indexOf(-1);
  const total = product(shape);
  if (open >= 0) sizes[open] = total / product(sizes.filter((_, axis) => axis !== open));
  if (product(sizes) !== total || !sizes.every(Number.isInteger)) {
    throw mismatch(`[${shape.join(', ')}] cannot become [${asked.join(', ')}]`);
  }
  return [{ dtype, shape: sizes }];
};

const flatten: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const asked = (q.attributes['axis'] as number | undefined) ?? 1;
  const axis = asked < 0 ? asked + shape.length : asked;
  return [{ dtype, shape: [product(shape.slice(0, axis)), product(shape.slice(axis))] }];
};

const transpose: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const order = numbers(q.attributes, 'perm') ?? range(shape.length).reverse();
  if (order.length !== shape.length) throw mismatch(`perm [${order.join(', ')}] of [${shape.join(', ')}]`);
  return [{ dtype, shape: order.map((axis) => shape[axis]!) }];
};

const squeeze: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axes = axesOf(q.attributes, q.inputs[1] ? known(q, 1, 'axes') : undefined);
  const every = axes ?? shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  return [{ dtype, shape: without(shape, every, false) }];
};

const unsqueeze: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axes = axesOf(q.attributes, q.inputs[1] ? known(q, 1, 'axes') : undefined) ?? [];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalAxis(axis, rank)));
  let next = 0;
  return [{ dtype, shape: range(rank).map((axis) => (added.has(axis) ? 1 : shape[next++]!)) }];
};

const gather: ShapeRule = (q) => {
  const [data, indices] = [input(q, 0), input(q, 1)];
  const axis = normalAxis((q.attributes['axis'] as number | undefined) ?? 0, data.shape.length);
  return [
    { dtype: data.dtype, shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)] },
  ];
};

const resize: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axes = numbers(q.attributes, 'axes')?.map((axis) => normalAxis(axis, shape.length)) ?? range(shape.length);
  const sizes = q.inputs[3] ? known(q, 3, 'sizes') : undefined;
  const scales = q.inputs[2] ? known(q, 2, 'scales') : undefined;
  if (sizes !== undefined && (q.attributes['keep_aspect_ratio_policy'] ?? 'stretch') !== 'stretch') {
    throw mismatch('Resize that keeps the aspect ratio is not supported');
  }
  const result = [...shape];
  axes.forEach((axis, index) => {
    result[axis] = sizes?.[index] ?? Math.floor(shape[axis]! * (scales?.[index] ?? 1));
  });
  return [{ dtype, shape: result }];
};

const depthToSpace: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const block = q.attributes['blocksize'] as number;
  const [n, c, y, x] = shape as [number, number, number, number];
  return [{ dtype, shape: [n, c / block ** 2, y * block, x * block] }];
};

const spaceToDepth: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const block = q.attributes['blocksize'] as number;
  const [n, c, y, x] = shape as [number, number, number, number];
  return [{ dtype, shape: [n, c * block ** 2, y / block, x / block] }];
};

const statistics: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const axis = normalAxis((q.attributes['axis'] as number | undefined) ?? -1, shape.length);
  const moments = { dtype, shape: shape.map((size, each) => (each < axis ? size : 1)) };
  return [{ dtype, shape }, moments, moments].slice(0, q.outputCount);
};

/** Scale, bias and the like have an entry a channel. */
const perChannel: ShapeRule = (q) => {
  const { dtype, shape } = input(q, 0);
  const groups = (q.attributes['num_groups'] as number | undefined) ?? 1;
  if (shape.length < 2 || shape[1]! % groups !== 0) {
    throw mismatch(`[${shape.join(', ')}] has no channels in ${groups} groups`);
  }
  for (const index of range(q.inputs.length - 1, 1)) {
    const own = input(q, index).shape;
    if (own.length !== 1 || own[0] !== shape[1]) {
      throw mismatch(`input ${index} is [${own.join(', ')}] for ${shape[1]} channels`);
    }
  }
  return [{ dtype, shape }];
};

const batchStatistics: ShapeRule = (q) => {
  const moments = { dtype: input(q, 3).dtype, shape: input(q, 3).shape };
  return [...perChannel(q), moments, moments].slice(0, q.outputCount);
};

const rules: Readonly<Record<string, ShapeRule>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MatMul: matMul,
  Gemm: gemm,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Gather: gather,
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  LayerNormalization: statistics,
  BatchNormalization: batchStatistics,
  InstanceNormalization: perChannel,
  GroupNormalization: perChannel,
  Dropout: (q) => [...same(q), { dtype: 'bool' as const, shape: input(q, 0).shape }].slice(0, q.outputCount),
  Cast: (q) => [{ dtype: dtypeOf(q.attributes['to'] as number), shape: input(q, 0).shape }],
  CastLike: (q) => [{ dtype: input(q, 1).dtype, shape: input(q, 0).shape }],
  Where: (q) => [{ dtype: input(q, 1).dtype, shape: broadcastShape(...range(3).map((i) => input(q, i).shape)) }],
  Expand: (q) => [{ dtype: input(q, 0).dtype, shape: broadcastShape(input(q, 0).shape, known(q, 1, 'sizes')) }],
  Tile: (q) => {
    const repeats = known(q, 1, 'repeats');
    return [{ dtype: input(q, 0).dtype, shape: input(q, 0).shape.map((size, axis) => size * repeats[axis]!) }];
  },
  Shape: (q) => {
    const { shape } = input(q, 0);
    const start = (q.attributes['start'] as number | undefined) ?? 0;
    return [{ dtype: 'int64', shape: [shape.slice(start, q.attributes['end'] as number | undefined).length] }];
  },
  Size: () => [{ dtype: 'int64', shape: [] }],
  ConstantOfShape: (q) => {
    const value = q.attributes['value'];
    const dtype = typeof value === 'object' && 'dtype' in value ? value.dtype : 'float32';
    return [{ dtype, shape: known(q, 0, 'sizes') }];
  },
  Range: (q) => {
    const [start, limit, delta] = range(3).map((index) => known(q, index, 'bounds')[0]!) as [number, number, number];
    return [{ dtype: input(q, 0).dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  },
  OneHot: (q) => {
    const { shape } = input(q, 0);
    const asked = (q.attributes['axis'] as number | undefined) ?? -1;
    const axis = asked < 0 ? asked + shape.length + 1 : asked;
    return [{ dtype: input(q, 2).dtype, shape: shape.toSpliced(axis, 0, known(q, 1, 'depth')[0]!) }];
  },
  ScatterElements: same,
  GatherElements: (q) => [{ dtype: input(q, 0).dtype, shape: input(q, 1).shape }],
  CumSum: same,
  Trilu: same,
  IsNaN: (q) => [{ dtype: 'bool', shape: input(q, 0).shape }],
  Not: same,
  ArgMax: argument,
  ArgMin: argument,
  ...Object.fromEntries(
    `Identity Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Erf Gelu Softplus Softsign Mish Softmax
    LogSoftmax Exp Log Sqrt Reciprocal Neg Abs Sign Floor Ceil Round Clip PRelu Sin Cos ThresholdedRelu`
      .split(/\s+/)
      .map((type) => [type, same]),
  ),
  ...Object.fromEntries(
    'Add Sub Mul Div Pow Mod Min Max Sum Mean And Or Xor'.split(' ').map((type) => [type, broadcast]),
  ),
  ...Object.fromEntries('Equal Less LessOrEqual Greater GreaterOrEqual'.split(' ').map((type) => [type, comparison])),
  ...Object.fromEntries(
    `ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp`
      .split(/\s+/)
      .map((type) => [type, reduction]),
  ),
};
