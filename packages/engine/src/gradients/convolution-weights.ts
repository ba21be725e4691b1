/**
 * The weight gradient of a convolution with stride 1 as matrix products over shifted copies ("flat shift").
 *
 * Rows and planes of X [ci, z, y, x] are laid end to end with enough shared zeros between them that a step to a
 * neighbour in the plane is a shift of one flat axis. With A the copies of X shifted by each tap of the plane and B the
 * copies of dY shifted by each tap in depth,
 *   dW[o, c, kz, ky, kx] = (A B^T)[ky kx c, kz o].
 * A 3x3x3 kernel needs 9 + 3 copies, not 27. They are made slab by slab in depth, small enough for the processor's
 * cache, and the products add up, so that they cost neither the memory nor the time of 12 copies of the volume
 * (docs/decisions/0004-training-graph-memory.md).
 */
import type { GraphBuilder } from '../graph-builder.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import type { Window } from '../window.ts';
import { onlyAfter } from './order.ts';
import { reshape, transpose } from './rule.ts';

/** Shifted copies held at a time, bytes: 20 MB measured best of 6 to 80 where the last-level cache has 32 MB. */
const slabBytesMax = 20e6;

type Three = readonly [number, number, number];

/** A convolution of one to three dimensions as one of three: axes of size 1 in front. */
interface Convolution {
  readonly x: Value; // [n, ci, z, y, x]
  readonly dy: Value; // [n, co, z', y, x]
  readonly kernel: Three;
  readonly dilations: Three;
  readonly padsBegin: Three;
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
  const [batch, ci, depth, height, width] = c.x.shape as [number, number, number, number, number];
  const co = c.dy.shape[1]!;
  const [kz, ky, kx] = c.kernel;
  const plane = (height + c.gap.row) * (width + c.gap.column);
  const planesMax = Math.max(1, Math.floor(slabBytesMax / ((ky * kx * ci + kz * co) * plane * 4)));
  const slabs = Math.ceil(depth / planesMax);
  const planes = Math.ceil(depth / slabs);
  let total: Value | undefined; // [ky kx ci, kz co]
  for (let entry = 0; entry < batch; entry++) {
    for (let first = 0; first < depth; first += planes) {
      const slab = { entry, first, end: Math.min(depth, first + planes), zero: zeroAfter(g, total) };
      const a = shiftedInPlane(g, c, slab);
      const b = shiftedInDepth(g, c, slab);
      total = g.op('Gemm', total === undefined ? [a, b] : [a, b, total], { transB: 1 });
    }
  }
  const apart = reshape(g, total!, [ky, kx, ci, kz, co]); // shifts descend: taps of the plane are reversed
  const minus = g.int64s(-1, -1);
  const ordered = g.op('Slice', [apart, minus, g.int64s(-ky - 1, -kx - 1), g.int64s(0, 1), minus]);
  const rank = x.shape.length;
  return reshape(g, transpose(g, ordered, [4, 2, 3, 0, 1]), [co, ci, ...window.kernel].slice(0, rank));
}

function asThree(g: GraphBuilder, x: Value, dy: Value, window: Window): Convolution {
  const lacking = 5 - x.shape.length;
  const three = (sizes: readonly number[], filler: number): Three =>
    [...range(lacking).map(() => filler), ...sizes] as unknown as Three;
  const wide = (value: Value): Value =>
    reshape(g, value, [...value.shape.slice(0, 2), ...three(value.shape.slice(2), 1)]);
  const padsBegin = three(window.padsBegin, 0);
  const padsEnd = three(window.padsEnd, 0);
  return {
    x: wide(x),
    dy: wide(dy),
    kernel: three(window.kernel, 1),
    dilations: three(window.dilations, 1),
    padsBegin,
    gap: { row: Math.max(padsBegin[1], padsEnd[1]), column: Math.max(padsBegin[2], padsEnd[2]) },
  };
}

interface Slab {
  readonly entry: number;
  /** Planes of X. */
  readonly first: number;
  readonly end: number;
  /** What is filled in. */
  readonly zero: Value;
}

/** A zero that waits for the product of the slab before, so that no slab is laid out before its turn. */
function zeroAfter(g: GraphBuilder, total: Value | undefined): Value {
  if (total === undefined) return g.scalar(0);
  const corner = g.op('Slice', [total, g.int64s(0, 0), g.int64s(1, 1)]);
  return reshape(g, onlyAfter(g, corner, g.filled('float32', [1, 1], 0)), []);
}

/**
 * Planes `first` to `end` of one batch entry with zeros after rows and columns, [1, c, planes, y + gap, x + gap]: one
 * Pad, whose negative counts cut.
 */
function cut(g: GraphBuilder, c: Convolution, value: Value, { entry, first, end, zero }: Slab): Value {
  const [batch, channels, depth, height, width] = value.shape as [number, number, number, number, number];
  const { row, column } = c.gap;
  if (first >= depth || end <= 0)
    return g.filled('float32', [1, channels, end - first, height + row, width + column], 0);
  const pads = [-entry, 0, -first, 0, 0, entry + 1 - batch, 0, end - depth, row, column];
  return g.op('Pad', [value, g.int64s(...pads), zero]);
}

/**
 * A [ky kx ci, planes (y + gap) (x + gap)]: copies of X in order of descending shift. One Concat of the flat slab with
 * zeros between: copy k begins k slabs from the start, less its shift. Where a shift reaches over an end it reads
 * zeros, or what dY's zeros cancel.
 */
function shiftedInPlane(g: GraphBuilder, c: Convolution, slab: Slab): Value {
  const padded = cut(g, c, c.x, slab);
  const rowLength = padded.shape[4]!;
  const shifts = range(c.kernel[1]).flatMap((ky) =>
    range(c.kernel[2]).map(
      (kx) => (ky * c.dilations[1] - c.padsBegin[1]) * rowLength + kx * c.dilations[2] - c.padsBegin[2],
    ),
  );
  shifts.reverse();
  const size = product(padded.shape);
  const rows = [shifts.length * padded.shape[1]!, size / padded.shape[1]!];
  const flat = reshape(g, padded, [size]);
  if (shifts.length === 1 && shifts[0] === 0) return reshape(g, flat, rows);
  const parts: Value[] = [];
  const zeros = (count: number): void => {
    if (count > 0) parts.push(g.filled('float32', [count], 0));
  };
  let position = 0;
  shifts.forEach((shift, index) => {
    const start = index * size - shift;
    const low = Math.max(0, -start);
    const high = Math.min(size, shifts.length * size - start);
    zeros(start - position);
    parts.push(low === 0 && high === size ? flat : g.op('Slice', [flat, g.int64s(low), g.int64s(high), g.int64s(0)]));
    position = start + high;
  });
  zeros(shifts.length * size - position);
  return reshape(g, g.op('Concat', parts, { axis: 0 }), rows);
}

/** B [kz co, planes (y + gap) (x + gap)]: dY as each plane of the slab meets it through each tap in depth. */
function shiftedInDepth(g: GraphBuilder, c: Convolution, slab: Slab): Value {
  const copies = range(c.kernel[0]).map((tap) => {
    const offset = c.padsBegin[0] - tap * c.dilations[0];
    return cut(g, c, c.dy, { ...slab, first: slab.first + offset, end: slab.end + offset });
  });
  const joined = copies.length === 1 ? copies[0]! : g.op('Concat', copies, { axis: 1 });
  return reshape(g, joined, [c.kernel[0] * c.dy.shape[1]!, product(joined.shape.slice(2))]);
}
