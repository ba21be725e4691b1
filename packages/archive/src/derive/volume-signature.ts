/** What two volumes are compared by, to find those that show the same. */
import { type Image, voxelCount } from '@consilium/imaging';

/** Edge of the cube of means by which volumes are compared. */
const signatureEdge = 16;

/** `[z, y, x]` means over 16 × 16 × 16 blocks of the volume, int16. */
export function signatureOf(image: Image): Int16Array {
  const { size } = image.geometry;
  const sums = new Float64Array(signatureEdge ** 3);
  const counts = new Uint32Array(signatureEdge ** 3);
  const blockOf = size.map((length) => {
    return Uint8Array.from({ length }, (_, at) => Math.floor((at * signatureEdge) / length));
  });
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const row = (blockOf[0]![z]! * signatureEdge + blockOf[1]![y]!) * signatureEdge;
      for (let x = 0; x < size[2]; x++) {
        const block = row + blockOf[2]![x]!;
        sums[block]! += image.voxels[at++]!;
        counts[block]!++;
      }
    }
  }
  return Int16Array.from(sums, (sum, block) => Math.round(sum / Math.max(1, counts[block]!)));
}

/** Pearson's correlation of two signatures; 0 where one of them is uniform. */
export function correlationOf(a: Int16Array, b: Int16Array): number {
  const mean = (values: Int16Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [da, db] = [value - meanA, b[at]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** The bytes of the voxels, to be hashed; not copied. */
export function voxelBytes({ geometry, voxels }: Image): Uint8Array {
  return new Uint8Array(voxels.buffer, voxels.byteOffset, voxelCount(geometry) * voxels.BYTES_PER_ELEMENT);
}
