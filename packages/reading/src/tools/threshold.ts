/** What lies between two intensities, both inside. */
import type { ToolVolume } from './tool-volume.ts';

/** @param within only there; 1 inside. @returns 1 inside `[z, y, x]`. */
export function threshold(
  { voxels }: Pick<ToolVolume, 'voxels'>,
  { high, low, within }: { low: number; high: number; within?: Uint8Array },
): Uint8Array {
  const mask = new Uint8Array(voxels.length);
  for (let at = 0; at < mask.length; at++) {
    const value = voxels[at]!;
    if (value >= low && value <= high && (within === undefined || within[at] !== 0)) mask[at] = 1;
  }
  return mask;
}
