/** Derivatives of reductions. */
import { numbersOf } from '../constant-folding.ts';
import { normalAxis, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { floatCode } from './arithmetic.ts';
import { count, expand, type GradientQuestion, type GradientRule, like, reshape, sum, upstream } from './rule.ts';

interface Reduction extends GradientQuestion {
  readonly x: Value;
  /** The result and its gradient with the reduced axes kept as 1. */
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
}

function reduction(derive: (reduction: Reduction) => Value): GradientRule {
  return (q) => {
    const { g, node } = q;
    const x = node.inputs[0]!;
    const asked = node.inputs[1] ? numbersOf(g.known(node.inputs[1])!) : [];
    const noop = asked.length === 0 && node.attributes['noop_with_empty_axes'] === 1;
    const every = asked.length === 0 ? range(noop ? 0 : x.shape.length) : asked;
    const axes = every.map((axis) => normalAxis(axis, x.shape.length));
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const y = (): Value => reshape(g, node.outputs[0]!, kept);
    const dx = derive({
      ...q,
      x,
      axes,
      dy: reshape(g, upstream(q), kept),
      get y() {
        return y();
      },
    });
    return [expand(g, dx, x.shape), null];
  };
}

/** The gradient goes to the elements that attain the extremum, in equal shares, as in PyTorch's amax and amin. */
const extremum = reduction(({ g, x, y, dy, axes }) => {
  const hits = g.op('Cast', [g.op('Equal', [x, y])], { to: floatCode(x) });
  return g.op('Mul', [hits, g.op('Div', [dy, sum(g, hits, axes)])]);
});

export const reductionRules: Readonly<Record<string, GradientRule>> = {
  ReduceSum: reduction(({ dy }) => dy),
  ReduceMean: reduction(({ g, x, dy, axes }) => g.op('Mul', [dy, like(g, x, 1 / count(x.shape, axes))])),
  ReduceMax: extremum,
  ReduceMin: extremum,
  ReduceSumSquare: reduction(({ g, x, dy }) => g.op('Mul', [x, g.op('Mul', [dy, like(g, x, 2)])])),
  ReduceL1: reduction(({ g, x, dy }) => g.op('Mul', [g.op('Sign', [x]), dy])),
  // x / |x|, and 0 where the norm is 0, as in PyTorch
  ReduceL2: reduction(({ g, x, y, dy }) => {
    const isZero = g.op('Equal', [y, like(g, y, 0)]);
    const scale = g.op('Where', [isZero, like(g, y, 0), g.op('Div', [dy, y])]);
    return g.op('Mul', [x, scale]);
  }),
  ReduceLogSum: reduction(({ g, y, dy }) => g.op('Div', [dy, g.op('Exp', [y])])),
  ReduceLogSumExp: reduction(({ g, x, y, dy }) => g.op('Mul', [dy, g.op('Exp', [g.op('Sub', [x, y])])])),
  // product / x: undefined at x = 0, where a NaN stops the training step
  ReduceProd: reduction(({ g, x, y, dy }) => g.op('Div', [g.op('Mul', [dy, y]), x])),
};
