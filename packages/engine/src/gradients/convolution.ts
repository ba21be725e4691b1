/**
 * Derivatives of Conv and ConvTranspose, one to three dimensions, any stride, dilation, groups and padding.
 *
 * Notation: X [n, ci, ...], weights W [co, ci/g, ...k], Y [n, co, ...], s stride, d dilation, p padding before.
 *   Y[o, i] = sum over c, k of W[o, c, k] X[c, s i + d k - p]
 */
import { numberAttribute } from '../graph-builder.ts';
import type { Attributes } from '../model.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { transposedWindowOf, type Window, windowOf } from '../window.ts';
import { flatShiftWeightGradient, isFlatShift } from './convolution-weights.ts';
import { onlyAfter } from './order.ts';
import { type GradientQuestion, type GradientRule, pad, reshape, sum, transpose, upstream } from './rule.ts';
import { tilesApart } from './tiles.ts';

type Builder = GradientQuestion['g'];

interface ConvolutionShape {
  readonly window: Window;
  readonly group: number;
}

/** Conv with explicit pads, which may be negative. */
function convolve(g: Builder, x: Value, w: Value, shape: ConvolutionShape): Value {
  const { strides, dilations, padsBegin, padsEnd } = shape.window;
  const cut = (counts: readonly number[]): number[] => [0, 0, ...counts.map((count) => Math.min(0, count))];
  const fitted = pad(g, x, cut(padsBegin), cut(padsEnd));
  const pads = [...padsBegin, ...padsEnd].map((count) => Math.max(0, count));
  const attributes: Attributes = { kernel_shape: w.shape.slice(2), strides, dilations, pads, group: shape.group };
  return g.op('Conv', [fitted, w], attributes);
}

