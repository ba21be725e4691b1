/**
 * Windows that tile an axis, as those of pooling and of up-sampling do: [size, kernel] in one axis. Operators that move,
 * compare or scale single numbers along the last axis take several times as long as a matrix product with zeros and
 * ones that repeats, sums or reorders them; so this file does the last axis by such products, block by block, and the
 * others by reshaping and transposing. The products are exact for finite numbers.
 */
import { tensorOf } from '../constant-folding.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { reshape, transpose } from './rule.ts';

/** Each number of the last axis `times` times in a row. */
export function repeated(g: GraphBuilder, value: Value, times: number): Value {
  if (times === 1) return value;
  const size = value.shape.at(-1)!;
  const block = blockOf(size);
  const matrix = selection(g, value, [block, block * times], (row, column) => row === Math.floor(column / times));
  return multiplied(g, value, matrix, [...value.shape.slice(0, -1), size * times]);
}

/** Sums of `times` neighbours each along the last axis. */
export function summed(g: GraphBuilder, value: Value, times: number): Value {
  if (times === 1) return value;
  const size = value.shape.at(-1)! / times;
  const block = blockOf(size);
  const matrix = selection(g, value, [block * times, block], (row, column) => column === Math.floor(row / times));
  return multiplied(g, value, matrix, [...value.shape.slice(0, -1), size]);
}

/** [n, c, k, l, a, b] of kernel [k, l] as [n, c, a k, b l]; any number of axes. */
export function tilesJoined(g: GraphBuilder, value: Value): Value {
  const tiles = tilesOf(value.shape, (value.shape.length - 2) / 2);
  const { block, times } = tiles;
  const inRows = transpose(g, reshape(g, value, tiles.apart), tiles.order);
  if (times === 1) return reshape(g, inRows, tiles.joined);
  const isPlace = (row: number, column: number): boolean =>
    row === (column % times) * block + Math.floor(column / times);
  return multiplied(g, inRows, selection(g, value, [times * block, block * times], isPlace), tiles.joined);
}

/** The inverse of `tilesJoined`. */
export function tilesApart(g: GraphBuilder, value: Value, kernel: readonly number[]): Value {
  const [n, c, ...grown] = value.shape as [number, number, ...number[]];
  const shape = [n, c, ...kernel, ...grown.map((size, axis) => size / kernel[axis]!)];
  const tiles = tilesOf(shape, kernel.length);
  const { block, times } = tiles;
  const inRows = tiles.order.map((axis) => tiles.apart[axis]!);
  const isPlace = (row: number, column: number): boolean => column === (row % times) * block + Math.floor(row / times);
  const ordered =
    times === 1
      ? reshape(g, value, inRows)
      : multiplied(g, value, selection(g, value, [block * times, times * block], isPlace), inRows);
  const back = tiles.order.map((_, axis) => tiles.order.indexOf(axis));
  return reshape(g, transpose(g, ordered, back), shape);
}

/** Of [n, c, ...kernel, ...sizes]. */
interface Tiles {
  /** The same with the last axis cut into blocks. */
  readonly apart: readonly number[];
  /** From that to [n, c, a, k, ..., b / block, l, block]: all that a row of the product holds side by side. */
  readonly order: readonly number[];
  /** [n, c, a k, b l] */
  readonly joined: readonly number[];
  readonly block: number;
  /** Of the kernel along the last axis. */
  readonly times: number;
}

function tilesOf([n, c, ...rest]: readonly number[], rank: number): Tiles {
  const [kernel, sizes] = [rest.slice(0, rank), rest.slice(rank)];
  const last = sizes.at(-1)!;
  const block = blockOf(last);
  const outer = range(rank - 1).flatMap((axis) => [2 + rank + axis, 2 + axis]);
  return {
    apart: [n!, c!, ...kernel, ...sizes.slice(0, -1), last / block, block],
    order: [0, 1, ...outer, 1 + 2 * rank, 1 + rank, 2 + 2 * rank],
    joined: [n!, c!, ...sizes.map((size, axis) => size * kernel[axis]!)],
    block,
    times: kernel.at(-1)!,
  };
}

const blockMax = 32;

/** The largest number of at most `blockMax` that divides the size. */
function blockOf(size: number): number {
  return Math.max(...range(blockMax, 1).filter((count) => size % count === 0));
}

/** A matrix of zeros and ones, of the type of another value. */
function selection(
  g: GraphBuilder,
  { dtype }: Value,
  [rows, columns]: readonly [number, number],
  isOne: (row: number, column: number) => boolean,
): Value {
  const entries = range(rows * columns).map((index) => Number(isOne(Math.floor(index / columns), index % columns)));
  return g.constant(tensorOf(dtype, [rows, columns], entries));
}

/** The value in rows as long as the matrix has, times the matrix. */
function multiplied(g: GraphBuilder, value: Value, matrix: Value, shape: readonly number[]): Value {
  const length = matrix.shape[0]!;
  const rows = reshape(g, value, [product(value.shape) / length, length]);
  return reshape(g, g.op('MatMul', [rows, matrix]), shape);
}
