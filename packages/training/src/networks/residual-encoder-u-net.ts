/**
 * nnU-Net's residual-encoder U-Net (Isensee et al. 2024, arXiv:2404.09556; `ResidualEncoderUNet` of
 * dynamic-network-architectures): a stem, residual blocks on the way down (He et al. 2016, arXiv:1512.03385; shortcut of
 * He, T. et al. 2019, arXiv:1812.01187: average pooling, then a 1x1x1 convolution), plain convolutions on the way up.
 */
import type { Value } from '@consilium/engine';
import { decode } from './decoder.ts';
import { isOne, type Layers } from './layers.ts';

/** @returns logits, finest first */
export function residualEncoderUNet(layers: Layers, image: Value): Value[] {
  const { spec } = layers;
  const stem = layers.level(0);
  const skips: Value[] = [];
  let x = layers.block(image, { name: 'stem', index: 0, channels: stem.channels, kernel: stem.kernel });
  for (let index = 0; index < spec.channels.length; index++) {
    for (let block = 0; block < spec.blocksPerLevel[index]!; block++) {
      x = residualBlock(layers, x, { index, block });
    }
    skips.push(x);
  }
  return decode(layers, skips);
}

function residualBlock(layers: Layers, x: Value, options: { index: number; block: number }): Value {
  const { channels, kernel, stride: levelStride } = layers.level(options.index);
  const stride = options.block === 0 ? levelStride : ([1, 1, 1] as const);
  const name = `encoder.${options.index}.block.${options.block}`;
  const pooled = layers.spec.downSampling === 'max-pool' && !isOne(stride);
  const input = pooled ? layers.maxPool(x, stride) : x;
  const first = layers.block(input, { name, index: 0, channels, kernel, ...(pooled ? {} : { stride }) });
  const second = layers.convolution(first, { name: `${name}.convolution.1`, channels, kernel });
  // The last norm of a block starts at 0, so that every block starts as the identity (Goyal et al. 2017, nnU-Net).
  const branch = layers.norm(second, { name: `${name}.norm.1`, gain: 0 });
  let shortcut = pooled ? input : layers.averagePool(x, stride);
  if (x.shape[1] !== channels) {
    const projected = { name: `${name}.shortcut.convolution`, channels, kernel: [1, 1, 1] as const, bias: false };
    shortcut = layers.norm(layers.convolution(shortcut, projected), { name: `${name}.shortcut.norm` });
  }
  return layers.activation(layers.graph.op('Add', [branch, shortcut]), { name: `${name}.activation.1` });
}