/** [co, ci/g, ...k] to [ci, co/g, ...k]: what each input channel sends. */
function swappedWeights(g: Builder, w: Value, group: number): Value {
  const [co, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  const rank = kernel.length;
  if (group === 1) return transpose(g, w, [1, 0, ...range(rank, 2)]);
  const apart = reshape(g, w, [group, co / group, perGroup, ...kernel]);
  return reshape(g, transpose(g, apart, [0, 2, 1, ...range(rank, 3)]), [group * perGroup, co / group, ...kernel]);
}

/** Every spatial axis reversed. */
function mirrored(g: Builder, w: Value): Value {
  const axes = range(w.shape.length)
    .slice(2)
    .filter((axis) => w.shape[axis]! > 1);
  if (axes.length === 0) return w;
  const each = (value: number): Value => g.int64s(...axes.map(() => value));
  return g.op('Slice', [w, each(-1), each(-(2 ** 31)), g.int64s(...axes), each(-1)]);
}

/**
 * dX of Conv. With stride 1 it is a Conv with the weights swapped and reversed (`design`: 5 to 10 times the speed of
 * ConvTranspose); else ConvTranspose, made as long as X by `output_padding`, or by zeros where no window reached.
 */
function inputGradient(g: Builder, x: Value, w: Value, dy: Value, shape: ConvolutionShape): Value {
  const { window, group } = shape;
  const { kernel, strides, dilations, padsBegin } = window;
  const spatial = x.shape.slice(2);
  if (strides.every((stride) => stride === 1)) {
    const begin = kernel.map((size, axis) => dilations[axis]! * (size - 1) - padsBegin[axis]!);
    const end = spatial.map(
      (size, axis) => size - (dy.shape[axis + 2]! + begin[axis]! - dilations[axis]! * (kernel[axis]! - 1)),
    );
    const backwards = { ...window, padsBegin: begin, padsEnd: end, output: spatial };
    return convolve(g, dy, mirrored(g, swappedWeights(g, w, group)), { window: backwards, group });
  }
  // without padding, the transposed convolution covers [-p, -p + s (n - 1) + d (k - 1) + 1) of X
  const full = g.op('ConvTranspose', [dy, w], { kernel_shape: kernel, strides, dilations, group });
  const begin = padsBegin.map((count) => -count);
  const end = spatial.map((size, axis) => size - (full.shape[axis + 2]! - padsBegin[axis]!));
  return pad(g, full, [0, 0, ...begin], [0, 0, ...end]);
}

/**
 * dW of Conv: dW[o, c, k] = sum over n, i of dY[n, o, i] X[n, c, s i + d k - p]. As a Conv with batch and channel
 * swapped: input X' [ci/g, g n, ...], weights dY' [co, n, ...], stride d, dilation s; what lies beyond k is cut.
 */
function weightGradient(g: Builder, x: Value, w: Value, dy: Value, shape: ConvolutionShape): Value {
  const { window, group } = shape;
  const [co, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  const n = x.shape[0]!;
  const spatial = x.shape.slice(2);
  const rank = spatial.length;
  const apart = reshape(g, x, [n, group, perGroup, ...spatial]);
  const input = reshape(g, transpose(g, apart, [2, 1, 0, ...range(rank, 3)]), [perGroup, group * n, ...spatial]);
  const weights = transpose(g, dy, [1, 0, ...range(rank, 2)]);
  // exactly k results an axis: (size + p + end - s (out - 1) - 1) = d (k - 1)
  const padsEnd = spatial.map((size, axis) => {
    const reach = window.strides[axis]! * (dy.shape[axis + 2]! - 1) + 1;
    return window.dilations[axis]! * (kernel[axis]! - 1) + reach - size - window.padsBegin[axis]!;
  });
  const swapped = { ...window, strides: window.dilations, dilations: window.strides, padsEnd, output: kernel };
  const result = convolve(g, input, weights, { window: swapped, group }); // [ci/g, co, ...k]
  return reshape(g, transpose(g, result, [1, 0, ...range(rank, 2)]), [co, perGroup, ...kernel]);
}

/** Sum over all but the channels. */
function biasGradient(g: Builder, dy: Value): Value {
  return sum(g, dy, [0, ...range(dy.shape.length - 2, 2)], false);
}

const convolution: GradientRule = (q) => {
  const { g, node } = q;
  const [x, w] = node.inputs as readonly [Value, Value];
  const dy = upstream(q);
  const window = windowOf(node.attributes, x.shape.slice(2), w.shape.slice(2));
  const shape = { window, group: numberAttribute(node.attributes, 'group', 1) };
  const flat = isFlatShift(x, window, shape.group);
  const dw = (): Value => (flat ? flatShiftWeightGradient(g, x, dy, window) : weightGradient(g, x, w, dy, shape));
  const weights = q.wanted[1] ? dw() : null;
  // X is held until dW is computed, so dX, on which all earlier layers wait, comes second
  const later = weights === null ? w : onlyAfter(g, weights, w);
  return [
    q.wanted[0] ? inputGradient(g, x, later, dy, shape) : null,
    weights,
    q.wanted[2] ? biasGradient(g, dy) : null,
  ];
};

/** ConvTranspose is the dX of a Conv from Y to X with the same weights [ci, co/g, ...k]: its rules are that Conv's. */
const transposedConvolution: GradientRule = (q) => {
  const { g, node } = q;
  const [x, w] = node.inputs as readonly [Value, Value];
  const dy = upstream(q);
  const window = transposedWindowOf(node.attributes, x.shape.slice(2), w.shape.slice(2));
  const group = numberAttribute(node.attributes, 'group', 1);
  const bias = q.wanted[2] ? biasGradient(g, dy) : null;
  const isUpsampling =
    group === 1 &&
    [...window.padsBegin, ...window.padsEnd].every((count) => count === 0) &&
    window.kernel.every((size, axis) => size === window.strides[axis]) &&
    window.output.every((size, axis) => size === x.shape[axis + 2]! * window.kernel[axis]!);
  if (isUpsampling) return [...upsamplingGradients(q, x, w, dy), bias];
  // the Conv from dY to X, with pads at the end so that it gives exactly X's size
  const padsEnd = x.shape.slice(2).map((size, axis) => {
    const reach = window.dilations[axis]! * (window.kernel[axis]! - 1) + 1;
    return (size - 1) * window.strides[axis]! + reach - dy.shape[axis + 2]! - window.padsBegin[axis]!;
  });
  const shape = { window: { ...window, padsEnd, output: x.shape.slice(2) }, group };
  return [
    q.wanted[0] ? convolve(g, dy, w, shape) : null,
    q.wanted[1] ? weightGradient(g, dy, w, x, shape) : null,
    bias,
  ];
};

/** Kernel = stride: the windows do not overlap, and both gradients are one matrix product each. */
function upsamplingGradients(q: GradientQuestion, x: Value, w: Value, dy: Value): (Value | null)[] {
  const { g } = q;
  const [ci, co, ...kernel] = w.shape as [number, number, ...number[]];
  const [n, , ...spatial] = x.shape as [number, number, ...number[]];
  const taps = co * product(kernel);
  const places = product(spatial);
  const rows = reshape(g, tilesApart(g, dy, kernel), [n, taps, places]);
  const flatX = reshape(g, x, [n, ci, places]);
  const matrix = reshape(g, w, [ci, taps]);
  const byVoxel = (value: Value): Value => transpose(g, value, [0, 2, 1]);
  const dw = (): Value => {
    if (n === 1)
      return g.op('Gemm', [reshape(g, flatX, [ci, places]), reshape(g, rows, [taps, places])], { transB: 1 });
    return sum(g, g.op('MatMul', [flatX, byVoxel(rows)]), [0], false);
  };
  return [
    q.wanted[0] ? reshape(g, g.op('MatMul', [matrix, rows]), x.shape) : null,
    q.wanted[1] ? reshape(g, dw(), w.shape) : null,
  ];
}

export const convolutionRules: Readonly<Record<string, GradientRule>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
};
