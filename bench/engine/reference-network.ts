/** The network, loss and batch that both sides of the bench train. `torch_peer.py` holds the same in PyTorch. */
import type { Model } from '@consilium/engine';
import { createRandom, type Tensor, tensor } from '@consilium/numerics';
import { buildNetwork, type LossSpec, type NetworkSpec } from '@consilium/training';

const cube = [3, 3, 3] as const;
const halved = [2, 2, 2] as const;

const network: NetworkSpec = {
  kind: 'unet',
  inputChannels: 1,
  classes: 3,
  channels: [16, 32, 64, 128],
  strides: [[1, 1, 1], halved, halved, halved],
  kernelSizes: [cube, cube, cube, cube],
  blocksPerLevel: [2, 2, 2, 2],
  norm: 'instance',
  normEpsilon: 1e-5,
  normGroups: 8,
  activation: 'leaky-relu',
  negativeSlope: 0.1,
  convolutionBias: false,
  downSampling: 'max-pool',
  upSampling: 'transposed-convolution',
  deepSupervision: false,
};

/** Soft Dice over all three classes plus cross-entropy. */
export const referenceLoss: LossSpec = {
  terms: [
    { kind: 'dice', weight: 1, background: true, batch: true, smooth: 1e-5, squared: false },
    { kind: 'cross-entropy', weight: 1 },
  ],
};

export const learningRate = 1e-3;

export function referenceNetwork(size: number): Model {
  return buildNetwork(network, { patchSize: [size, size, size], batchSize: 1, random: createRandom(1) });
}

/** One image [1, 1, z, y, x] of two nested balls in noise, and its label of the same shape: 0, 1, 2. */
export function referenceBatch(size: number): { image: Tensor<'float32'>; label: Tensor<'float32'> } {
  const random = createRandom(2);
  const image = tensor('float32', [1, 1, size, size, size]);
  const label = tensor('float32', [1, 1, size, size, size]);
  for (let index = 0; index < size ** 3; index++) {
    const [z, y, x] = [Math.floor(index / size ** 2), Math.floor(index / size) % size, index % size];
    const radius = Math.hypot(z - size / 2, y - size / 2, x - size / 2) / size;
    const value = radius < 0.15 ? 2 : radius < 0.33 ? 1 : 0;
    label.data[index] = value;
    image.data[index] = 0.8 * value + 0.7 * random.normal();
  }
  return { image, label };
}
