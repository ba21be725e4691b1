/** The activations a plan can name, in operators that every runtime has and that can be differentiated. */
import type { GraphBuilder, Value } from '@consilium/engine';
import type { NetworkSpec } from '../network-spec.ts';

/** @param options.slope declares the slope of a parametric ReLU; called for that one only */
export function activate(
  g: GraphBuilder,
  x: Value,
  kind: NetworkSpec['activation'],
  options: { negativeSlope: number; slope: () => Value },
): Value {
  switch (kind) {
    case 'relu':
      return g.op('Relu', [x]);
    case 'leaky-relu':
      return g.op('LeakyRelu', [x], { alpha: options.negativeSlope });
    case 'prelu':
      return g.op('PRelu', [x, options.slope()]); // He 2015, one slope a layer, as PyTorch's default
    case 'elu':
      return g.op('Elu', [x], { alpha: 1 }); // Clevert 2016
    case 'gelu':
      return gelu(g, x);
    case 'silu':
      return g.op('Mul', [x, g.op('Sigmoid', [x])]); // Elfwing 2018
    case 'mish':
      return mish(g, x);
    default:
      throw new TypeError(`unexpected ${kind satisfies never}`);
  }
}

/** Hendrycks 2016, the exact one: x (1 + erf(x / sqrt 2)) / 2. */
function gelu(g: GraphBuilder, x: Value): Value {
  const cumulative = g.op('Add', [g.op('Erf', [g.op('Mul', [x, g.scalar(Math.SQRT1_2)])]), g.scalar(1)]);
  return g.op('Mul', [g.op('Mul', [x, g.scalar(0.5)]), cumulative]);
}

/**
 * Misra 2019: x tanh(log(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2). Above 20 the quotient is 1 in float32, so
 * the exponent is clipped there and cannot overflow.
 */
function mish(g: GraphBuilder, x: Value): Value {
  const power = g.op('Exp', [g.op('Clip', [x, null, g.scalar(20)])]);
  const n = g.op('Mul', [power, g.op('Add', [power, g.scalar(2)])]);
  return g.op('Mul', [x, g.op('Div', [n, g.op('Add', [n, g.scalar(2)])])]);
}
