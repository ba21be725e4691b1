/**
 * The training loss a plan asks for: a weighted sum of terms, at every output of the network. The classes of the label
 * are compared inside the graph, so a batch is the image and its label map and nothing else.
 */
import type { GraphBuilder, Value } from '@consilium/engine';
import type { LossSpec, LossTerm } from '../network-spec.ts';
import { TrainingError } from '../training-error.ts';
import { ClassProbabilities } from './class-probabilities.ts';
import { crossEntropy, focalLoss } from './likelihood.ts';
import { diceLoss, tverskyLoss } from './overlap.ts';

type LossGraph = (g: GraphBuilder, outputs: Readonly<Record<string, Value>>) => { loss: Value };

/**
 * Declares the input `label`, `[n, 1, z, y, x]` float32 class numbers, and gives the loss of the network's outputs
 * `logits`, `logits_1`, ...: a scalar.
 *
 * Deep supervision (Lee et al. 2015, arXiv:1409.5185; weights of nnU-Net): output i weighs 1 / 2^i, all together 1; its
 * label is every s-th voxel of the full one, s being how much coarser its grid is.
 * @throws TrainingError `training.class-weights-mismatch`
 */
export function lossFor(spec: LossSpec): LossGraph {
  return (g, outputs) => {
    const levels = levelsOf(outputs);
    const [n, , ...grid] = levels[0]!.shape as [number, number, ...number[]];
    const label = g.input('label', 'float32', [n, 1, ...grid]);
    const weights = levels.map((_, index) => 0.5 ** index);
    const total = weights.reduce((a, b) => a + b, 0);
    const parts = levels.map((logits, index) =>
      scaled(g, lossAt(g, spec, logits, labelAt(g, label, logits)), weights[index]! / total),
    );
    return { loss: sum(g, parts) };
  };
}

function levelsOf(outputs: Readonly<Record<string, Value>>): Value[] {
  const levels: Value[] = [];
  for (;;) {
    const level = outputs[levels.length === 0 ? 'logits' : `logits_${levels.length}`];
    if (level === undefined) break;
    levels.push(level);
  }
  if (levels.length === 0) throw new TypeError('the network has no output called logits');
  return levels;
}

/** Every s-th voxel of the label, beginning with the first, where the logits' grid is s times coarser. */
function labelAt(g: GraphBuilder, label: Value, logits: Value): Value {
  const steps = logits.shape.slice(2).map((size, axis) => label.shape[axis + 2]! / size);
  if (steps.every((step) => step === 1)) return label;
  const ends = label.shape.slice(2);
  return g.op('Slice', [label, g.int64s(0, 0, 0), g.int64s(...ends), g.int64s(2, 3, 4), g.int64s(...steps)]);
}

function lossAt(g: GraphBuilder, spec: LossSpec, logits: Value, label: Value): Value {
  const probabilities = new ClassProbabilities(g, logits, label, spec.ignoreLabel);
  const { classWeights } = spec;
  if (classWeights !== undefined && classWeights.length !== probabilities.classes) {
    throw new TrainingError(
      'training.class-weights-mismatch',
      `The loss has ${classWeights.length} class weights, the network ${probabilities.classes} classes. Give one a class, background first.`,
    );
  }
  return sum(
    g,
    spec.terms.map((term) => scaled(g, lossOfTerm(g, term, probabilities, classWeights), term.weight)),
  );
}

function lossOfTerm(
  g: GraphBuilder,
  term: LossTerm,
  probabilities: ClassProbabilities,
  classWeights: readonly number[] | undefined,
): Value {
  const weights = classWeights ?? new Array<number>(probabilities.classes).fill(1);
  switch (term.kind) {
    case 'dice':
      return diceLoss(g, probabilities, term, weights);
    case 'tversky':
      return tverskyLoss(g, probabilities, term, weights);
    case 'cross-entropy':
      return crossEntropy(g, probabilities, classWeights);
    case 'focal':
      return focalLoss(g, probabilities, term, classWeights);
    default:
      throw new TypeError(`unexpected ${JSON.stringify(term satisfies never)}`);
  }
}

function scaled(g: GraphBuilder, value: Value, factor: number): Value {
  return factor === 1 ? value : g.op('Mul', [value, g.scalar(factor)]);
}

function sum(g: GraphBuilder, values: readonly Value[]): Value {
  return values.reduce((a, b) => g.op('Add', [a, b]));
}
