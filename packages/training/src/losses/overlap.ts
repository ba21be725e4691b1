/**
 * Losses that compare regions, not voxels: soft Dice and Tversky. All are made of three sums a class, over the voxels of
 * a patch or of the whole batch: what prediction p and truth t share, what is predicted, what is true.
 */
import type { GraphBuilder, Value } from '@consilium/engine';
import type { LossTerm } from '../network-spec.ts';
import type { ClassProbabilities } from './class-probabilities.ts';

type OverlapTerm = Extract<LossTerm, { kind: 'dice' | 'tversky' }>;

interface Sums {
  readonly shared: Value;
  readonly predicted: Value;
  readonly actual: Value;
}

/**
 * 1 - Dice, averaged over classes (and patches, unless `batch`).
 *
 * Dice = (2 sum pt + smooth) / (sum p + sum t + smooth): Drozdzal 2016 (arXiv:1608.04117) and nnU-Net; `squared`:
 * (2 sum pt + smooth) / (sum p^2 + sum t^2 + smooth), V-Net, Milletari 2016 (arXiv:1606.04797, section 3).
 */
export function diceLoss(
  g: GraphBuilder,
  probabilities: ClassProbabilities,
  term: Extract<LossTerm, { kind: 'dice' }>,
  classWeights: readonly number[],
): Value {
  const { shared, predicted, actual } = sums(g, probabilities, term, term.squared);
  const smooth = g.scalar(term.smooth);
  const numerator = g.op('Add', [g.op('Mul', [shared, g.scalar(2)]), smooth]);
  const denominator = g.op('Add', [g.op('Add', [predicted, actual]), smooth]);
  const lost = g.op('Sub', [g.scalar(1), g.op('Div', [numerator, denominator])]);
  return overClasses(g, lost, term, classWeights);
}

/**
 * (1 - T)^exponent, averaged as the Dice loss, with T = (TP + smooth) / (TP + alpha FP + beta FN + smooth): Salehi 2017
 * (arXiv:1706.05721, equation 4). FP = sum p - TP and FN = sum t - TP. With an exponent below 1 it is the focal Tversky
 * loss of Abraham 2019 (arXiv:1810.07842, exponent 1 / gamma).
 */
export function tverskyLoss(
  g: GraphBuilder,
  probabilities: ClassProbabilities,
  term: Extract<LossTerm, { kind: 'tversky' }>,
  classWeights: readonly number[],
): Value {
  const { shared, predicted, actual } = sums(g, probabilities, term, false);
  const smooth = g.scalar(term.smooth);
  const times = (value: Value, factor: number): Value => g.op('Mul', [value, g.scalar(factor)]);
  const wrong = g.op('Add', [times(predicted, term.alpha), times(actual, term.beta)]);
  const all = g.op('Add', [times(shared, 1 - term.alpha - term.beta), wrong]);
  const index = g.op('Div', [g.op('Add', [shared, smooth]), g.op('Add', [all, smooth])]);
  let lost = g.op('Sub', [g.scalar(1), index]);
  if (term.exponent !== 1) {
    // The slope at a perfect overlap is infinite: stop just short of it.
    lost = g.op('Pow', [g.op('Clip', [lost, g.scalar(1e-6), null]), g.scalar(term.exponent)]);
  }
  return overClasses(g, lost, term, classWeights);
}

/** Each `[n, c, 1]`, or `[1, c, 1]` over the batch. */
function sums(g: GraphBuilder, probabilities: ClassProbabilities, { batch }: OverlapTerm, squared: boolean): Sums {
  const axes = batch ? g.int64s(0, 2) : g.int64s(2);
  const sum = (value: Value): Value => g.op('ReduceSum', [value, axes], { keepdims: 1 });
  const { oneHot, valid, softmax } = probabilities;
  const counted = (value: Value): Value => (valid === undefined ? value : g.op('Mul', [value, valid]));
  return {
    shared: sum(g.op('Mul', [softmax, oneHot])),
    predicted: sum(counted(squared ? g.op('Mul', [softmax, softmax]) : softmax)),
    actual: sum(oneHot),
  };
}

/** The weighted mean over the classes and the mean over what else there is; a scalar. */
function overClasses(g: GraphBuilder, lost: Value, term: OverlapTerm, classWeights: readonly number[]): Value {
  const weights = classWeights.map((weight, index) => (index === 0 && !term.background ? 0 : weight));
  const total = weights.reduce((a, b) => a + b, 0) * lost.shape[0]!;
  const data = Float32Array.from(weights, (weight) => weight / total);
  const shares = g.constant({ dtype: 'float32', shape: [1, weights.length, 1], data });
  return g.op('ReduceSum', [g.op('Mul', [lost, shares])], { keepdims: 0 });
}
