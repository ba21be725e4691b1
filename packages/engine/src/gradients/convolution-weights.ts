/**
 * The weight gradient of a convolution with stride 1 as matrix products over shifted copies ("flat shift").
 *
 * Rows and planes of X [ci, z, y, x] are laid end to end with enough shared zeros between them that a step to a
 * neighbour in the plane is a shift of one flat axis. With A the copies of X shifted by each tap of the plane and B the
 * copies of dY shifted by each tap in depth,
 *   dW[o, c, kz, ky, kx] = (A B^T)[ky kx c, o kz].
 * A 3x3x3 kernel needs 9 + 3 copies, not 27. Where dY has fewer channels than X, it is dY that is copied 9 times and X
 * 3 times, all shifts the other way round. The copies are made slab by slab in depth, small enough for the processor's
 * cache, and the products add up, so that they cost neither the memory nor the time of 12 copies of the volume
 * (docs/decisions/0004-training-graph-memory.md).
 */
import type { GraphBuilder } from '../graph-builder.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import type { Window } from '../window.ts';
import { onlyAfter } from './order.ts';
import { reshape, slice, transpose } from './rule.ts';

/** Shifted copies held at a time, bytes: 20 MB measured best of 6 to 80 where the last-level cache has 32 MB. */
const slabBytesMax = 20e6;

type Three = readonly [number, number, number];

/** A convolution of one to three dimensions as one of three: axes of size 1 in front. */
interface Convolution {
  /** X, or dY where that has fewer channels: copied for each tap of the plane. [n, c, z, y, x] */
  readonly inPlane: Value;
  /** The other: copied for each tap in depth. */
  readonly inDepth: Value;
  readonly isSwapped: boolean;
  readonly kernel: Three;
  readonly dilations: Three;
  readonly padsBegin: Three;
  readonly padsEnd: Three;
  /** Zeros after each row and after each plane's last row. */
  readonly gap: { readonly row: number; readonly column: number };
}

/** Whether dW can be had by flat shift: stride 1, one group, and rows and columns of dY as many as of X. */
export function isFlatShift(x: Value, window: Window, group: number): boolean {
  const spatial = x.shape.slice(2);
  return (
    group === 1 &&
    x.dtype === 'float32' &&
    spatial.length <= 3 &&
    window.strides.every((stride) => stride === 1) &&
    [...window.padsBegin, ...window.padsEnd].every((count) => count >= 0) &&
    window.output.every((size, axis) => size === spatial[axis] || (spatial.length === 3 && axis === 0))
  );
}

/** dW [co, ci, ...k] of a convolution for which `isFlatShift` holds. */
export function flatShiftWeightGradient(g: GraphBuilder, x: Value, dy: Value, window: Window): Value {
  const c = asThree(g, x, dy, window);
  const [batch, channelsInPlane, depth, height, width] = c.inPlane.shape as [number, number, number, number, number];
  const [kz, ky, kx] = c.kernel;
  const rows = ky * kx * channelsInPlane;
  const columns = c.inDepth.shape[1]! * kz;
  const plane = (height + c.gap.row) * (width + c.gap.column);
  const planesMax = Math.max(1, Math.floor(slabBytesMax / ((rows + columns) * plane * 4)));
  const slabs = Math.ceil(depth / planesMax);
  const planes = Math.ceil(depth / slabs);
  let total: Value | undefined; // [rows, columns]
  for (let entry = 0; entry < batch; entry++) {
    const wide = widened(g, c, entry);
    for (let first = 0; first < depth; first += planes) {
      const slab = { entry, first, end: Math.min(depth, first + planes), zero: zeroAfter(g, total) };
      const a = shiftedInPlane(g, c, slab);
      const b = shiftedInDepth(g, c, wide, slab);
      total = g.op('Gemm', total === undefined ? [a, b] : [a, b, total], { transB: 1 });
    }
  }
  return reshape(g, inOrderOfWeights(g, c, total!), [dy.shape[1]!, x.shape[1]!, ...window.kernel]);
}

/** [ky kx, co, ci, kz] or [ky kx, ci, co, kz] with the taps of the plane reversed, as [co, ci, kz, ky, kx]. */
function inOrderOfWeights(g: GraphBuilder, { isSwapped, kernel, inPlane }: Convolution, total: Value): Value {
  const [rows, columns] = total.shape as [number, number];
  const taps = kernel[1] * kernel[2];
  if (isSwapped) return transpose(g, reshape(g, total, [taps, (rows / taps) * columns]), [1, 0]);
  const apart = reshape(g, total, [taps, (rows / taps) * columns]);
  const reversed = slice(g, apart, 0, { start: -1, end: -taps - 1, step: -1 });
  const byOutput = transpose(g, reshape(g, reversed, [rows, columns]), [1, 0]);
  // two transpositions of two axes: ONNX Runtime does them several times as fast as one of all axes
  const [ci, kz] = [inPlane.shape[1]!, kernel[0]];
  return transpose(g, reshape(g, byOutput, [columns / kz, kz * taps, ci]), [0, 2, 1]);
}

