/**
 * The way up that the U-Nets share: up-sample, put the skip connection in front, convolve; a head at the finest level
 * and, with deep supervision, at the coarser ones.
 */
import type { Value } from '@consilium/engine';
import type { Layers } from './layers.ts';

/**
 * @param skips the encoder's activations, finest first; the last is the bottom
 * @returns the logits of each level, finest first: one, or as many as there are decoder levels
 */
export function decode(layers: Layers, skips: readonly Value[]): Value[] {
  const { spec, graph } = layers;
  const blocks = spec.decoderBlocksPerLevel ?? defaultBlocks(layers);
  const logits: Value[] = [];
  let x = skips.at(-1)!;
  if (skips.length === 1) return [layers.head(x, { name: 'head.0' })];
  for (let index = skips.length - 2; index >= 0; index--) {
    const { channels, kernel } = layers.level(index);
    const { stride } = layers.level(index + 1);
    const raised = layers.upSample(x, { name: `up.${index}`, channels, stride });
    x = graph.op('Concat', [skips[index]!, raised], { axis: 1 });
    for (let block = 0; block < blocks[index]!; block++) {
      x = layers.block(x, { name: `decoder.${index}`, index: block, channels, kernel });
    }
    if (index === 0 || spec.deepSupervision) logits.unshift(layers.head(x, { name: `head.${index}` }));
  }
  return logits;
}

function defaultBlocks({ spec }: Layers): readonly number[] {
  return spec.kind === 'unet' ? spec.blocksPerLevel : spec.channels.map(() => 1);
}
