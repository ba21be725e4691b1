/** A label on which nothing is drawn yet. */
import { type Geometry, voxelCount } from '@consilium/imaging';

export function zeroLayers(geometry: Geometry, layers: number): readonly Uint8Array[] {
  return Array.from({ length: layers }, () => new Uint8Array(voxelCount(geometry)));
}
