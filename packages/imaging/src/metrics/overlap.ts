/** How much two masks overlap. */
import { ImagingError } from '../imaging-error.ts';
import type { Mask } from './mask.ts';

/**
 * Dice's coefficient, 2 |A and B| / (|A| + |B|), in 0 .. 1. Two empty masks agree: 1. One empty: 0.
 * @throws ImagingError `imaging.grid-mismatch`
 */
export function dice(a: Mask, b: Mask): number {
  if (a.length !== b.length) {
    throw new ImagingError('imaging.grid-mismatch', 'two masks to be compared do not lie on the same grid');
  }
  let both = 0;
  let total = 0;
  for (let at = 0; at < a.length; at++) {
    const inA = a[at] === 0 ? 0 : 1;
    const inB = b[at] === 0 ? 0 : 1;
    both += inA & inB;
    total += inA + inB;
  }
  return total === 0 ? 1 : (2 * both) / total;
}
