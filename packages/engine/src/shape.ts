/** Arithmetic on shapes: what the operators' definitions at https://onnx.ai/onnx/operators/ share. */
import { EngineError } from './engine-error.ts';

/** NumPy's multidirectional broadcasting. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1) continue;
      if (size !== 1 && size !== own) {
        throw mismatch(`${shapes.map((each) => `[${each.join(', ')}]`).join(' and ')} do not broadcast`);
      }
      size = own;
    }
    return size;
  });
}

/** A negative axis counts from the end. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!(normal >= 0 && normal < Math.max(rank, 1))) throw mismatch(`axis ${axis} does not exist in ${rank} dimensions`);
  return normal;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

export function mismatch(reason: string): EngineError {
  return new EngineError('engine.shape-mismatch', reason);
}

export function range(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}
