/**
 * Optimisers as loops over typed arrays: parameters and moments are changed in place, arithmetic is in float64, storage
 * in float32. `docs/decisions/0003-optimiser-kernels.md` says why they are not part of the graph. The formulas are those
 * of PyTorch's `SGD`, `Adam` and `AdamW`.
 */
import type { Weights } from '@consilium/numerics';
import { assertNever } from './engine-error.ts';

export type OptimiserSpec =
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean; readonly weightDecay?: number }
  | {
      /** `adam` adds the weight decay to the gradient, `adamw` shrinks the weights (Loshchilov and Hutter 2019). */
      readonly kind: 'adam' | 'adamw';
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

/** One parameter's arrays, all of one length. */
interface Slot {
  readonly weight: Float32Array;
  readonly gradient: Float32Array;
  /** Momentum of SGD, first moment of Adam. */
  readonly first: Float32Array;
  /** Second moment of Adam; empty for SGD. */
  readonly second: Float32Array;
}

export interface Optimiser {
  /** Names of what it remembers about each parameter, as they appear in a checkpoint. */
  readonly moments: readonly ['first'] | readonly ['first', 'second'];
  /**
   * Changes `weight` and the moments in place.
   * @param step counted from 1
   * @param gradientScale factor on every gradient (clipping)
   */
  update(slot: Slot, options: { step: number; learningRate: number; gradientScale: number }): void;
}

export function createOptimiser(spec: OptimiserSpec): Optimiser {
  switch (spec.kind) {
    case 'sgd':
      return { moments: ['first'], update: (slot, options) => updateSgd(slot, spec, options) };
    case 'adam':
    case 'adamw':
      return { moments: ['first', 'second'], update: (slot, options) => updateAdam(slot, spec, options) };
    default:
      return assertNever(spec);
  }
}

function updateSgd(
  { weight, gradient, first }: Slot,
  spec: OptimiserSpec & { kind: 'sgd' },
  { learningRate, gradientScale }: { learningRate: number; gradientScale: number },
): void {
  const { momentum, nesterov, weightDecay = 0 } = spec;
  for (let index = 0; index < weight.length; index++) {
    const w = weight[index]!;
    const g = gradient[index]! * gradientScale + weightDecay * w;
    const velocity = momentum * first[index]! + g;
    first[index] = velocity;
    weight[index] = w - learningRate * (nesterov ? g + momentum * velocity : velocity);
  }
}

function updateAdam(
  { weight, gradient, first, second }: Slot,
  spec: OptimiserSpec & { kind: 'adam' | 'adamw' },
  options: { step: number; learningRate: number; gradientScale: number },
): void {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = spec;
  const { step, learningRate, gradientScale } = options;
  const decay = spec.weightDecay ?? (spec.kind === 'adamw' ? 0.01 : 0);
  const coupled = spec.kind === 'adam' ? decay : 0;
  const shrink = spec.kind === 'adamw' ? 1 - learningRate * decay : 1;
  const stepSize = learningRate / (1 - beta1 ** step);
  const rootCorrection = Math.sqrt(1 - beta2 ** step);
  for (let index = 0; index < weight.length; index++) {
    const w = weight[index]! * shrink;
    const g = gradient[index]! * gradientScale + coupled * w;
    const m = beta1 * first[index]! + (1 - beta1) * g;
    const v = beta2 * second[index]! + (1 - beta2) * g * g;
    first[index] = m;
    second[index] = v;
    weight[index] = w - (stepSize * m) / (Math.sqrt(v) / rootCorrection + epsilon);
  }
}

/** Square root of the sum of all squares, in float64, in the order of the map. */
export function globalNorm(gradients: Weights): number {
  let total = 0;
  for (const { data } of gradients.values()) {
    const values = data as Float32Array;
    let own = 0;
    for (let index = 0; index < values.length; index++) own += values[index]! * values[index]!;
    total += own;
  }
  return Math.sqrt(total);
}

/** Factor that brings a norm to at most `normMax`, as PyTorch's `clip_grad_norm_` computes it. */
export function clippingFactor(norm: number, normMax: number | undefined): number {
  return normMax === undefined ? 1 : Math.min(1, normMax / (norm + 1e-6));
}
