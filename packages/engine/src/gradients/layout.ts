/** Derivatives of operators that only move numbers: each is the movement back. */
import { numbersOf, tensorOf } from '../constant-folding.ts';
import { product, range } from '../shape.ts';
import { padsOf, sliceRanges, splitSizes } from '../shape-inference.ts';
import type { Value } from '../value.ts';
import { floatCode } from './arithmetic.ts';
import {
  assertListable,
  axisOf,
  type GradientQuestion,
  type GradientRule,
  pad,
  reshape,
  slice,
  sumTo,
  transpose,
  upstream,
} from './rule.ts';

function knownInput({ g, node }: GradientQuestion, index: number): number[] | undefined {
  const value = node.inputs[index];
  const content = value && g.known(value);
  return content ? numbersOf(content) : undefined;
}

const back: GradientRule = (q) => [reshape(q.g, upstream(q), q.node.inputs[0]!.shape)];

const concat: GradientRule = (q) => {
  const { g, node } = q;
  const axis = axisOf(node.attributes, 0, node.outputs[0]!.shape.length);
  let start = 0;
  return node.inputs.map((x, index) => {
    const end = start + x!.shape[axis]!;
    const part = q.wanted[index] ? slice(g, upstream(q), axis, { start, end }) : null;
    start = end;
    return part;
  });
};

const split: GradientRule = (q) => {
  const { g, node, outputGradients } = q;
  const x = node.inputs[0]!;
  const axis = axisOf(node.attributes, 0, x.shape.length);
  const sizes = splitSizes(x.shape[axis]!, node.outputs.length, knownInput(q, 1));
  const parts = outputGradients.map(
    (gradient, index) => gradient ?? g.filled(x.dtype, x.shape.with(axis, sizes[index]!), 0),
  );
  return [g.op('Concat', parts, { axis }), null];
};

/** Zeros between the elements for steps, reversal for negative ones, then zeros around. */
const sliceRule: GradientRule = (q) => {
  const { g } = q;
  const { shape } = q.node.inputs[0]!;
  const ranges = sliceRanges(shape, knownInput(q, 1)!, knownInput(q, 2)!, knownInput(q, 3), knownInput(q, 4));
  let dx = upstream(q);
  const begin = range(shape.length).map(() => 0);
  const end = [...begin];
  for (const { axis, start, step, count } of ranges) {
    const reach = (count - 1) * Math.abs(step) + 1;
    const low = step > 0 ? start : start - reach + 1;
    if (step < 0) dx = reversed(g, dx, axis);
    dx = interleaved(g, dx, axis, Math.abs(step));
    begin[axis] = low;
    end[axis] = shape[axis]! - low - reach;
  }
  return [pad(g, dx, begin, end), null, null, null, null];
};

function reversed(g: GradientQuestion['g'], value: Value, axis: number): Value {
  return g.op('Slice', [value, g.int64s(-1), g.int64s(-(2 ** 31)), g.int64s(axis), g.int64s(-1)]);
}

/** `step - 1` zeros between neighbours along an axis. */
export function interleaved(g: GradientQuestion['g'], value: Value, axis: number, step: number): Value {
  if (step === 1 || value.shape[axis] === 1) return value;
  const { shape } = value;
  const size = shape[axis]!;
  const apart = reshape(g, value, shape.toSpliced(axis + 1, 0, 1));
  const end = range(shape.length + 1).map((each) => (each === axis + 1 ? step - 1 : 0));
  const padded = pad(
    g,
    apart,
    end.map(() => 0),
    end,
  );
  return slice(g, reshape(g, padded, shape.with(axis, size * step)), axis, { start: 0, end: (size - 1) * step + 1 });
}

/** Constant padding is cut off; reflected and repeated borders are added back where they came from. */
const padRule: GradientRule = (q) => {
  const { g, node } = q;
  const x = node.inputs[0]!;
  const rank = x.shape.length;
  const pads = padsOf(rank, knownInput(q, 1)!, knownInput(q, 3));
  const mode = node.attributes['mode'] ?? 'constant';
  let dx = upstream(q);
  if (mode === 'constant') {
    return [
      pad(
        g,
        dx,
        pads.slice(0, rank).map((n) => -n),
        pads.slice(rank).map((n) => -n),
      ),
      null,
      null,
      null,
    ];
  }
  for (const axis of range(rank)) {
    const [before, after] = [pads[axis]!, pads[axis + rank]!];
    const size = x.shape[axis]!;
    if (before === 0 && after === 0) continue;
    assertListable('Pad', before + size + after);
    const source = range(before + size + after, -before).map((position) => borderSource(position, size, String(mode)));
    const index = g.constant(tensorOf('int64', [source.length], source));
    dx = gathered(g, dx, index, { axis, size });
  }
  return [dx, null, null, null];
};

