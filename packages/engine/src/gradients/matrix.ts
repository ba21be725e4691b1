/** Derivatives of matrix products. */
import { numberAttribute } from '../graph-builder.ts';
import { range } from '../shape.ts';
import type { Value } from '../value.ts';
import { type GradientQuestion, type GradientRule, like, reshape, sumTo, transpose, upstream } from './rule.ts';

/** Vectors become matrices first; then dA = dY B', dB = A' dY, summed over what was broadcast. */
const matMul: GradientRule = (q) => {
  const { g } = q;
  const [a, b] = q.node.inputs as readonly [Value, Value];
  const left = a.shape.length === 1 ? reshape(g, a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? reshape(g, b, [...b.shape, 1]) : b;
  const y = q.node.outputs[0]!.shape;
  const batch = y.slice(0, y.length - (a.shape.length > 1 ? 1 : 0) - (b.shape.length > 1 ? 1 : 0));
  const dy = reshape(g, upstream(q), [...batch, left.shape.at(-2)!, right.shape.at(-1)!]);
  return [
    q.wanted[0] ? reshape(g, sumTo(g, g.op('MatMul', [dy, flipped(g, right)]), left.shape), a.shape) : null,
    q.wanted[1] ? reshape(g, sumTo(g, g.op('MatMul', [flipped(g, left), dy]), right.shape), b.shape) : null,
  ];
};

function flipped(g: GradientQuestion['g'], value: Value): Value {
  const rank = value.shape.length;
  return transpose(g, value, [...range(rank - 2), rank - 1, rank - 2]);
}

/** Y = alpha A B + beta C */
const gemm: GradientRule = (q) => {
  const { g, node } = q;
  const [a, b, c] = node.inputs as readonly [Value, Value, Value | undefined];
  const alpha = numberAttribute(node.attributes, 'alpha', 1);
  const beta = numberAttribute(node.attributes, 'beta', 1);
  const transA = numberAttribute(node.attributes, 'transA', 0);
  const transB = numberAttribute(node.attributes, 'transB', 0);
  const dy = upstream(q);
  const dA = (): Value =>
    transA === 0
      ? g.op('Gemm', [dy, b], { alpha, transB: 1 - transB })
      : g.op('Gemm', [b, dy], { alpha, transA: transB, transB: 1 });
  const dB = (): Value =>
    transB === 0
      ? g.op('Gemm', [a, dy], { alpha, transA: 1 - transA })
      : g.op('Gemm', [dy, a], { alpha, transA: 1, transB: transA });
  const dC = (): Value => {
    const scaled = beta === 1 ? dy : g.op('Mul', [dy, like(g, dy, beta)]);
    return sumTo(g, scaled, c!.shape);
  };
  return [q.wanted[0] ? dA() : null, q.wanted[1] ? dB() : null, q.wanted[2] ? dC() : null];
};

export const matrixRules: Readonly<Record<string, GradientRule>> = { MatMul: matMul, Gemm: gemm };
