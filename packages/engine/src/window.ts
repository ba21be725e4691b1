/** The sliding windows of convolutions and poolings, their attributes made explicit. */
import type { Attributes } from './model.ts';
import { mismatch, range, sameShape } from './shape.ts';

/** One entry a spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  /** Size of the spatial axes of the result. */
  readonly output: readonly number[];
}

export function numbers(attributes: Attributes, name: string): readonly number[] | undefined {
  return attributes[name] as readonly number[] | undefined;
}

function kernelOf(attributes: Attributes, ofWeights: readonly number[] | undefined): readonly number[] {
  const stated = numbers(attributes, 'kernel_shape');
  if (stated !== undefined && ofWeights !== undefined && !sameShape(stated, ofWeights)) {
    throw mismatch(`kernel_shape [${stated.join(', ')}] is not that of the weights, [${ofWeights.join(', ')}]`);
  }
  return stated ?? ofWeights ?? [];
}

/**
 * Of Conv, MaxPool, AveragePool: `auto_pad` resolved as the ONNX definition says, `ceil_mode` with PyTorch's rule that
 * the last window begins inside the padded input.
 */
export function windowOf(
  attributes: Attributes,
  input: readonly number[],
  kernelOfWeights?: readonly number[],
): Window {
  const rank = input.length;
  const kernel = kernelOf(attributes, kernelOfWeights);
  const strides = numbers(attributes, 'strides') ?? range(rank).map(() => 1);
  const dilations = numbers(attributes, 'dilations') ?? range(rank).map(() => 1);
  const pads = numbers(attributes, 'pads') ?? range(2 * rank).map(() => 0);
  const autoPad = attributes['auto_pad'] ?? 'NOTSET';
  if (kernel.length !== rank || strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    throw mismatch('a window has not one entry per spatial axis');
  }
  const reach = kernel.map((size, axis) => dilations[axis]! * (size - 1) + 1);
  let padsBegin = pads.slice(0, rank);
  let padsEnd = pads.slice(rank);
  if (autoPad === 'VALID') [padsBegin, padsEnd] = [range(rank).map(() => 0), range(rank).map(() => 0)];
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
    const totals = input.map((size, axis) => {
      const output = Math.ceil(size / strides[axis]!);
      return Math.max(0, (output - 1) * strides[axis]! + reach[axis]! - size);
    });
    const [small, large] = [totals.map((all) => Math.floor(all / 2)), totals.map((all) => Math.ceil(all / 2))];
    [padsBegin, padsEnd] = autoPad === 'SAME_UPPER' ? [small, large] : [large, small];
  }
  const output = input.map((size, axis) => {
    const room = size + padsBegin[axis]! + padsEnd[axis]! - reach[axis]!;
    const stride = strides[axis]!;
    if (attributes['ceil_mode'] !== 1) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    return (count - 1) * stride >= size + padsBegin[axis]! ? count - 1 : count;
  });
  if (output.some((size) => !(size >= 1)))
    throw mismatch(`a window of [${reach.join(', ')}] does not fit [${input.join(', ')}]`);
  return { kernel, strides, dilations, padsBegin, padsEnd, output };
}

/** Of ConvTranspose; `output_shape` and `auto_pad` resolved as the ONNX definition says. */
export function transposedWindowOf(
  attributes: Attributes,
  input: readonly number[],
  kernelOfWeights: readonly number[],
): Window {
  const rank = input.length;
  const kernel = kernelOf(attributes, kernelOfWeights);
  const strides = numbers(attributes, 'strides') ?? range(rank).map(() => 1);
  const dilations = numbers(attributes, 'dilations') ?? range(rank).map(() => 1);
  const extra = numbers(attributes, 'output_padding') ?? range(rank).map(() => 0);
  const pads = numbers(attributes, 'pads') ?? range(2 * rank).map(() => 0);
  const autoPad = attributes['auto_pad'] ?? 'NOTSET';
  const perAxis = [kernel, strides, dilations, extra];
  if (perAxis.some((each) => each.length !== rank) || pads.length !== 2 * rank) {
    throw mismatch('a window has not one entry per spatial axis');
  }
  const asked = numbers(attributes, 'output_shape')?.slice(-rank);
  let padsBegin = pads.slice(0, rank);
  let padsEnd = pads.slice(rank);
  const full = input.map(
    (size, axis) => strides[axis]! * (size - 1) + extra[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1,
  );
  const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  const wanted = asked ?? (same ? input.map((size, axis) => size * strides[axis]!) : undefined);
  if (wanted !== undefined) {
    const totals = full.map((size, axis) => Math.max(0, size - wanted[axis]!));
    const [small, large] = [totals.map((all) => Math.floor(all / 2)), totals.map((all) => Math.ceil(all / 2))];
    [padsBegin, padsEnd] = autoPad === 'SAME_UPPER' ? [small, large] : [large, small];
  }
  if (autoPad === 'VALID') [padsBegin, padsEnd] = [range(rank).map(() => 0), range(rank).map(() => 0)];
  const output = full.map((size, axis) => size - padsBegin[axis]! - padsEnd[axis]!);
  if (output.some((size) => !(size >= 1))) throw mismatch('a transposed convolution has no output');
  return { kernel, strides, dilations, padsBegin, padsEnd, output };
}
