/** A small model that has, for its size, as much as possible of what ONNX files hold: for tests of reading them. */
import type { Tensor } from '@consilium/numerics';
import { tensorOf } from './constant-folding.ts';
import type { Attributes, GraphNode, Model } from './model.ts';

const floats = (shape: readonly number[], count: number): Tensor =>
  tensorOf(
    'float32',
    shape,
    Array.from({ length: count }, (_, index) => ((index * 7) % 11) / 11 - 0.3),
  );
const int64 = (...values: number[]): Tensor => tensorOf('int64', [values.length], values);

function node(type: string, inputs: string, outputs: string, attributes: Attributes = {}, domain = ''): GraphNode {
  const names = (list: string): string[] => list.split(' ').map((name) => (name === '-' ? '' : name));
  return { name: `${type} of ${inputs}`, type, domain, inputs: names(inputs), outputs: names(outputs), attributes };
}

const nodes: readonly GraphNode[] = [
  node('Conv', 'image w b', 'conv', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 1 }),
  node('BatchNormalization', 'conv scale bias mean variance', 'batch', { epsilon: 0.01, momentum: 0.9 }),
  node('LeakyRelu', 'batch', 'leaky', { alpha: 0.1 }),
  node('MaxPool', 'leaky', 'pooled', { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'NOTSET' }),
  node('ConvTranspose', 'pooled up', 'grown', { kernel_shape: [2, 2], strides: [2, 2] }),
  node('Resize', 'pooled - scales', 'resized', { mode: 'linear', coordinate_transformation_mode: 'half_pixel' }),
  node('AveragePool', 'resized', 'smooth', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  node('Concat', 'grown smooth', 'joined', { axis: 1 }),
  node('GroupNormalization', 'joined groups groups', 'grouped', { num_groups: 2 }),
  node('Split', 'grouped', 'left right', { axis: 1, num_outputs: 2 }),
  node('Constant', '', 'half', { value_float: 0.5 }),
  node('Constant', '', 'axes', { value_ints: [2, 3] }),
  node('Constant', '', 'bound', { value: tensorOf('float32', [], [4]) }),
  node('Mul', 'left half', 'scaled'),
  node('Clip', 'scaled - bound', 'clipped'),
  node('Shape', 'clipped', 'shape'),
  node('Gather', 'shape zero', 'count', { axis: 0 }),
  node('Unsqueeze', 'count first', 'counts'),
  node('Concat', 'counts minus', 'sizes', { axis: 0 }),
  node('Reshape', 'clipped sizes', 'rows'),
  node('Gemm', 'rows matrix', 'product', { transB: 1, alpha: 0.5 }),
  node('Softmax', 'product', 'soft', { axis: -1 }),
  node('Slice', 'right starts ends axes', 'sliced'),
  node('Pad', 'sliced pads', 'padded', { mode: 'reflect' }),
  node('ReduceMean', 'padded', 'mean2', { axes: [2, 3], keepdims: 0 }),
  node('Transpose', 'mean2', 'turned', { perm: [1, 0] }),
  node('MatMul', 'soft turned', 'y'),
];

/** Opset 18; input image [batch, 1, 4, 4], output y [batch, batch]; all pieces are used. */
export function variedModel(): Model {
  return {
    opset: 18,
    otherOpsets: new Map([['example.org', 2]]),
    metadata: { author: 'nobody' },
    parameters: new Map([
      ['w', floats([2, 1, 3, 3], 18)],
      ['b', floats([2], 2)],
      ['scale', floats([2], 2)],
      ['bias', floats([2], 2)],
      ['up', floats([2, 2, 2, 2], 16)],
      ['groups', floats([2], 2)],
      ['matrix', floats([2, 32], 64)],
    ]),
    graph: {
      name: 'varied',
      inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 4, 4] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['', 'batch'] }],
      nodes,
      constants: new Map([
        ['mean', floats([2], 2)],
        ['variance', tensorOf('float32', [2], [0.5, 2])],
        ['scales', tensorOf('float32', [4], [1, 1, 2, 2])],
        ['zero', tensorOf('int64', [], [0])],
        ['first', int64(0)],
        ['starts', int64(0, 0)],
        ['minus', int64(-1)],
        ['ends', int64(3, 2 ** 40)],
        ['pads', int64(0, 0, 1, 1, 0, 0, 1, 0)],
      ]),
    },
  };
}