function asThree(g: GraphBuilder, x: Value, dy: Value, window: Window): Convolution {
  const lacking = 5 - x.shape.length;
  const three = (sizes: readonly number[], filler: number): Three =>
    [...range(lacking).map(() => filler), ...sizes] as unknown as Three;
  const wide = (value: Value): Value =>
    reshape(g, value, [...value.shape.slice(0, 2), ...three(value.shape.slice(2), 1)]);
  const padsBegin = three(window.padsBegin, 0);
  const padsEnd = three(window.padsEnd, 0);
  const isSwapped = dy.shape[1]! < x.shape[1]!;
  return {
    inPlane: wide(isSwapped ? dy : x),
    inDepth: wide(isSwapped ? x : dy),
    isSwapped,
    kernel: three(window.kernel, 1),
    dilations: three(window.dilations, 1),
    padsBegin,
    padsEnd,
    gap: { row: Math.max(padsBegin[1], padsEnd[1]), column: Math.max(padsBegin[2], padsEnd[2]) },
  };
}

interface Slab {
  readonly entry: number;
  /** Planes of what is copied in the plane. */
  readonly first: number;
  readonly end: number;
  /** Waits for the product of the slab before. */
  readonly zero: Value;
}

/** A zero that waits for the product of the slab before, so that no slab is laid out before its turn. */
function zeroAfter(g: GraphBuilder, total: Value | undefined): Value {
  if (total === undefined) return g.scalar(0);
  const corner = g.op('Slice', [total, g.int64s(0, 0), g.int64s(1, 1)]);
  return reshape(g, onlyAfter(g, corner, g.filled('float32', [1, 1], 0)), []);
}

/**
 * A [ky kx c, planes (y + gap) (x + gap)]: a copy for each tap of the plane, each later than the one before; the first is
 * not shifted, the zeros before the other operand's rows make up for that. One Concat of the flat slab with zeros
 * between: copy k begins k slabs and its delay from the start. What a copy reads of its neighbour are zeros, or what the
 * other operand's zeros cancel.
 */
function shiftedInPlane(g: GraphBuilder, c: Convolution, { entry, first, end, zero }: Slab): Value {
  const [batch, channels, depth, height, width] = c.inPlane.shape as [number, number, number, number, number];
  const { row, column } = c.gap;
  const pads = [-entry, 0, -first, 0, 0, entry + 1 - batch, 0, end - depth, row, column]; // negative counts cut
  const size = channels * (end - first) * (height + row) * (width + column);
  const flat = reshape(g, g.op('Pad', [c.inPlane, g.int64s(...pads), zero]), [size]);
  const [, ky, kx] = c.kernel;
  const delays = range(ky).flatMap((y) =>
    range(kx).map((x) => y * c.dilations[1] * (width + column) + x * c.dilations[2]),
  );
  const parts: Value[] = [];
  let position = 0;
  delays.forEach((delay, index) => {
    const start = index * size + delay;
    const count = Math.min(size, delays.length * size - start);
    if (start > position) parts.push(g.filled('float32', [start - position], 0));
    parts.push(slice(g, flat, 0, { start: 0, end: count }));
    position = start + count;
  });
  const joined = parts.length === 1 ? parts[0]! : g.op('Concat', parts, { axis: 0 });
  return reshape(g, joined, [delays.length * channels, size / channels]);
}

/** The other operand with zeros before its rows and planes, and planes of zeros where taps in depth reach beyond it. */
interface Wide {
  readonly planes: Value; // [c, planes, (y + gap) (x + gap)]
  /** Planes of zeros before the first. */
  readonly begin: number;
}

/** Which plane of the other operand meets plane 0 through a tap in depth. */
function planeMet({ isSwapped, dilations, padsBegin }: Convolution, tap: number): number {
  const offset = tap * dilations[0] - padsBegin[0];
  return isSwapped ? offset : -offset;
}

function widened(g: GraphBuilder, c: Convolution, entry: number): Wide {
  const [batch, channels, depth] = c.inDepth.shape as [number, number, number];
  const met = range(c.kernel[0]).map((tap) => planeMet(c, tap));
  const begin = Math.max(0, -Math.min(...met));
  const end = Math.max(0, Math.max(...met) + c.inPlane.shape[2]! - depth);
  const [, rowsBefore, columnsBefore] = c.isSwapped ? c.padsBegin : c.padsEnd;
  const after = [c.gap.row - rowsBefore, c.gap.column - columnsBefore];
  const pads = [-entry, 0, begin, rowsBefore, columnsBefore, entry + 1 - batch, 0, end, ...after];
  const padded = g.op('Pad', [c.inDepth, g.int64s(...pads)]);
  return { planes: reshape(g, padded, [channels, begin + depth + end, product(padded.shape.slice(3))]), begin };
}

/** B [c kz, planes (y + gap) (x + gap)]: the planes that each plane of the slab meets through each tap in depth. */
function shiftedInDepth(g: GraphBuilder, c: Convolution, wide: Wide, { first, end, zero }: Slab): Value {
  const [channels, , plane] = wide.planes.shape as [number, number, number];
  const met = range(c.kernel[0]).flatMap((tap) => range(end - first, wide.begin + first + planeMet(c, tap)));
  const indices = g.op('Add', [g.int64s(...met), g.op('Cast', [zero], { to: 7 })]);
  return reshape(g, g.op('Gather', [wide.planes, indices], { axis: 1 }), [
    channels * c.kernel[0],
    (end - first) * plane,
  ]);
}
