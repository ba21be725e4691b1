/**
 * The site's half of SCAFFOLD (Karimireddy et al. 2020, Algorithm 1, option II). Every step goes along the gradient plus
 * `c - cᵢ`, the correction: y ← y - η(g + c - cᵢ). After K steps cᵢ⁺ = cᵢ - c + (x - y) / (Kη), where x is what was sent.
 * That is the mean gradient of the steps only for plain gradient descent: with momentum or an adaptive step cᵢ is a
 * scaled surrogate.
 */
import type { Tensor, Weights } from '@consilium/numerics';
import type { Floats } from './weights.ts';

export interface LocalControl {
  /** c: the server's control variate, shaped as the weights. */
  readonly control: Weights;
  /** cᵢ: the site's own; empty for zeros, with which it begins. */
  readonly own: Weights;
}

/** What is added to the gradient in every step. */
export function controlCorrection({ control, own }: LocalControl): Weights {
  return mapTensors(control, (name, c) => {
    const mine = own.get(name)?.data as Floats | undefined;
    return (index) => c[index]! - (mine?.[index] ?? 0);
  });
}

export interface TrainedControl extends LocalControl {
  readonly sent: Weights;
  readonly trained: Weights;
  /** The sum of the learning rates of all steps: Kη where they are alike. */
  readonly rateSum: number;
}

/** The site's new control variate, to be kept, and how it changed, to be sent. */
export function controlAfter({ control, own, sent, trained, rateSum }: TrainedControl): {
  readonly own: Weights;
  readonly change: Weights;
} {
  const change = mapTensors(control, (name, c) => {
    const x = sent.get(name)!.data as Floats;
    const y = trained.get(name)!.data as Floats;
    return (index) => (x[index]! - y[index]!) / rateSum - c[index]!;
  });
  const next = mapTensors(change, (name, step) => {
    const mine = own.get(name)?.data as Floats | undefined;
    return (index) => (mine?.[index] ?? 0) + step[index]!;
  });
  return { own: next, change };
}

function mapTensors(like: Weights, elementOf: (name: string, data: Floats) => (index: number) => number): Weights {
  return new Map(
    [...like].map(([name, { dtype, shape, data }]): [string, Tensor] => {
      const value = elementOf(name, data as Floats);
      const values = (data as Floats).map((_, index) => value(index));
      return [name, { dtype, shape, data: values } as Tensor];
    }),
  );
}
