/**
 * A volume and where it lies in the patient.
 *
 * Axis order everywhere: `[z, y, x]`, x fastest in memory; z is the slice axis. World coordinates are DICOM's patient
 * system LPS in mm (x to the patient's left, y to the back, z to the head), as `[x, y, z]` (PS3.3 C.7.6.2.1.1).
 */

export type Triple = readonly [number, number, number];

export interface Geometry {
  /** Voxels along `[z, y, x]`. */
  readonly size: Triple;
  /** Millimetres between voxel centres along `[z, y, x]`. */
  readonly spacingMm: Triple;
  /** LPS position `[x, y, z]` in mm of the centre of voxel (0, 0, 0). */
  readonly originMm: Triple;
  /** Unit vectors in LPS `[x, y, z]` along the volume's `[z, y, x]` axes: `axes[0]` points from slice to slice. */
  readonly axes: readonly [Triple, Triple, Triple];
}

export type VoxelArray = Float32Array | Int16Array | Uint8Array;

export interface Volume<T extends VoxelArray = VoxelArray> {
  readonly geometry: Geometry;
  /** Length `size[0] * size[1] * size[2]`, index `(z * size[1] + y) * size[2] + x`. */
  readonly voxels: T;
}
/** Hounsfield units. */
export type Image = Volume<Float32Array | Int16Array>;
/** Class numbers, 0 = background. */
export type LabelMap = Volume<Uint8Array>;
