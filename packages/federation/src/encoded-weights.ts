/**
 * How a site writes its weights down for the journey. The numbers that `ContributedWeights` reads are those that this
 * file rounds to, to the last bit, so the site knows what rounding lost.
 */
import { type Tensor, tensor, toBfloat16, toFloat16, type Weights } from '@consilium/numerics';
import { blockElements, type Encoding, scalesOf } from '@consilium/protocol';
import type { Floats } from './weights.ts';

export interface EncodedWeights {
  /** What travels: one tensor for each, and one of scales beside it for int8. */
  readonly tensors: Weights;
  /** What int8 lost: to be kept, and given with the next weights of the same job. Empty for the other encodings. */
  readonly residual: Weights;
}

export interface WeightsToEncode {
  /** float32 or float64, without what stays at the site. */
  readonly weights: Weights;
  /** What the coordinator sent; has all that `weights` has. */
  readonly base: Weights;
  /** What was lost of the contribution before; empty for the first. */
  readonly residual: Weights;
  readonly encoding: Encoding;
}

/**
 * Error feedback (Seide et al. 2014; Karimireddy et al. 2019): int8 sends the difference to the base plus the residual.
 */
export function encodeWeights({ weights, base, residual, encoding }: WeightsToEncode): EncodedWeights {
  const tensors = new Map<string, Tensor>();
  const lost = new Map<string, Tensor>();
  for (const [name, own] of weights) {
    const sent = base.get(name)!.data as Floats;
    const before = residual.get(name)?.data as Floats | undefined;
    const values = own.data as Floats;
    const isOwed = before?.some((value) => value !== 0) ?? false;
    if (encoding.onlyChanged && !isOwed && values.every((value, index) => Object.is(value, sent[index]))) continue;
    switch (encoding.numbers) {
      case 'float32':
        tensors.set(name, own);
        break;
      case 'float16':
        tensors.set(name, tensor('float16', own.shape, toFloat16(Float32Array.from(values))));
        break;
      case 'bfloat16':
        tensors.set(name, tensor('bfloat16', own.shape, toBfloat16(Float32Array.from(values))));
        break;
      case 'int8': {
        const blocks = blocksOf(values, sent, before);
        tensors.set(name, tensor('int8', own.shape, blocks.levels));
        tensors.set(scalesOf(name), tensor('float32', [blocks.scales.length], blocks.scales));
        lost.set(name, tensor('float32', own.shape, blocks.lost));
      }
    }
  }
  return { tensors, residual: lost };
}

interface Blocks {
  /** -127 to 127, in units of the block's scale. */
  readonly levels: Int8Array;
  readonly scales: Float32Array;
  readonly lost: Float32Array;
}

/** The largest difference of a block is 127 times its scale. What is not finite makes its scale so, and is refused. */
function blocksOf(values: Floats, base: Floats, before: Floats | undefined): Blocks {
  const levels = new Int8Array(values.length);
  const lost = new Float32Array(values.length);
  const scales = new Float32Array(Math.ceil(values.length / blockElements));
  const decoded = new (values instanceof Float64Array ? Float64Array : Float32Array)(1);
  const differenceAt = (index: number) => values[index]! - base[index]! + (before?.[index] ?? 0);
  for (let block = 0; block < scales.length; block++) {
    const begin = block * blockElements;
    const end = Math.min(values.length, begin + blockElements);
    let largest = 0;
    for (let index = begin; index < end; index++) largest = Math.max(largest, Math.abs(differenceAt(index)));
    scales[block] = largest / 127;
    const scale = scales[block]!;
    if (!Number.isFinite(scale)) continue;
    for (let index = begin; index < end; index++) {
      const difference = differenceAt(index);
      const level = scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(difference / scale)));
      levels[index] = level;
      decoded[0] = base[index]! + level * scale;
      lost[index] = difference - (decoded[0]! - base[index]!);
    }
  }
  return { levels, scales, lost };
}
