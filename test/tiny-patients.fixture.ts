/** Patients of 20 x 24 x 24 voxels: enough for every step of a project, and done in seconds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeNifti, type Geometry } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';

const size = [20, 24, 24] as const;
const geometry: Geometry = {
  size,
  spacingMm: [5, 5, 5],
  originMm: [0, 0, 0],
  axes: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
};

/** A kidney is a ball of 150 HU with a tumour of 80 HU, in fat; the sites' scanners differ by their noise. */
export function writeTinyPatients(directory: string, { site, count }: { site: number; count: number }): void {
  for (let index = 0; index < count; index++) writePatient(join(directory, `patient-${index}`), site, index);
}

function writePatient(directory: string, site: number, index: number): void {
  const random = createRandom(1, site, index);
  const kidney = { centre: [10, 12, 12], radius: random.between(6, 8) };
  const tumour = { centre: [random.integer(8, 13), 12, random.integer(14, 18)], radius: random.between(2.5, 4) };
  const inside = ({ centre, radius }: typeof kidney, place: readonly number[]) =>
    place.reduce((sum, at, axis) => sum + (at - centre[axis]!) ** 2, 0) < radius ** 2;
  const voxels = new Int16Array(size[0] * size[1] * size[2]);
  const label = new Uint8Array(voxels.length);
  for (let voxel = 0; voxel < voxels.length; voxel++) {
    const place = [Math.floor(voxel / 576), Math.floor(voxel / 24) % 24, voxel % 24];
    label[voxel] = inside(tumour, place) ? 2 : inside(kidney, place) ? 1 : 0;
    voxels[voxel] = [-100, 150, 80][label[voxel]!]! + (8 + 10 * site) * random.normal();
  }
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'image.nii.gz'), encodeNifti({ geometry, voxels }));
  writeFileSync(join(directory, 'label.nii.gz'), encodeNifti({ geometry, voxels: label }));
}
