/** From a plan's network specification to an ONNX model with He-initialised weights. */
import { GraphBuilder, type Model, type Value } from '@consilium/engine';
import type { Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { NetworkSpec } from '../network-spec.ts';
import { TrainingError } from '../training-error.ts';
import { Layers } from './layers.ts';
import { residualEncoderUNet } from './residual-encoder-u-net.ts';
import { segResNet } from './seg-res-net.ts';
import { uNet } from './u-net.ts';

/**
 * Input `image` `[n, inputChannels, z, y, x]` float32; output `logits` `[n, classes, z, y, x]`, and with deep supervision
 * `logits_1`, `logits_2`, ... at the grids of the coarser levels (all but the bottom).
 * @param options.random its seed and keys fix the first weights
 * @throws TrainingError `training.patch-not-divisible`
 */
export function buildNetwork(
  spec: NetworkSpec,
  options: { patchSize: Triple; batchSize: number; random: Random },
): Model {
  const { patchSize, batchSize, random } = options;
  assertDivisible(spec, patchSize);
  const graph = new GraphBuilder({ name: spec.kind });
  const image = graph.input('image', 'float32', [batchSize, spec.inputChannels, ...patchSize]);
  const logits = body(new Layers(graph, spec, random), image);
  logits.forEach((value, index) => {
    graph.output(index === 0 ? 'logits' : `logits_${index}`, value);
  });
  return graph.build();
}

/** What a patch's size must be a multiple of along `[z, y, x]`. */
export function totalStride(spec: NetworkSpec): Triple {
  return spec.strides.reduce<Triple>((a, b) => [a[0] * b[0], a[1] * b[1], a[2] * b[2]], [1, 1, 1]);
}

function body(layers: Layers, image: Value): Value[] {
  const { kind } = layers.spec;
  switch (kind) {
    case 'unet':
      return uNet(layers, image);
    case 'residual-encoder-unet':
      return residualEncoderUNet(layers, image);
    case 'segresnet':
      return segResNet(layers, image);
    default:
      throw new TypeError(`unexpected ${kind satisfies never}`);
  }
}

function assertDivisible(spec: NetworkSpec, patchSize: Triple): void {
  const stride = totalStride(spec);
  if (patchSize.every((size, axis) => size % stride[axis]! === 0)) return;
  throw new TrainingError(
    'training.patch-not-divisible',
    `The patch size [${patchSize.join(', ')}] is not a multiple of the network’s total stride [${stride.join(', ')}]. Change the plan’s patchSize or the network’s strides.`,
  );
}
