/** Labels out of whatever number type a file stored them in. */
import { checkVolume } from './geometry.ts';
import { ImagingError } from './imaging-error.ts';
import type { LabelMap, Volume } from './volume.ts';

/**
 * The same volume as class numbers; shares the voxels where they are bytes already.
 * @throws ImagingError `imaging.label-not-a-class` for a value that is not a whole number from 0 to `classMax`.
 */
export function toLabelMap(volume: Volume, options: { classMax?: number } = {}): LabelMap {
  checkVolume(volume);
  const classMax = options.classMax ?? 255;
  const { geometry, voxels } = volume;
  const labels = voxels instanceof Uint8Array ? voxels : new Uint8Array(voxels.length);
  for (let at = 0; at < voxels.length; at++) {
    const value = voxels[at]!;
    if (!(value >= 0 && value <= classMax && Math.floor(value) === value)) {
      throw new ImagingError('imaging.label-not-a-class', `a label is not a whole number from 0 to ${classMax}`, {
        detail: `voxel ${at} is ${value}`,
      });
    }
    labels[at] = value;
  }
  return { geometry, voxels: labels };
}
