/** A yes-or-no volume: any value but 0 is inside. Index `(z * size[1] + y) * size[2] + x`. */
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';

export type Mask = Uint8Array;

/** First and last index inside, `[z, y, x]` each. */
export interface Box {
  readonly first: Triple;
  readonly last: Triple;
}

/** @throws ImagingError `imaging.grid-mismatch` unless every mask has as many voxels as `size`. */
export function checkMasks(size: Triple, ...masks: readonly Mask[]): void {
  const count = size[0] * size[1] * size[2];
  for (const mask of masks) {
    if (mask.length !== count) {
      throw new ImagingError('imaging.grid-mismatch', 'two masks to be compared do not lie on the same grid');
    }
  }
}

/** The smallest box around what is inside of any of the masks; undefined if all are empty. */
export function boundingBox(size: Triple, ...masks: readonly Mask[]): Box | undefined {
  const first: [number, number, number] = [size[0], size[1], size[2]];
  const last: [number, number, number] = [-1, -1, -1];
  for (const mask of masks) {
    for (let z = 0, row = 0; z < size[0]; z++) {
      for (let y = 0; y < size[1]; y++, row += size[2]) {
        let left = 0;
        while (left < size[2] && mask[row + left] === 0) left++;
        if (left === size[2]) continue;
        let right = size[2] - 1;
        while (mask[row + right] === 0) right--;
        if (z < first[0]) first[0] = z;
        if (z > last[0]) last[0] = z;
        if (y < first[1]) first[1] = y;
        if (y > last[1]) last[1] = y;
        if (left < first[2]) first[2] = left;
        if (right > last[2]) last[2] = right;
      }
    }
  }
  return last[0] < 0 ? undefined : { first, last };
}
