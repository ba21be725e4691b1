/** Derivatives of activation functions. Where the output says enough, the input need not be kept until the way back. */
import { numberAttribute } from '../graph-builder.ts';
import type { Value } from '../value.ts';
import { axisOf, type GradientQuestion, type GradientRule, like, sum, sumTo, upstream } from './rule.ts';

type Parts = GradientQuestion & { x: Value; y: Value; dy: Value; c: (value: number) => Value };

function activation(derive: (parts: Parts) => Value): GradientRule {
  return (q) => {
    const [x, y] = [q.node.inputs[0]!, q.node.outputs[0]!];
    return [derive({ ...q, x, y, dy: upstream(q), c: (value) => like(q.g, x, value) })];
  };
}

/** dy where the condition holds, else `otherwise`. */
const choose = ({ g }: Parts, condition: Value, yes: Value, no: Value): Value => g.op('Where', [condition, yes, no]);

/** So large that the product with any activation of note is beyond -1 to 1. */
const huge = 1e30;

/**
 * y has the sign of x, so that x itself can be forgotten: clip(huge y, slope, 1) is 1 above 0 and the slope below and
 * at 0, as in PyTorch. Two fast passes; Sign alone takes longer than both.
 */
const leakyRelu = activation(({ g, node, y, dy, c }) => {
  const slope = numberAttribute(node.attributes, 'alpha', 0.01);
  if (slope <= 0 || slope > 1) return g.op('Mul', [dy, slopeOf(g, node.inputs[0]!, slope)]);
  return g.op('Mul', [dy, g.op('Clip', [g.op('Mul', [y, c(huge)]), c(slope), c(1)])]);
});

/** 1 where x > 0, else `slope`. */
function slopeOf(g: GradientQuestion['g'], x: Value, slope: number): Value {
  return g.op('Where', [g.op('Greater', [x, like(g, x, 0)]), like(g, x, 1), like(g, x, slope)]);
}

const pRelu: GradientRule = (q) => {
  const { g, node } = q;
  const [x, slope] = node.inputs as readonly [Value, Value];
  const dy = upstream(q);
  const positive = g.op('Greater', [x, like(g, x, 0)]);
  return [
    g.op('Where', [positive, dy, g.op('Mul', [dy, slope])]),
    q.wanted[1] ? sumTo(g, g.op('Where', [positive, like(g, x, 0), g.op('Mul', [dy, x])]), slope.shape) : null,
  ];
};

/** dx = y (dy - sum(dy y)) */
const softmax = activation(({ g, node, y, dy }) => {
  const axis = axisOf(node.attributes, -1, y.shape.length);
  const weighted = g.op('Mul', [dy, y]);
  return g.op('Sub', [weighted, g.op('Mul', [y, sum(g, weighted, [axis])])]);
});

/** dx = dy - softmax(x) sum(dy) */
const logSoftmax = activation(({ g, node, y, dy }) => {
  const axis = axisOf(node.attributes, -1, y.shape.length);
  return g.op('Sub', [dy, g.op('Mul', [g.op('Exp', [y]), sum(g, dy, [axis])])]);
});

/** GELU as x Phi(x), or its approximation by tanh. */
const gelu = activation((parts) => {
  const { g, node, x, dy, c } = parts;
  if (node.attributes['approximate'] === 'tanh') {
    const k = Math.sqrt(2 / Math.PI);
    const square = g.op('Mul', [x, x]);
    const inner = g.op('Mul', [x, g.op('Add', [c(k), g.op('Mul', [c(k * 0.044715), square])])]);
    const t = g.op('Tanh', [inner]);
    const slope = g.op('Add', [c(k), g.op('Mul', [c(3 * k * 0.044715), square])]);
    const rest = g.op('Mul', [g.op('Mul', [x, g.op('Sub', [c(1), g.op('Mul', [t, t])])]), slope]);
    return g.op('Mul', [dy, g.op('Mul', [c(0.5), g.op('Add', [g.op('Add', [c(1), t]), rest])])]);
  }
  const phi = g.op('Mul', [c(0.5), g.op('Add', [c(1), g.op('Erf', [g.op('Mul', [x, c(Math.SQRT1_2)])])])]);
  const density = g.op('Mul', [
    c(1 / Math.sqrt(2 * Math.PI)),
    g.op('Exp', [g.op('Mul', [c(-0.5), g.op('Mul', [x, x])])]),
  ]);
  return g.op('Mul', [dy, g.op('Add', [phi, g.op('Mul', [x, density])])]);
});

export const activationRules: Readonly<Record<string, GradientRule>> = {
  Relu: activation(({ g, y, dy, c }) => g.op('Mul', [dy, g.op('Clip', [g.op('Mul', [y, c(huge)]), c(0), c(1)])])),
  LeakyRelu: leakyRelu,
  PRelu: pRelu,
  // y = alpha (e^x - 1) below 0, so dy/dx = y + alpha there
  Elu: activation((p) => {
    const alpha = numberAttribute(p.node.attributes, 'alpha', 1);
    const positive = p.g.op('Greater', [p.x, p.c(0)]);
    return choose(p, positive, p.dy, p.g.op('Mul', [p.dy, p.g.op('Add', [p.y, p.c(alpha)])]));
  }),
  Sigmoid: activation(({ g, y, dy, c }) => g.op('Mul', [dy, g.op('Mul', [y, g.op('Sub', [c(1), y])])])),
  HardSigmoid: activation((p) => {
    const alpha = numberAttribute(p.node.attributes, 'alpha', 0.2);
    const inside = p.g.op('And', [p.g.op('Greater', [p.y, p.c(0)]), p.g.op('Less', [p.y, p.c(1)])]);
    return choose(p, inside, p.g.op('Mul', [p.dy, p.c(alpha)]), p.c(0));
  }),
  Tanh: activation(({ g, y, dy, c }) => g.op('Mul', [dy, g.op('Sub', [c(1), g.op('Mul', [y, y])])])),
  Erf: activation(({ g, x, dy, c }) => {
    const bell = g.op('Exp', [g.op('Neg', [g.op('Mul', [x, x])])]);
    return g.op('Mul', [dy, g.op('Mul', [c(2 / Math.sqrt(Math.PI)), bell])]);
  }),
  Softplus: activation(({ g, x, dy }) => g.op('Mul', [dy, g.op('Sigmoid', [x])])),
  // y = x tanh(softplus(x)): with t = tanh(softplus(x)), dy/dx = t + x sigmoid(x) (1 - t^2)
  Mish: activation(({ g, x, dy, c }) => {
    const t = g.op('Tanh', [g.op('Softplus', [x])]);
    const slope = g.op('Mul', [g.op('Sigmoid', [x]), g.op('Sub', [c(1), g.op('Mul', [t, t])])]);
    return g.op('Mul', [dy, g.op('Add', [t, g.op('Mul', [x, slope])])]);
  }),
  Gelu: gelu,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