/** Which element a position outside 0 .. size - 1 copies. */
function borderSource(position: number, size: number, mode: string): number {
  if (mode === 'edge') return Math.min(size - 1, Math.max(0, position));
  if (mode === 'wrap') return ((position % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((position % period) + period) % period;
  return Math.min(folded, period - folded);
}

/** The transposed gather: rows of `value` along an axis summed into `size` rows by index, as one matrix product. */
function gathered(g: GradientQuestion['g'], value: Value, index: Value, to: { axis: number; size: number }): Value {
  const { axis, size } = to;
  const positions = g.constant(tensorOf('int64', [size, 1], range(size)));
  const matrix = g.op('Cast', [g.op('Equal', [positions, index])], { to: floatCode(value) }); // [size, rows]
  const outer = product(value.shape.slice(0, axis));
  const inner = product(value.shape.slice(axis + 1));
  const flat = reshape(g, value, [outer, value.shape[axis]!, inner]);
  return reshape(g, g.op('MatMul', [matrix, flat]), value.shape.with(axis, size));
}

/** Adds rows that were taken from one place, by a product with the matrix of "was taken from". */
const gather: GradientRule = (q) => {
  const { g, node } = q;
  const [data, indices] = node.inputs as readonly [Value, Value];
  const axis = axisOf(node.attributes, 0, data.shape.length);
  const size = data.shape[axis]!;
  const rows = product(indices.shape);
  const flat = g.op('Reshape', [indices, g.int64s(rows)]);
  const zero = g.scalar(0, indices.dtype);
  const normal = g.op('Where', [g.op('Less', [flat, zero]), g.op('Add', [flat, g.scalar(size, indices.dtype)]), flat]);
  const asInt64 = normal.dtype === 'int64' ? normal : g.op('Cast', [normal], { to: 7 });
  return [gathered(g, reshape(g, upstream(q), data.shape.with(axis, rows)), asInt64, { axis, size }), null];
};

const transposeRule: GradientRule = (q) => {
  const rank = q.node.inputs[0]!.shape.length;
  const perm = (q.node.attributes['perm'] as readonly number[] | undefined) ?? range(rank).reverse();
  return [
    transpose(
      q.g,
      upstream(q),
      range(rank).map((axis) => perm.indexOf(axis)),
    ),
  ];
};

const tile: GradientRule = (q) => {
  const { shape } = q.node.inputs[0]!;
  const repeats = knownInput(q, 1)!;
  const apart = reshape(
    q.g,
    upstream(q),
    shape.flatMap((size, axis) => [repeats[axis]!, size]),
  );
  const axes = range(shape.length).map((axis) => 2 * axis);
  return [q.g.op('ReduceSum', [apart, q.g.int64s(...axes)], { keepdims: 0 }), null];
};

const cast: GradientRule = (q) => [
  q.g.op('Cast', [upstream(q)], { to: floatCode(q.node.inputs[0]!) }),
  ...q.node.inputs.slice(1).map(() => null),
];

const cumulativeSum: GradientRule = (q) => [
  q.g.op('CumSum', [upstream(q), q.node.inputs[1]!], {
    ...q.node.attributes,
    reverse: q.node.attributes['reverse'] === 1 ? 0 : 1,
  }),
  null,
];

export const layoutRules: Readonly<Record<string, GradientRule>> = {
  Identity: (q) => [upstream(q)],
  /** As in a network that is run, not trained: nothing is dropped. */
  Dropout: (q) => [upstream(q), null, null],
  Cast: cast,
  CastLike: cast,
  Reshape: back,
  Flatten: back,
  Squeeze: back,
  Unsqueeze: back,
  Transpose: transposeRule,
  Expand: (q) => [sumTo(q.g, upstream(q), q.node.inputs[0]!.shape), null],
  Tile: tile,
  Concat: concat,
  Split: split,
  Slice: sliceRule,
  Pad: padRule,
  Gather: gather,
  CumSum: cumulativeSum,
};
