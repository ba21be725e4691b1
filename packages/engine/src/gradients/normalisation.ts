/**
 * Derivatives of normalisations y = scale (x - mean) rstd + bias with moments over some axes M (Ioffe and Szegedy 2015,
 * section 3): with z the gradient of the normalised x,
 *   dx = rstd (z - mean_M(z) - xhat mean_M(z xhat)).
 * The moments are computed again on the way back: cheaper than to keep the normalised x.
 */
import { EngineError } from '../engine-error.ts';
import { numberAttribute } from '../graph-builder.ts';
import { product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { count, type GradientQuestion, type GradientRule, like, reshape, sum, sumTo, upstream } from './rule.ts';

type Builder = GradientQuestion['g'];

interface Moments {
  readonly mean: Value;
  /** 1 / sqrt(variance + epsilon) */
  readonly rstd: Value;
}

/** Biased moments over the axes, kept as 1. Two passes, so that a large mean costs no precision. */
function momentsOf(g: Builder, x: Value, axes: readonly number[], epsilon: number): Moments {
  const size = like(g, x, count(x.shape, axes));
  const mean = g.op('Div', [sum(g, x, axes), size]);
  const centred = g.op('Sub', [x, mean]);
  const variance = g.op('Div', [g.op('ReduceSumSquare', [centred, g.int64s(...axes)]), size]);
  return { mean, rstd: g.op('Reciprocal', [g.op('Sqrt', [g.op('Add', [variance, like(g, x, epsilon)])])]) };
}

interface Normalisation {
  readonly x: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
  readonly moments: Moments;
  /** Broadcasts to x. */
  readonly scale: Value;
}

/**
 * Where `scale` is constant along the axes of the moments, dx needs two sums and three passes over the data:
 *   dx = k1 dy + k2 x + k3, with k1 = scale rstd, k2 = -k1 rstd^2 S / V, k3 = -k1 sum(dy) / V - k2 mean,
 *   S = sum(dy (x - mean)).
 */
function affineInputGradient(g: Builder, n: Normalisation, sums: { dy: Value; dyx: Value }): Value {
  const size = like(g, n.x, count(n.x.shape, n.axes));
  const k1 = g.op('Mul', [n.scale, n.moments.rstd]);
  const squared = g.op('Mul', [n.moments.rstd, n.moments.rstd]);
  const k2 = g.op('Neg', [g.op('Div', [g.op('Mul', [g.op('Mul', [k1, squared]), sums.dyx]), size])]);
  const k3 = g.op('Sub', [
    g.op('Neg', [g.op('Div', [g.op('Mul', [k1, sums.dy]), size])]),
    g.op('Mul', [k2, n.moments.mean]),
  ]);
  return g.op('Add', [g.op('Mul', [n.dy, k1]), g.op('Add', [g.op('Mul', [n.x, k2]), k3])]);
}

/** dx for any scale that broadcasts to x. */
function generalInputGradient(g: Builder, n: Normalisation): Value {
  const size = like(g, n.x, count(n.x.shape, n.axes));
  const z = g.op('Mul', [n.dy, n.scale]);
  const xhat = normalised(g, n);
  const meanZ = g.op('Div', [sum(g, z, n.axes), size]);
  const meanZx = g.op('Div', [sum(g, g.op('Mul', [z, xhat]), n.axes), size]);
  return g.op('Mul', [n.moments.rstd, g.op('Sub', [g.op('Sub', [z, meanZ]), g.op('Mul', [xhat, meanZx])])]);
}

function normalised(g: Builder, { x, moments }: Normalisation): Value {
  return g.op('Mul', [g.op('Sub', [x, moments.mean]), moments.rstd]);
}

/** Channels [c] as [1, c, 1, ...]. */
function perChannel(g: Builder, value: Value, rank: number): Value {
  return reshape(g, value, [1, value.shape[0]!, ...range(rank - 2).map(() => 1)]);
}

const instanceNormalisation: GradientRule = (q) => {
  const { g, node } = q;
  const [original, scale, bias] = node.inputs as readonly [Value, Value, Value];
  const [batch, channels, ...spatial] = original.shape as [number, number, ...number[]];
  const flat = [batch, channels, product(spatial)];
  const x = reshape(g, original, flat);
  const dy = reshape(g, upstream(q), flat);
  const moments = momentsOf(g, x, [2], numberAttribute(node.attributes, 'epsilon', 1e-5));
  const sumDy = sum(g, dy, [2]);
  const sumDyX = sum(g, g.op('Mul', [dy, g.op('Sub', [x, moments.mean])]), [2]);
  const n = { x, dy, axes: [2], moments, scale: perChannel(g, scale, 3) };
  return [
    q.wanted[0] ? reshape(g, affineInputGradient(g, n, { dy: sumDy, dyx: sumDyX }), original.shape) : null,
    q.wanted[1] ? sumTo(g, g.op('Mul', [sumDyX, moments.rstd]), [1, channels, 1]) : null,
    q.wanted[2] ? sumTo(g, sumDy, [1, channels, 1]) : null,
  ].map((gradient, index) => (gradient && index > 0 ? reshape(g, gradient, bias.shape) : gradient));
};

/** x as [n, groups, everything else]; scale and bias are per channel (version 21 of the operator). */
const groupNormalisation: GradientRule = (q) => {
  const { g, node } = q;
  const [original, scale, bias] = node.inputs as readonly [Value, Value, Value];
  const [batch, channels, ...spatial] = original.shape as [number, number, ...number[]];
  const groups = node.attributes['num_groups'] as number;
  const shape = [batch, groups, channels / groups, product(spatial)];
  const x = reshape(g, original, shape);
  const dy = reshape(g, upstream(q), shape);
  const moments = momentsOf(g, x, [2, 3], numberAttribute(node.attributes, 'epsilon', 1e-5));
  const wide = reshape(g, scale, [1, groups, channels / groups, 1]);
  const n = { x, dy, axes: [2, 3], moments, scale: wide };
  const channelSum = (value: Value): Value => reshape(g, sum(g, value, [0, 3]), bias.shape);
  return [
    q.wanted[0] ? reshape(g, generalInputGradient(g, n), original.shape) : null,
    q.wanted[1] ? channelSum(g.op('Mul', [dy, normalised(g, n)])) : null,
    q.wanted[2] ? channelSum(dy) : null,
  ];
};

/** Moments over the axes from `axis` on; scale and bias broadcast to those. */
const layerNormalisation: GradientRule = (q) => {
  const { g, node } = q;
  const [x, scale, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const asked = numberAttribute(node.attributes, 'axis', -1);
  const first = asked < 0 ? asked + x.shape.length : asked;
  const axes = range(x.shape.length).slice(first);
  const moments = momentsOf(g, x, axes, numberAttribute(node.attributes, 'epsilon', 1e-5));
  const dy = upstream(q);
  const n = { x, dy, axes, moments, scale };
  return [
    q.wanted[0] ? generalInputGradient(g, n) : null,
    q.wanted[1] ? sumTo(g, g.op('Mul', [dy, normalised(g, n)]), scale.shape) : null,
    q.wanted[2] && bias ? sumTo(g, dy, bias.shape) : null,
  ];
};

/**
 * With `training_mode` 1 the moments are the batch's (biased variance) and carry gradient; else the running statistics
 * are constants. The running statistics themselves never get a gradient.
 */
const batchNormalisation: GradientRule = (q) => {
  const { g, node, outputGradients } = q;
  if (outputGradients.slice(1).some((gradient) => gradient !== null)) {
    throw new EngineError(
      'engine.operator-not-differentiable',
      'cannot train through the running statistics of BatchNormalization',
    );
  }
  const [x, scale, , mean, variance] = node.inputs as readonly [Value, Value, Value, Value, Value];
  const rank = x.shape.length;
  const axes = [0, ...range(rank - 2, 2)];
  const epsilon = numberAttribute(node.attributes, 'epsilon', 1e-5);
  const training = node.attributes['training_mode'] === 1;
  const fixed = (): Moments => {
    const root = g.op('Sqrt', [g.op('Add', [perChannel(g, variance, rank), like(g, x, epsilon)])]);
    return { mean: perChannel(g, mean, rank), rstd: g.op('Reciprocal', [root]) };
  };
  const moments = training ? momentsOf(g, x, axes, epsilon) : fixed();
  const dy = upstream(q);
  const wide = perChannel(g, scale, rank);
  const n = { x, dy, axes, moments, scale: wide };
  const sumDy = sum(g, dy, axes);
  const sumDyX = sum(g, g.op('Mul', [dy, g.op('Sub', [x, moments.mean])]), axes);
  const dx = (): Value =>
    training
      ? affineInputGradient(g, n, { dy: sumDy, dyx: sumDyX })
      : g.op('Mul', [dy, g.op('Mul', [wide, moments.rstd])]);
  return [
    q.wanted[0] ? dx() : null,
    q.wanted[1] ? reshape(g, g.op('Mul', [sumDyX, moments.rstd]), scale.shape) : null,
    q.wanted[2] ? reshape(g, sumDy, scale.shape) : null,
    null,
    null,
  ];
};

export const normalisationRules: Readonly<Record<string, GradientRule>> = {
  InstanceNormalization: instanceNormalisation,
  GroupNormalization: groupNormalisation,
  LayerNormalization: layerNormalisation,
  BatchNormalization: batchNormalisation,
};
