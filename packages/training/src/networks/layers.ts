/**
 * The layers networks are made of, as ONNX operators. Activations are `[n, c, z, y, x]` float32; convolution weights
 * `[out, in, z, y, x]`, transposed ones `[in, out, z, y, x]`, as in PyTorch, so that PyTorch's weights can be used.
 */
import type { GraphBuilder, Value } from '@consilium/engine';
import type { Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { NetworkSpec } from '../network-spec.ts';
import { activate } from './activation.ts';
import { filled, heNormal } from './initialisation.ts';

export interface Convolution {
  readonly name: string;
  readonly channels: number;
  readonly kernel: Triple;
  readonly stride?: Triple;
  readonly bias?: boolean;
}

const one: Triple = [1, 1, 1];

export class Layers {
  readonly graph: GraphBuilder;
  readonly spec: NetworkSpec;
  readonly #random: Random;

  constructor(graph: GraphBuilder, spec: NetworkSpec, random: Random) {
    this.graph = graph;
    this.spec = spec;
    this.#random = random;
  }

  /** Same size out as in (divided by the stride): padded with `(kernel - 1) / 2` zeros on each side. */
  convolution(x: Value, options: Convolution): Value {
    const { name, channels, kernel, stride = one, bias = this.spec.convolutionBias } = options;
    const inputs = x.shape[1]!;
    const weight = this.#weights(`${name}.weight`, [channels, inputs, ...kernel], inputs * volume(kernel));
    const pads = kernel.map((n) => (n - 1) / 2);
    return this.graph.op('Conv', [x, weight, bias ? this.#constant(`${name}.bias`, channels, 0) : null], {
      kernel_shape: kernel,
      strides: stride,
      pads: [...pads, ...pads],
    });
  }

  /** Kernel equal to the stride: every output voxel sees one input voxel, none is seen twice. */
  transposedConvolution(x: Value, options: { name: string; channels: number; stride: Triple }): Value {
    const { name, channels, stride } = options;
    const inputs = x.shape[1]!;
    const weight = this.#weights(`${name}.weight`, [inputs, channels, ...stride], inputs);
    return this.graph.op('ConvTranspose', [x, weight, this.#constant(`${name}.bias`, channels, 0)], {
      kernel_shape: stride,
      strides: stride,
    });
  }

  /** `gain`: first value of the scale. */
  norm(x: Value, options: { name: string; gain?: number }): Value {
    const { norm, normEpsilon: epsilon, normGroups } = this.spec;
    if (norm === 'none') return x;
    const channels = x.shape[1]!;
    const scale = this.#constant(`${options.name}.weight`, channels, options.gain ?? 1);
    const shift = this.#constant(`${options.name}.bias`, channels, 0);
    if (norm === 'instance') return this.graph.op('InstanceNormalization', [x, scale, shift], { epsilon });
    if (norm === 'group') {
      return this.graph.op('GroupNormalization', [x, scale, shift], { epsilon, num_groups: normGroups });
    }
    return this.#batchNorm(x, scale, shift);
  }

  activation(x: Value, options: { name: string }): Value {
    const { activation, negativeSlope } = this.spec;
    return activate(this.graph, x, activation, {
      negativeSlope,
      slope: () => this.#constant(`${options.name}.weight`, 1, negativeSlope),
    });
  }

  /** Convolution, norm, activation: `<name>.convolution.<index>`, `<name>.norm.<index>`, `<name>.activation.<index>`. */
  block(x: Value, options: Convolution & { index: number }): Value {
    const { name, index } = options;
    const convolved = this.convolution(x, { ...options, name: `${name}.convolution.${index}` });
    const normed = this.norm(convolved, { name: `${name}.norm.${index}` });
    return this.activation(normed, { name: `${name}.activation.${index}` });
  }

  maxPool(x: Value, stride: Triple): Value {
    return isOne(stride) ? x : this.graph.op('MaxPool', [x], { kernel_shape: stride, strides: stride });
  }

  averagePool(x: Value, stride: Triple): Value {
    return isOne(stride) ? x : this.graph.op('AveragePool', [x], { kernel_shape: stride, strides: stride });
  }

  /**
   * To the next finer level's grid and channels. Interpolation and a 1x1x1 convolution commute (the interpolation
   * weights of a voxel sum to 1), so the convolution is done first, where there are fewer voxels.
   */
  upSample(x: Value, options: { name: string; channels: number; stride: Triple; bias?: boolean }): Value {
    const { name, channels, stride, bias = true } = options;
    if (this.spec.upSampling === 'transposed-convolution') return this.transposedConvolution(x, options);
    const narrowed = this.convolution(x, { name, channels, kernel: one, bias });
    if (isOne(stride)) return narrowed;
    const scales = this.graph.constant({ dtype: 'float32', shape: [5], data: Float32Array.of(1, 1, ...stride) });
    return this.graph.op(
      'Resize',
      [narrowed, null, scales],
      this.spec.upSampling === 'nearest'
        ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
        : { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
    );
  }

  /** The 1x1x1 convolution to class scores. */
  head(x: Value, options: { name: string }): Value {
    return this.convolution(x, { name: options.name, channels: this.spec.classes, kernel: one, bias: true });
  }

  /** What the blocks of a level have: its channels and kernel. */
  level(index: number): { channels: number; kernel: Triple; stride: Triple } {
    const { channels, kernelSizes, strides } = this.spec;
    return { channels: channels[index]!, kernel: kernelSizes[index]!, stride: strides[index]! };
  }

  /**
   * Ioffe 2015 with the statistics of the batch at hand, in training and afterwards (PyTorch's
   * `track_running_stats=False`): running means would be state outside the weights that sites would have to average.
   */
  #batchNorm(x: Value, scale: Value, shift: Value): Value {
    const g = this.graph;
    const axes = g.int64s(0, 2, 3, 4);
    const centred = g.op('Sub', [x, g.op('ReduceMean', [x, axes], { keepdims: 1 })]);
    const variance = g.op('ReduceMean', [g.op('Mul', [centred, centred]), axes], { keepdims: 1 });
    const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(this.spec.normEpsilon)])]);
    const perChannel = (value: Value): Value => g.op('Reshape', [value, g.int64s(1, x.shape[1]!, 1, 1, 1)]);
    const factor = g.op('Div', [perChannel(scale), deviation]);
    return g.op('Add', [g.op('Mul', [centred, factor]), perChannel(shift)]);
  }

  #weights(name: string, shape: readonly number[], fanIn: number): Value {
    const { activation, negativeSlope } = this.spec;
    const slope = activation === 'leaky-relu' || activation === 'prelu' ? negativeSlope : 0;
    return this.graph.parameter(
      name,
      heNormal(shape, { random: this.#random.fork(name), fanIn, negativeSlope: slope }),
    );
  }

  #constant(name: string, channels: number, value: number): Value {
    return this.graph.parameter(name, filled([channels], value));
  }
}

export function isOne(stride: Triple): boolean {
  return stride.every((n) => n === 1);
}

function volume(triple: Triple): number {
  return triple[0] * triple[1] * triple[2];
}
