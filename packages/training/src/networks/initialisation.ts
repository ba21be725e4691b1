/**
 * First values of the weights: He et al. 2015 (arXiv:1502.01852, equation 14 with the leaky slope of section 2.2),
 * normal, biases zero, as nnU-Net does. Every parameter draws from its own stream, named by the parameter, so that
 * adding a layer changes no other layer's start.
 */
import { elementCount, type Random, type Tensor, tensor } from '@consilium/numerics';

/**
 * @param fanIn how many products are summed into one output value
 * @param negativeSlope of the activation that follows; 0 for ReLU and the smooth ones
 */
export function heNormal(
  shape: readonly number[],
  options: { random: Random; fanIn: number; negativeSlope: number },
): Tensor<'float32'> {
  const { random, fanIn, negativeSlope } = options;
  const deviation = Math.sqrt(2 / ((1 + negativeSlope ** 2) * fanIn));
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: elementCount(shape) }, () => deviation * random.normal()),
  );
}

/** A tensor full of one value. */
export function filled(shape: readonly number[], value: number): Tensor<'float32'> {
  return tensor('float32', shape, new Float32Array(elementCount(shape)).fill(value));
}
