/** How the tensors of one model differ from those of another. */
import type { WeightsShape } from './weights.ts';

export interface Mismatch {
  readonly code: `federation.${string}`;
  readonly message: string;
}

/** null if both have the same names, shapes and dtypes. */
export function shapeMismatch(got: WeightsShape, expected: WeightsShape): Mismatch | null {
  const missing = [...expected.keys()].filter((name) => !got.has(name)).length;
  const added = [...got.keys()].filter((name) => !expected.has(name)).length;
  if (missing > 0 || added > 0) {
    return {
      code: 'federation.weights-other-names',
      message: `The weights are those of another network: ${missing} tensors are missing and ${added} are unknown.`,
    };
  }
  for (const [name, { dtype, shape }] of expected) {
    const own = got.get(name)!;
    if (own.dtype !== dtype) {
      return {
        code: 'federation.weights-other-dtype',
        message: `Tensor ${name} is ${own.dtype} instead of ${dtype}.`,
      };
    }
    if (own.shape.length !== shape.length || own.shape.some((size, axis) => size !== shape[axis])) {
      return {
        code: 'federation.weights-other-shape',
        message: `Tensor ${name} has shape [${own.shape}] instead of [${shape}].`,
      };
    }
  }
  return null;
}
