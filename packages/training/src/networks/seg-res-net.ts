/**
 * SegResNet: Myronenko 2018 (arXiv:1810.11654) without the auto-encoder branch, in the shape of MONAI's `SegResNet`:
 * pre-activation residual blocks (norm, activation, convolution, twice), strided convolutions down, a 1x1x1 convolution
 * and interpolation up, skip connections added. MONAI's defaults are `norm: group`, `activation: relu`,
 * `upSampling: linear`, blocks 1-2-2-4 down and 1-1-1 up.
 */
import type { Value } from '@consilium/engine';
import type { Layers } from './layers.ts';

/** @returns logits, finest first */
export function segResNet(layers: Layers, image: Value): Value[] {
  const { spec } = layers;
  const skips = down(layers, image);
  const decoderBlocks = spec.decoderBlocksPerLevel ?? spec.channels.map(() => 1);
  const logits: Value[] = [];
  let x = skips.at(-1)!;
  if (skips.length === 1) return [finalHead(layers, x, 0)];
  for (let index = skips.length - 2; index >= 0; index--) {
    const { channels } = layers.level(index);
    const { stride } = layers.level(index + 1);
    const raised = layers.upSample(x, { name: `up.${index}`, channels, stride, bias: spec.convolutionBias });
    x = layers.graph.op('Add', [raised, skips[index]!]);
    for (let block = 0; block < decoderBlocks[index]!; block++) {
      x = residualBlock(layers, x, { name: `decoder.${index}.block.${block}`, index });
    }
    if (index === 0 || spec.deepSupervision) logits.unshift(finalHead(layers, x, index));
  }
  return logits;
}

function down(layers: Layers, image: Value): Value[] {
  const { spec } = layers;
  const skips: Value[] = [];
  let x = image;
  for (let index = 0; index < spec.channels.length; index++) {
    const { channels, kernel, stride } = layers.level(index);
    if (index === 0) x = layers.convolution(x, { name: 'stem.convolution.0', channels, kernel });
    else if (spec.downSampling === 'max-pool') {
      x = layers.convolution(layers.maxPool(x, stride), { name: `down.${index}`, channels, kernel });
    } else x = layers.convolution(x, { name: `down.${index}`, channels, kernel, stride });
    for (let block = 0; block < spec.blocksPerLevel[index]!; block++) {
      x = residualBlock(layers, x, { name: `encoder.${index}.block.${block}`, index });
    }
    skips.push(x);
  }
  return skips;
}

function residualBlock(layers: Layers, input: Value, options: { name: string; index: number }): Value {
  const { name } = options;
  const { channels, kernel } = layers.level(options.index);
  let x = input;
  for (const step of [0, 1]) {
    x = layers.activation(layers.norm(x, { name: `${name}.norm.${step}` }), { name: `${name}.activation.${step}` });
    x = layers.convolution(x, { name: `${name}.convolution.${step}`, channels, kernel });
  }
  return layers.graph.op('Add', [x, input]);
}

function finalHead(layers: Layers, x: Value, index: number): Value {
  const active = layers.activation(layers.norm(x, { name: `head.${index}.norm` }), {
    name: `head.${index}.activation`,
  });
  return layers.head(active, { name: `head.${index}` });
}
