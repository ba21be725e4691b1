/**
 * Reverse-mode differentiation: appends to a graph the nodes that compute the gradient of a scalar. The table below has
 * one rule an operator; how each is derived stands beside the rule.
 */
import { EngineError } from './engine-error.ts';
import { activationRules } from './gradients/activations.ts';
import { arithmeticRules } from './gradients/arithmetic.ts';
import { convolutionRules } from './gradients/convolution.ts';
import { layoutRules } from './gradients/layout.ts';
import { matrixRules } from './gradients/matrix.ts';
import { normalisationRules } from './gradients/normalisation.ts';
import { poolingRules } from './gradients/pooling.ts';
import { reductionRules } from './gradients/reduction.ts';
import { resizeRules } from './gradients/resize.ts';
import type { GradientRule } from './gradients/rule.ts';
import type { BuilderNode, GraphBuilder } from './graph-builder.ts';
import type { Value } from './value.ts';

/** One rule an operator. */
const rules: Readonly<Record<string, GradientRule>> = {
  ...arithmeticRules, // Add Sub Mul Div Pow Exp Log Sqrt Neg Abs Reciprocal Min Max Clip Where Sum Sin Cos Mean
  ...activationRules, // Relu LeakyRelu PRelu Elu Sigmoid Tanh Erf Softmax LogSoftmax Softplus HardSigmoid Gelu ...
  ...convolutionRules, // Conv ConvTranspose
  ...normalisationRules, // InstanceNormalization GroupNormalization LayerNormalization BatchNormalization
  ...poolingRules, // MaxPool AveragePool GlobalAveragePool GlobalMaxPool
  ...reductionRules, // ReduceSum ReduceMean ReduceMax ReduceMin ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSumExp ...
  ...resizeRules, // Resize
  ...layoutRules, // Concat Split Slice Pad Reshape Flatten Transpose Squeeze Unsqueeze Expand Gather Identity Cast ...
  ...matrixRules, // MatMul Gemm
};

/** The operators that can be differentiated, sorted. */
export const differentiableOperators: readonly string[] = Object.keys(rules).sort();

const isFloat = (value: Value): boolean => value.dtype.startsWith('float') || value.dtype === 'bfloat16';

/**
 * The gradients of `of` (one element) with respect to each of `withRespectTo`, each of its shape; zeros where `of` does
 * not depend on it. The whole path is checked before a node is added.
 * @throws EngineError `engine.operator-not-differentiable` naming the operators without a rule.
 */
export function gradients(g: GraphBuilder, of: Value, withRespectTo: readonly Value[]): Value[] {
  if (of.shape.some((size) => size !== 1)) {
    throw new EngineError('engine.shape-mismatch', `only a scalar has a gradient, not [${of.shape.join(', ')}]`);
  }
  const path = pathBetween(g, of, withRespectTo);
  const lacking = new Set(path.nodes.filter((node) => !ruleOf(node)).map(describe));
  if (lacking.size > 0) {
    throw new EngineError(
      'engine.operator-not-differentiable',
      `cannot train through ${[...lacking].join(', ')}: there is no derivative rule`,
    );
  }
  const contributions = new Map<string, Value[]>([[of.name, [g.filled(of.dtype, of.shape, 1)]]]);
  const gradientOf = (value: Value): Value | null => {
    const terms = contributions.get(value.name);
    if (terms === undefined) return null;
    const total = terms.reduce((sum, term) => g.op('Add', [sum, term]));
    contributions.set(value.name, [total]);
    return total;
  };
  for (const node of path.nodes.toReversed()) {
    const outputGradients = node.outputs.map(gradientOf);
    if (outputGradients.every((gradient) => gradient === null)) continue;
    const wanted = node.inputs.map((value) => value !== null && path.values.has(value.name));
    const results = ruleOf(node)!({ g, node, outputGradients, wanted });
    node.inputs.forEach((value, index) => {
      const gradient = results[index];
      if (value === null || !wanted[index] || gradient == null) return;
      if (gradient.shape.join() !== value.shape.join()) {
        throw new TypeError(`rule of ${node.type}: gradient [${gradient.shape}] of input ${index} [${value.shape}]`);
      }
      const terms = contributions.get(value.name);
      if (terms === undefined) contributions.set(value.name, [gradient]);
      else terms.push(gradient);
    });
  }
  return withRespectTo.map((value) => gradientOf(value) ?? g.filled(value.dtype, value.shape, 0));
}

function ruleOf(node: BuilderNode): GradientRule | undefined {
  return node.domain === '' && Object.hasOwn(rules, node.type) ? rules[node.type] : undefined;
}

function describe(node: BuilderNode): string {
  return node.domain === '' ? node.type : `${node.domain}.${node.type}`;
}

/** Nodes and values that lie between: they depend on the sources, and `of` depends on them. */
function pathBetween(
  g: GraphBuilder,
  of: Value,
  sources: readonly Value[],
): { nodes: readonly BuilderNode[]; values: ReadonlySet<string> } {
  const dependent = new Set(sources.map((value) => value.name));
  for (const node of g.nodes) {
    if (!node.inputs.some((value) => value !== null && dependent.has(value.name))) continue;
    for (const value of node.outputs) if (isFloat(value)) dependent.add(value.name);
  }
  const needed = new Set([of.name]);
  const nodes: BuilderNode[] = [];
  for (const node of g.nodes.toReversed()) {
    if (!node.outputs.some((value) => needed.has(value.name) && dependent.has(value.name))) continue;
    const active = node.inputs.filter((value) => value !== null && isFloat(value) && dependent.has(value.name));
    if (active.length === 0) continue;
    nodes.push(node);
    for (const value of active) needed.add(value!.name);
  }
  const values = new Set([...dependent].filter((name) => needed.has(name)));
  return { nodes: nodes.reverse(), values };
}
