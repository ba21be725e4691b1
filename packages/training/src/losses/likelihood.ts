/** Losses that score every voxel by itself: cross-entropy and focal loss. */
import type { GraphBuilder, Value } from '@consilium/engine';
import type { LossTerm } from '../network-spec.ts';
import type { ClassProbabilities } from './class-probabilities.ts';

/**
 * The mean of -log p(true class) over the voxels that count. With class weights the weighted mean,
 * sum w nll / sum w, as PyTorch's `cross_entropy`. A batch without a voxel that counts has the loss 0.
 */
export function crossEntropy(
  g: GraphBuilder,
  probabilities: ClassProbabilities,
  classWeights: readonly number[] | undefined,
): Value {
  return weightedMean(g, probabilities, probabilities.negativeLogLikelihood, classWeights);
}

/**
 * (1 - p)^gamma times the cross-entropy of a voxel, p the probability of its true class: Lin 2017 (arXiv:1708.02002,
 * equation 5). Class weights are its alpha. Averaged as the cross-entropy is, so that gamma 0 is the cross-entropy.
 */
export function focalLoss(
  g: GraphBuilder,
  probabilities: ClassProbabilities,
  term: Extract<LossTerm, { kind: 'focal' }>,
  classWeights: readonly number[] | undefined,
): Value {
  const { negativeLogLikelihood, ofTruth } = probabilities;
  if (term.gamma === 0) return crossEntropy(g, probabilities, classWeights);
  const doubt = g.op('Sub', [g.scalar(1), ofTruth]);
  const factor = power(g, doubt, term.gamma);
  return weightedMean(g, probabilities, g.op('Mul', [factor, negativeLogLikelihood]), classWeights);
}

function power(g: GraphBuilder, base: Value, exponent: number): Value {
  if (exponent === 1) return base;
  if (exponent === 2) return g.op('Mul', [base, base]);
  // Rounding may leave the base a little below 0, where a broken power does not exist.
  return g.op('Pow', [g.op('Clip', [base, g.scalar(1e-7), null]), g.scalar(exponent)]);
}

/** @param perVoxel `[n, 1, v]` */
function weightedMean(
  g: GraphBuilder,
  { oneHot, valid }: ClassProbabilities,
  perVoxel: Value,
  classWeights: readonly number[] | undefined,
): Value {
  if (classWeights === undefined && valid === undefined) return g.op('ReduceMean', [perVoxel], { keepdims: 0 });
  const weights = classWeights === undefined ? valid! : weightOfVoxel(g, oneHot, classWeights);
  const sum = (value: Value): Value => g.op('ReduceSum', [value], { keepdims: 0 });
  const total = g.op('Max', [sum(weights), g.scalar(1e-8)]);
  return g.op('Div', [sum(g.op('Mul', [perVoxel, weights])), total]);
}

/** Weight of each voxel's class, 0 at ignored voxels; `[n, 1, v]`. */
function weightOfVoxel(g: GraphBuilder, oneHot: Value, classWeights: readonly number[]): Value {
  const shape = [1, classWeights.length, 1];
  const column = g.constant({ dtype: 'float32', shape, data: Float32Array.from(classWeights) });
  return g.op('ReduceSum', [g.op('Mul', [oneHot, column]), g.int64s(1)], { keepdims: 1 });
}
