/**
 * Exact Euclidean distance on a grid with unequal spacings, one axis after the other: Felzenszwalb and Huttenlocher,
 * "Distance Transforms of Sampled Functions", Theory of Computing 8 (2012). Linear in the number of voxels.
 */
import type { Geometry, Triple } from '../volume.ts';
import { checkMasks, type Mask } from './mask.ts';

/**
 * For each voxel the distance in mm from its centre to the centre of the nearest voxel inside the mask: 0 inside,
 * Infinity everywhere if the mask is empty.
 * @throws ImagingError `imaging.grid-mismatch`
 */
export function distanceTransformMm(mask: Mask, geometry: Pick<Geometry, 'size' | 'spacingMm'>): Float32Array {
  checkMasks(geometry.size, mask);
  const squared = squaredDistances(mask, geometry.size, geometry.spacingMm);
  const distances = new Float32Array(squared.length);
  for (let at = 0; at < squared.length; at++) distances[at] = Math.sqrt(squared[at]!);
  return distances;
}

/** The same, squared (mm^2) and in float64. */
export function squaredDistances(mask: Mask, size: Triple, spacingMm: Triple): Float64Array {
  const squared = alongRows(mask, size, spacingMm[2]);
  const [depth, rows, columns] = size;
  const line = new Envelope(Math.max(depth, rows));
  for (let z = 0; z < depth; z++) {
    for (let x = 0; x < columns; x++) {
      line.lower(squared, { start: z * rows * columns + x, stride: columns, count: rows, spacingMm: spacingMm[1] });
    }
  }
  const plane = rows * columns;
  for (let at = 0; at < plane; at++) {
    line.lower(squared, { start: at, stride: plane, count: depth, spacingMm: spacingMm[0] });
  }
  return squared;
}

/** Within each row of x only: two sweeps. */
function alongRows(mask: Mask, size: Triple, spacingMm: number): Float64Array {
  const columns = size[2];
  const squared = new Float64Array(mask.length).fill(Number.POSITIVE_INFINITY);
  for (let row = 0; row < mask.length; row += columns) {
    let steps = Number.POSITIVE_INFINITY;
    for (let at = row; at < row + columns; at++) {
      steps = mask[at] === 0 ? steps + 1 : 0;
      squared[at] = (steps * spacingMm) ** 2;
    }
    if (steps === Number.POSITIVE_INFINITY) continue;
    steps = Number.POSITIVE_INFINITY;
    for (let at = row + columns - 1; at >= row; at--) {
      steps = mask[at] === 0 ? steps + 1 : 0;
      const here = (steps * spacingMm) ** 2;
      if (here < squared[at]!) squared[at] = here;
    }
  }
  return squared;
}

interface Line {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
  readonly spacingMm: number;
}

/** The lower envelope of parabolas along one line; scratch space reused from line to line. */
class Envelope {
  private readonly values: Float64Array;
  private readonly vertices: Int32Array;
  private readonly borders: Float64Array;

  constructor(lengthMax: number) {
    this.values = new Float64Array(lengthMax);
    this.vertices = new Int32Array(lengthMax);
    this.borders = new Float64Array(lengthMax + 1);
  }

  /** Replaces each value f(p) on the line by the minimum over q of f(q) + ((p - q) spacing)^2. */
  lower(squared: Float64Array, { start, stride, count, spacingMm }: Line): void {
    const { values, vertices, borders } = this;
    const unit = spacingMm * spacingMm;
    let last = -1;
    for (let q = 0; q < count; q++) {
      const value = squared[start + q * stride]!;
      values[q] = value;
      if (value === Number.POSITIVE_INFINITY) continue;
      let border = Number.NEGATIVE_INFINITY;
      while (last >= 0) {
        const p = vertices[last]!;
        border = ((value - values[p]!) / unit + (q * q - p * p)) / (2 * (q - p));
        if (border > borders[last]!) break;
        last--;
        border = Number.NEGATIVE_INFINITY;
      }
      last++;
      vertices[last] = q;
      borders[last] = border;
    }
    if (last < 0) return;
    borders[last + 1] = Number.POSITIVE_INFINITY;
    for (let p = 0, nearest = 0; p < count; p++) {
      while (borders[nearest + 1]! < p) nearest++;
      const q = vertices[nearest]!;
      squared[start + p * stride] = values[q]! + (p - q) * (p - q) * unit;
    }
  }
}
