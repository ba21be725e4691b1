/**
 * How deep a network can be for a patch, and how much memory training it takes.
 *
 * The rules are nnU-Net's (Isensee et al. 2021, supplementary note 2; `get_pool_and_conv_props` of its code): an axis is
 * halved while it keeps at least 4 feature-map voxels and its voxels are not already twice as coarse as the finest axis;
 * a kernel is 1 along an axis that is still more than twice as coarse, so that thick slices are not mixed too early.
 */
import type { Triple } from '@consilium/imaging';

export interface Topology {
  /** One entry a level, the first `[1, 1, 1]`. */
  readonly strides: readonly Triple[];
  readonly kernelSizes: readonly Triple[];
  /** The patch, rounded up so that every stride divides it. */
  readonly patchSize: Triple;
  /** Product of the strides along each axis. */
  readonly divisor: Triple;
}

const featureMapMin = 4;
const anisotropyMax = 2;

export function topologyFor(patch: Triple, spacingMm: Triple, levelsMax: number): Topology {
  const size = [...patch];
  const spacing = [...spacingMm];
  const kernel = [1, 1, 1];
  const divisor = [1, 1, 1];
  const strides: Triple[] = [[1, 1, 1]];
  const kernelSizes: Triple[] = [];
  while (strides.length < levelsMax) {
    const axes = axesToHalve(size, spacing);
    if (axes.length === 0) break;
    widenKernel(kernel, spacing);
    kernelSizes.push([...kernel] as unknown as Triple);
    const stride = [1, 1, 1];
    for (const axis of axes) {
      stride[axis] = 2;
      divisor[axis]! *= 2;
      spacing[axis]! *= 2;
      size[axis] = Math.ceil(size[axis]! / 2);
    }
    strides.push(stride as unknown as Triple);
  }
  kernelSizes.push([3, 3, 3]);
  const round = (axis: 0 | 1 | 2) => Math.ceil(patch[axis] / divisor[axis]!) * divisor[axis]!;
  return {
    strides,
    kernelSizes,
    patchSize: [round(0), round(1), round(2)],
    divisor: divisor as unknown as Triple,
  };
}

function axesToHalve(size: readonly number[], spacing: readonly number[]): number[] {
  const large = [0, 1, 2].filter((axis) => size[axis]! >= 2 * featureMapMin);
  const finest = Math.min(...large.map((axis) => spacing[axis]!));
  const axes = large.filter((axis) => spacing[axis]! / finest < anisotropyMax);
  if (axes.length === 1 && size[axes[0]!]! < 3 * featureMapMin) return [];
  return axes;
}

function widenKernel(kernel: number[], spacing: readonly number[]): void {
  const finest = Math.min(...spacing);
  for (let axis = 0; axis < 3; axis++) if (spacing[axis]! / finest < anisotropyMax) kernel[axis] = 3;
}

/** What `trainingMemoryMb` looks at; a `NetworkSpec` has these. */
export interface NetworkShape {
  readonly channels: readonly number[];
  readonly strides: readonly (readonly number[])[];
  readonly kernelSizes: readonly (readonly number[])[];
  readonly blocksPerLevel: readonly number[];
  readonly classes: number;
}

/** Float32 tensors alive for a convolution block in training: its output, the normalised output, and their gradients. */
const tensorsPerConvolution = 4;
/** Weights, gradient, momentum, and the copies going in and out of a step. */
const copiesOfWeights = 5;
/** Process, runtime and its thread pools. */
const fixedMb = 150;

/**
 * An estimate of the resident memory of one training step, in MiB:
 *
 *     150 + 4 bytes / 2^20 * ( batch * sum over levels l of V_l C_l (4 convolutions_l + 4)  +  5 parameters )
 *
 * V_l voxels and C_l channels of level l, convolutions_l those of encoder and decoder together; the 4 extra tensors are
 * the up-sampled and the skipped features next to each other, and their gradients.
 */
export function trainingMemoryMb(network: NetworkShape, patchSize: Triple, batchSize: number): number {
  let voxels = patchSize[0] * patchSize[1] * patchSize[2];
  let activations = voxels * network.classes * 3;
  let parameters = network.classes * network.channels[0]!;
  const last = network.channels.length - 1;
  network.channels.forEach((channels, level) => {
    const blocks = network.blocksPerLevel[level]!;
    const [z, y, x] = network.strides[level] as Triple;
    voxels /= z * y * x;
    const convolutions = level === last ? blocks : 2 * blocks;
    activations += voxels * channels * (tensorsPerConvolution * convolutions + (level === last ? 0 : 4));
    const kernel = network.kernelSizes[level]!.reduce((product, size) => product * size, 1);
    parameters += kernel * channels * ((network.channels[level - 1] ?? 1) + (convolutions - 1) * channels);
    if (level < last) parameters += channels * (network.channels[level + 1]! * 8 + kernel * channels);
  });
  return fixedMb + (4 * (batchSize * activations + copiesOfWeights * parameters)) / 2 ** 20;
}
