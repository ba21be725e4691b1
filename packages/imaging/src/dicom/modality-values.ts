/** Stored values of one frame to what they measure (PS3.3 C.11.1), straight into the volume. */
import type { InstanceHeader, ModalityTransform } from './instance-header.ts';
import type { PixelFormat } from './pixel-format.ts';
import type { StoredValues } from './stored-values.ts';

/** Below is no tissue: outside of the scanner's field of view vendors write -2000 or -3024. */
const airHu = -1024;

export type VoxelType = 'int16' | 'float32';

/** Whether 16-bit whole numbers hold everything these frames can say. */
export function voxelTypeOf(format: PixelFormat, transform: ModalityTransform, isCt: boolean): VoxelType {
  const [low, high] = rangeOf(format, transform);
  const whole =
    transform.kind === 'table' || (Number.isInteger(transform.slope) && Number.isInteger(transform.intercept));
  return whole && format.element === 'PixelData' && high <= 32_767 && (isCt || low >= -32_768) ? 'int16' : 'float32';
}

function rangeOf(format: PixelFormat, transform: ModalityTransform): readonly [number, number] {
  if (transform.kind === 'table') {
    return [
      Math.min(...transform.values.slice(0, 1)),
      transform.values.reduce((most, value) => Math.max(most, value), 0),
    ];
  }
  const high = 2 ** (format.signed ? format.bitsStored - 1 : format.bitsStored) - 1;
  const low = format.signed ? -(2 ** (format.bitsStored - 1)) : 0;
  const ends = [low * transform.slope + transform.intercept, high * transform.slope + transform.intercept] as const;
  return [Math.min(...ends), Math.max(...ends)];
}

/**
 * Writes one frame to `out`, one number a pixel. Of a CT padding, and what is below air, becomes air; of others padding
 * becomes 0.
 * @returns how many pixels were replaced.
 */
export function writeModalityValues(
  stored: StoredValues,
  { padding, modality }: Pick<InstanceHeader, 'padding' | 'modality'>,
  transform: ModalityTransform,
  out: Float32Array | Int16Array,
): number {
  const isCt = modality === 'CT';
  if (transform.kind === 'table') return writeByTable(stored, transform, out);
  const { slope, intercept } = transform;
  if (padding !== undefined) {
    const replacement = isCt ? airHu : 0;
    return writePadded(stored, { slope, intercept, padding, replacement, least: isCt ? airHu : -Infinity }, out);
  }
  if (isCt) return slope === 1 ? writeShifted(stored, intercept, out) : writeScaled(stored, { slope, intercept }, out);
  for (let at = 0; at < out.length; at++) out[at] = stored[at]! * slope + intercept;
  return 0;
}

// Each loop does one thing: this is where reading a series spends its time.

function writeShifted(stored: StoredValues, intercept: number, out: Float32Array | Int16Array): number {
  const written = writtenInPairs(stored, intercept, out);
  if (written !== undefined) return written;
  let replaced = 0;
  for (let at = 0; at < out.length; at++) {
    const hu = stored[at]! + intercept;
    out[at] = hu;
    if (hu < airHu) {
      out[at] = airHu;
      replaced++;
    }
  }
  return replaced;
}

/**
 * Two 16-bit values at a time, the usual case of a CT: three times as fast as one by one. Undefined where that cannot be
 * done; otherwise how many were below air. `stored` and `out` may be the same memory.
 */
function writtenInPairs(stored: StoredValues, intercept: number, out: Float32Array | Int16Array): number | undefined {
  const isWords = (stored instanceof Int16Array || stored instanceof Uint16Array) && out instanceof Int16Array;
  const isEven = out.length % 2 === 0 && out.byteOffset % 4 === 0;
  // Lower, and sums would fall under what 16 bits hold.
  const least = stored instanceof Int16Array ? airHu : -32_768;
  if (!isWords || !isEven || !Number.isInteger(intercept) || intercept < least) return undefined;
  const pairs = out.length / 2;
  const to = new Int32Array(out.buffer, out.byteOffset, pairs);
  const isAligned = stored.byteOffset % 4 === 0;
  // To copy what does not begin at a multiple of four takes a small part of what is done to it.
  const words = isAligned ? stored : stored.slice();
  const from = new Int32Array(words.buffer, words.byteOffset, pairs);
  const below = shiftPairs(from, to, intercept);
  if ((below & topBits) === 0) return 0;
  return raisedToAir(out, stored instanceof Int16Array ? Math.min(32_767, 32_767 + intercept) : 32_767);
}

const topBits = 0x8000_8000 | 0;
const otherBits = 0x7fff_7fff;

/**
 * Adds to both halves of each number, without a carry from one into the other: the other bits are added, the top bits
 * exclusive-ored. The top bits of the answer say whether any was below air.
 */
function shiftPairs(from: Int32Array, to: Int32Array, intercept: number): number {
  // Above air is above 0 here: then the top bit of each half says whether a value is below.
  const [shift, back] = [twice(intercept - airHu), twice(airHu)];
  // Written out and with nothing left to decide: the loop takes as long as all else that is done to a series.
  const [shiftTop, shiftOther, backTop, backOther] = [
    shift & topBits,
    shift & otherBits,
    back & topBits,
    back & otherBits,
  ];
  let below = 0;
  for (let at = 0; at < to.length; at++) {
    const pair = from[at]!;
    const aboveAir = (((pair & otherBits) + shiftOther) | 0) ^ (pair & topBits) ^ shiftTop;
    below |= aboveAir;
    to[at] = (((aboveAir & otherBits) + backOther) | 0) ^ (aboveAir & topBits) ^ backTop;
  }
  return below;
}

/** Values below air to air; those that wrapped around are above `highest`, the largest that there can be. */
function raisedToAir(out: Int16Array, highest: number): number {
  let raised = 0;
  for (let at = 0; at < out.length; at++) {
    if (out[at]! >= airHu && out[at]! <= highest) continue;
    out[at] = airHu;
    raised++;
  }
  return raised;
}

function twice(value: number): number {
  return (value & 0xffff) | (value << 16);
}

function writeScaled(
  stored: StoredValues,
  { slope, intercept }: { slope: number; intercept: number },
  out: Float32Array | Int16Array,
): number {
  let replaced = 0;
  for (let at = 0; at < out.length; at++) {
    const hu = stored[at]! * slope + intercept;
    out[at] = hu;
    if (hu < airHu) {
      out[at] = airHu;
      replaced++;
    }
  }
  return replaced;
}

interface Padded {
  readonly slope: number;
  readonly intercept: number;
  readonly padding: readonly [low: number, high: number];
  readonly replacement: number;
  /** Values below are replaced too. */
  readonly least: number;
}

function writePadded(
  stored: StoredValues,
  { slope, intercept, padding: [low, high], replacement, least }: Padded,
  out: Float32Array | Int16Array,
): number {
  let replaced = 0;
  for (let at = 0; at < out.length; at++) {
    const value = stored[at]!;
    const measured = value * slope + intercept;
    if (measured < least || (value >= low && value <= high)) {
      out[at] = replacement;
      if (measured !== replacement) replaced++;
    } else {
      out[at] = measured;
    }
  }
  return replaced;
}

function writeByTable(
  stored: StoredValues,
  { first, values }: Extract<ModalityTransform, { kind: 'table' }>,
  out: Float32Array | Int16Array,
): number {
  const last = values.length - 1;
  for (let at = 0; at < out.length; at++) out[at] = values[Math.min(Math.max(stored[at]! - first, 0), last)]!;
  return 0;
}
