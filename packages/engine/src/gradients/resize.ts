/**
 * Derivative of Resize (nearest, linear): along each axis the operator is a fixed sparse matrix R [output, input], so the
 * gradient is R' applied to dY, axis by axis. R follows the coordinate formulas of the operator's definition.
 */
import { numbersOf } from '../constant-folding.ts';
import { EngineError } from '../engine-error.ts';
import type { Attributes } from '../model.ts';
import { normalAxis, product, range } from '../shape.ts';
import type { Value } from '../value.ts';
import { assertListable, type GradientQuestion, type GradientRule, reshape, sum, upstream } from './rule.ts';

interface Axis {
  readonly input: number;
  readonly output: number;
  readonly scale: number;
}

/** Position in the input of output element `index`. */
function sourceOf(index: number, { input, output, scale }: Axis, mode: string): number {
  switch (mode) {
    case 'half_pixel':
      return (index + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return output > 1 ? (index + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return output > 1 ? (index * (input - 1)) / (output - 1) : 0;
    case 'asymmetric':
      return index / scale;
    case 'half_pixel_symmetric': {
      const adjustment = output / (input * scale);
      return (input / 2) * (1 - adjustment) + (index + 0.5) / scale - 0.5;
    }
    default:
      throw refused(`the coordinates ${mode}`);
  }
}

function nearest(position: number, rounding: string): number {
  switch (rounding) {
    case 'round_prefer_floor':
      return Math.ceil(position - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(position + 0.5);
    case 'floor':
      return Math.floor(position);
    case 'ceil':
      return Math.ceil(position);
    default:
      throw refused(`the rounding ${rounding}`);
  }
}

/** Which inputs, with which weights, make each output of one axis. */
function weightsOf(axis: Axis, attributes: Attributes): [index: number, weight: number][][] {
  const coordinates = String(attributes['coordinate_transformation_mode'] ?? 'half_pixel');
  const mode = attributes['mode'] ?? 'nearest';
  const clamp = (index: number): number => Math.min(axis.input - 1, Math.max(0, index));
  return range(axis.output).map((index) => {
    const position = sourceOf(index, axis, coordinates);
    if (mode === 'nearest') {
      return [[clamp(nearest(position, String(attributes['nearest_mode'] ?? 'round_prefer_floor'))), 1]];
    }
    if (mode !== 'linear') throw refused(`the mode ${String(mode)}`);
    const low = Math.floor(position);
    const fraction = position - low;
    return [
      [clamp(low), 1 - fraction],
      [clamp(low + 1), fraction],
    ];
  });
}

const resize: GradientRule = (q) => {
  const { g, node } = q;
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  if (node.attributes['antialias'] === 1) throw refused('antialiasing');
  const axes = (node.attributes['axes'] as readonly number[] | undefined) ?? range(x.shape.length);
  const scales = node.inputs[2] ? g.known(node.inputs[2]) : undefined;
  const given = scales === undefined ? [] : numbersOf(scales);
  let dx = upstream(q);
  axes.forEach((asked, index) => {
    const axis = normalAxis(asked, x.shape.length);
    const [input, output] = [x.shape[axis]!, y.shape[axis]!];
    const scale = given[index] ?? output / input;
    if (input === output && scale === 1) return;
    assertListable('Resize', Math.max(input, output));
    dx = alongAxis(g, dx, axis, { weights: weightsOf({ input, output, scale }, node.attributes), input });
  });
  return [dx, null, null, null];
};

function alongAxis(
  g: GradientQuestion['g'],
  dy: Value,
  axis: number,
  matrix: { weights: [number, number][][]; input: number },
): Value {
  const { weights, input } = matrix;
  const output = weights.length;
  const repeat = output / input;
  const isRepetition = weights.every((row, index) => row.length === 1 && row[0]![0] === Math.floor(index / repeat));
  if (Number.isInteger(repeat) && isRepetition) {
    const apart = reshape(g, dy, [...dy.shape.slice(0, axis), input, repeat, ...dy.shape.slice(axis + 1)]);
    return sum(g, apart, [axis + 1], false);
  }
  const dense = new Array<number>(input * output).fill(0); // [input, output]
  weights.forEach((row, index) => {
    for (const [source, weight] of row) dense[source * output + index]! += weight;
  });
  const Constructor = dy.dtype === 'float64' ? Float64Array : Float32Array;
  const dtype = dy.dtype === 'float64' ? 'float64' : 'float32';
  const transposed = g.constant({ dtype, shape: [input, output], data: Constructor.from(dense) });
  const flat = reshape(g, dy, [product(dy.shape.slice(0, axis)), output, product(dy.shape.slice(axis + 1))]);
  return reshape(g, g.op('MatMul', [transposed, flat]), dy.shape.with(axis, input));
}

function refused(what: string): EngineError {
  return new EngineError('engine.operator-not-differentiable', `cannot train through Resize with ${what}`);
}

export const resizeRules: Readonly<Record<string, GradientRule>> = { Resize: resize };
