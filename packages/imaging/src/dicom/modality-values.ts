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
  if (padding === undefined && !isCt) {
    for (let at = 0; at < out.length; at++) out[at] = stored[at]! * slope + intercept;
    return 0;
  }
  const [low, high] = padding ?? [1, 0];
  const replacement = isCt ? airHu : 0;
  const least = isCt ? airHu : Number.NEGATIVE_INFINITY;
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
