/** Derivatives of element-wise arithmetic. Broadcast inputs get the sum over what they were repeated along. */
import { numbersOf } from '../constant-folding.ts';
import type { Value } from '../value.ts';
import { type GradientQuestion, type GradientRule, like, sumTo, upstream } from './rule.ts';

/** A rule for y = f(x) from dy and the derivative's nodes. */
function unary(derive: (question: GradientQuestion & { x: Value; y: Value; dy: Value }) => Value): GradientRule {
  return (q) => [derive({ ...q, x: q.node.inputs[0]!, y: q.node.outputs[0]!, dy: upstream(q) })];
}

/** A rule for y = f(a, b); `derive` gives thunks for the gradients before broadcasting is undone. */
function binary(
  derive: (
    question: GradientQuestion & { a: Value; b: Value; y: Value; dy: Value },
  ) => readonly [() => Value, () => Value],
): GradientRule {
  return (q) => {
    const [a, b] = q.node.inputs as readonly [Value, Value];
    const thunks = derive({ ...q, a, b, y: q.node.outputs[0]!, dy: upstream(q) });
    return [a, b].map((input, index) => (q.wanted[index] ? sumTo(q.g, thunks[index]!(), input.shape) : null));
  };
}

/** Min and Max: the gradient goes to the inputs that attain the extremum, in equal shares, as in PyTorch. */
const extremum: GradientRule = (q) => {
  const { g, node } = q;
  const [dy, y] = [upstream(q), node.outputs[0]!];
  const hits = node.inputs.map((x) => g.op('Cast', [g.op('Equal', [x, y])], { to: floatCode(y) }));
  const share = g.op('Div', [dy, hits.length === 1 ? hits[0]! : g.op('Sum', hits)]);
  return node.inputs.map((x, index) =>
    q.wanted[index] ? sumTo(g, g.op('Mul', [share, hits[index]!]), x!.shape) : null,
  );
};

export function floatCode(value: Value): number {
  return value.dtype === 'float64' ? 11 : value.dtype === 'float16' ? 10 : 1;
}

const sumRule: GradientRule = (q) => {
  const scale = q.node.type === 'Mean' ? 1 / q.node.inputs.length : 1;
  const dy = scale === 1 ? upstream(q) : q.g.op('Mul', [upstream(q), like(q.g, upstream(q), scale)]);
  return q.node.inputs.map((x, index) => (q.wanted[index] ? sumTo(q.g, dy, x!.shape) : null));
};

/** Inside the bounds (inclusive, as in PyTorch) the gradient passes; bounds get none. */
const clip: GradientRule = (q) => {
  const { g, node } = q;
  const [x, low, high] = node.inputs as readonly [Value, Value | null | undefined, Value | null | undefined];
  let dy = upstream(q);
  if (low) dy = g.op('Where', [g.op('GreaterOrEqual', [x, low]), dy, like(g, x, 0)]);
  if (high) dy = g.op('Where', [g.op('LessOrEqual', [x, high]), dy, like(g, x, 0)]);
  return [dy, null, null];
};

const where: GradientRule = (q) => {
  const { g, node } = q;
  const [condition, a, b] = node.inputs as readonly [Value, Value, Value];
  const [dy, zero] = [upstream(q), like(q.g, upstream(q), 0)];
  return [
    null,
    q.wanted[1] ? sumTo(g, g.op('Where', [condition, dy, zero]), a.shape) : null,
    q.wanted[2] ? sumTo(g, g.op('Where', [condition, zero, dy]), b.shape) : null,
  ];
};

/** b a^(b-1); with b = 0 also at a = 0, where the power is infinite. */
function powerSlope(g: GradientQuestion['g'], a: Value, b: Value): Value {
  const slope = g.op('Mul', [b, g.op('Pow', [a, g.op('Sub', [b, like(g, b, 1)])])]);
  const exponents = g.known(b);
  if (exponents !== undefined && numbersOf(exponents).every((exponent) => exponent !== 0)) return slope;
  return g.op('Where', [g.op('Equal', [b, like(g, b, 0)]), like(g, slope, 0), slope]);
}

export const arithmeticRules: Readonly<Record<string, GradientRule>> = {
  Add: binary(({ dy }) => [() => dy, () => dy]),
  Sub: binary(({ g, dy }) => [() => dy, () => g.op('Neg', [dy])]),
  Mul: binary(({ g, a, b, dy }) => [() => g.op('Mul', [dy, b]), () => g.op('Mul', [dy, a])]),
  Div: binary(({ g, b, y, dy }) => [
    () => g.op('Div', [dy, b]),
    () => g.op('Neg', [g.op('Div', [g.op('Mul', [dy, y]), b])]),
  ]),
  // d a^b = b a^(b-1) da + a^b ln(a) db, the first term 0 where b = 0, the second where a = 0, as in PyTorch
  Pow: binary(({ g, a, b, y, dy }) => [
    () => g.op('Mul', [dy, powerSlope(g, a, b)]),
    () => {
      const isZero = g.op('Equal', [a, like(g, a, 0)]);
      const log = g.op('Where', [isZero, like(g, a, 0), g.op('Log', [g.op('Where', [isZero, like(g, a, 1), a])])]);
      return g.op('Mul', [dy, g.op('Mul', [y, log])]);
    },
  ]),
  Exp: unary(({ g, y, dy }) => g.op('Mul', [dy, y])),
  Log: unary(({ g, x, dy }) => g.op('Div', [dy, x])),
  Sqrt: unary(({ g, y, dy }) => g.op('Div', [g.op('Mul', [dy, like(g, y, 0.5)]), y])),
  Neg: unary(({ g, dy }) => g.op('Neg', [dy])),
  Abs: unary(({ g, x, dy }) => g.op('Mul', [dy, g.op('Sign', [x])])),
  Reciprocal: unary(({ g, y, dy }) => g.op('Neg', [g.op('Mul', [dy, g.op('Mul', [y, y])])])),
  Sin: unary(({ g, x, dy }) => g.op('Mul', [dy, g.op('Cos', [x])])),
  Cos: unary(({ g, x, dy }) => g.op('Neg', [g.op('Mul', [dy, g.op('Sin', [x])])])),
  // piecewise constant: the gradient is zero
  Sign: () => [null],
  Floor: () => [null],
  Ceil: () => [null],
  Round: () => [null],
  Min: extremum,
  Max: extremum,
  Sum: sumRule,
  Mean: sumRule,
  Clip: clip,
  Where: where,
};
