/** Derivatives of poolings. */
import type { Tensor } from '@consilium/numerics';
import { tensorOf } from '../constant-folding.ts';
import { EngineError } from '../engine-error.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { type Window, windowOf } from '../window.ts';
import { floatCode } from './arithmetic.ts';
import { interleaved } from './layout.ts';
import {
  assertListable,
  expand,
  type GradientQuestion,
  type GradientRule,
  like,
  pad,
  reshape,
  sum,
  upstream,
} from './rule.ts';
import { repeated, summed } from './tiles.ts';

type Builder = GradientQuestion['g'];

const isTiling = (window: Window, spatial: readonly number[]): boolean =>
  window.kernel.every(
    (size, axis) =>
      size === window.strides[axis] &&
      window.padsBegin[axis] === 0 &&
      window.output[axis]! * size === spatial[axis] &&
      (window.dilations[axis] === 1 || size === 1),
  );

/** [n, c, a, b] with kernel [k, l] as [n, c, a/k, k, b/l, l]. */
function tiled(g: Builder, value: Value, window: Window): Value {
  const inner = window.output.flatMap((size, axis) => [size, window.kernel[axis]!]);
  return reshape(g, value, [...value.shape.slice(0, 2), ...inner]);
}

/** One value a window, as [n, c, a/k, 1, b/l, 1]. */
function perTile(g: Builder, value: Value): Value {
  return reshape(g, value, [...value.shape.slice(0, 2), ...value.shape.slice(2).flatMap((size) => [size, 1])]);
}

/**
 * The gradient goes to the element that equals the maximum. Windows that tile the input: to the equal ones in equal
 * shares (ties of floating-point activations are rare; after a Relu a window of zeros shares what Relu then drops).
 * Other windows: to the first in memory order, as in PyTorch, found by the operator's indices.
 */
const maxPool: GradientRule = (q) => {
  const { g, node } = q;
  const x = node.inputs[0]!;
  const window = windowOf(node.attributes, x.shape.slice(2));
  if (!isTiling(window, x.shape.slice(2))) return [maxPoolByIndex(q, x)];
  // [n, c, a/k, k, b]: the last axis whole, because Equal and Mul are slow to broadcast along it
  const times = window.kernel.at(-1)!;
  const rows = reshape(g, x, [...tiled(g, x, window).shape.slice(0, -2), x.shape.at(-1)!]);
  const perRow = (value: Value): Value => reshape(g, value, rowsShape(value));
  const hits = g.op('Cast', [g.op('Equal', [rows, perRow(repeated(g, node.outputs[0]!, times))])], {
    to: floatCode(x),
  });
  const axes = range(window.kernel.length - 1).map((axis) => 2 * axis + 3);
  const share = g.op('Div', [perRow(upstream(q)), sum(g, summed(g, hits, times), axes)]);
  return [reshape(g, g.op('Mul', [hits, repeated(g, share, times)]), x.shape)];
};

/** [n, c, a, b] as [n, c, a, 1, b] */
function rowsShape({ shape }: Value): number[] {
  return [...shape.slice(0, 2), ...shape.slice(2, -1).flatMap((size) => [size, 1]), shape.at(-1)!];
}

function maxPoolByIndex(q: GradientQuestion, x: Value): Value {
  const { g, node } = q;
  const [, indices] = g.ops('MaxPool', [x], 2, node.attributes);
  const total = product(x.shape);
  const count = product(indices!.shape);
  const zeros = g.filled(x.dtype, [total], 0);
  const flat = (value: Value): Value => reshape(g, value, [count]);
  const scattered = g.op('ScatterElements', [zeros, flat(indices!), flat(upstream(q))], { axis: 0, reduction: 'add' });
  return reshape(g, scattered, x.shape);
}

/**
 * Each element gets its share of every window it lies in: a sum over the window's taps of the gradient put back at
 * stride distances. The divisor counts the padding or not, as `count_include_pad` says.
 */
const averagePool: GradientRule = (q) => {
  const { g, node } = q;
  const x = node.inputs[0]!;
  const spatial = x.shape.slice(2);
  const window = windowOf(node.attributes, spatial);
  const factors = inverseCounts(x, window, node.attributes['count_include_pad'] === 1);
  const share = factors.reduce((dy, factor) => g.op('Mul', [dy, g.constant(factor)]), upstream(q));
  if (isTiling(window, spatial)) {
    const wide = tiled(g, x, window).shape;
    return [reshape(g, expand(g, perTile(g, share), wide), x.shape)];
  }
  let apart = share;
  window.strides.forEach((step, axis) => {
    apart = interleaved(g, apart, axis + 2, step);
  });
  // one axis at a time: the window is separable
  spatial.forEach((size, index) => {
    const axis = index + 2;
    const terms = range(window.kernel[index]!).map((tap) => {
      const begin = tap * window.dilations[index]! - window.padsBegin[index]!;
      const sides = (count: number): number[] => apart.shape.map((_, each) => (each === axis ? count : 0));
      return pad(g, apart, sides(begin), sides(size - begin - apart.shape[axis]!));
    });
    apart = terms.reduce((total, term) => g.op('Add', [total, term]));
  });
  return [apart];
};

/**
 * 1 / number of elements of every window as factors: one for the axes on which all windows have equally many, and
 * [1, 1, ..., output, ..., 1] for each axis on which they have not.
 */
function inverseCounts(x: Value, window: Window, includePads: boolean): Tensor[] {
  if (x.dtype !== 'float32' && x.dtype !== 'float64') {
    throw new EngineError('engine.operator-not-differentiable', `AveragePool of ${x.dtype} has no derivative rule`);
  }
  const factors: Tensor[] = [];
  let common = 1;
  window.output.forEach((outputs, axis) => {
    assertListable('AveragePool', outputs * window.kernel[axis]!);
    const counts = range(outputs).map((index) => {
      const first = index * window.strides[axis]! - window.padsBegin[axis]!;
      const size = x.shape[axis + 2]!;
      const low = includePads ? -window.padsBegin[axis]! : 0;
      const high = includePads ? size + window.padsEnd[axis]! : size;
      return range(window.kernel[axis]!).filter((tap) => {
        const position = first + tap * window.dilations[axis]!;
        return position >= low && position < high;
      }).length;
    });
    if (counts.every((count) => count === counts[0])) common *= counts[0]!;
    else {
      const shape = x.shape.map((_, each) => (each === axis + 2 ? outputs : 1));
      const shares = counts.map((count) => 1 / count);
      factors.push(tensorOf(x.dtype, shape, shares));
    }
  });
  return [tensorOf(x.dtype, [], [1 / common]), ...factors];
}

const globalAverage: GradientRule = (q) => {
  const x = q.node.inputs[0]!;
  const scale = like(q.g, x, 1 / product(x.shape.slice(2)));
  return [expand(q.g, q.g.op('Mul', [upstream(q), scale]), x.shape)];
};

const globalMax: GradientRule = (q) => {
  const { g, node } = q;
  const x = node.inputs[0]!;
  const hits = g.op('Cast', [g.op('Equal', [x, node.outputs[0]!])], { to: floatCode(x) });
  const axes = range(x.shape.length - 2, 2);
  return [g.op('Mul', [hits, g.op('Div', [upstream(q), sum(g, hits, axes)])])];
};

export const poolingRules: Readonly<Record<string, GradientRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
};
