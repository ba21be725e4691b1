/**
 * U-Net: Ronneberger et al. 2015 (arXiv:1505.04597), in 3-D Cicek et al. 2016 (arXiv:1606.06650), with the choices of
 * nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z): padded convolutions, norm, leaky ReLU, anisotropic
 * kernels and strides.
 */
import type { Value } from '@consilium/engine';
import { decode } from './decoder.ts';
import type { Layers } from './layers.ts';

/** @returns logits, finest first */
export function uNet(layers: Layers, image: Value): Value[] {
  const { spec } = layers;
  const skips: Value[] = [];
  let x = image;
  for (let index = 0; index < spec.channels.length; index++) {
    const { channels, kernel, stride } = layers.level(index);
    const pooled = spec.downSampling === 'max-pool';
    if (pooled) x = layers.maxPool(x, stride);
    for (let block = 0; block < spec.blocksPerLevel[index]!; block++) {
      const step = block === 0 && !pooled ? { stride } : {};
      x = layers.block(x, { name: `encoder.${index}`, index: block, channels, kernel, ...step });
    }
    skips.push(x);
  }
  return decode(layers, skips);
}
