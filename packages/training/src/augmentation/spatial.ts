/**
 * Cutting a patch out of a prepared case, turned, scaled and mirrored: one interpolation from the case straight to the
 * patch (linear for the image, nearest for the label, so that no class can appear that was not there).
 */
import type { Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';
import type { PreparedCase } from '../preprocess.ts';
import type { AugmentationSpec } from './augmentation-spec.ts';

/** `[z, y, x]` voxels, x fastest. */
export interface Patch {
  readonly size: Triple;
  readonly image: Float32Array;
  readonly label: Float32Array;
}

export interface SpatialTransform {
  /**
   * Rows of the 3x3 matrix from an offset in the patch to an offset in the case, both `[z, y, x]` voxels from the
   * centre; undefined is the identity and copies voxels as they are.
   */
  readonly matrix: readonly [Triple, Triple, Triple] | undefined;
  readonly flips: readonly [boolean, boolean, boolean];
}

export const noTransform: SpatialTransform = { matrix: undefined, flips: [false, false, false] };

/** What this patch undergoes: as often and as much as the specification says. */
export function drawSpatialTransform(spec: AugmentationSpec, spacingMm: Triple, random: Random): SpatialTransform {
  const turns = random.chance(spec.rotation.probability);
  const angle = (axis: 0 | 1 | 2): number => {
    const most = (spec.rotation.degreesMax[axis] * Math.PI) / 180;
    return turns ? random.between(-most, most) : 0;
  };
  const angles: Triple = [angle(0), angle(1), angle(2)];
  const factor = random.chance(spec.scaling.probability) ? random.between(...spec.scaling.factor) : 1;
  const flip = (axis: 0 | 1 | 2): boolean => spec.flips[axis] && random.chance(0.5);
  const flips = [flip(0), flip(1), flip(2)] as const;
  const still = factor === 1 && angles.every((each) => each === 0);
  return { flips, matrix: still ? undefined : turnAndScale(angles, factor, spacingMm) };
}

/** Turning in millimetres, so that an anisotropic voxel does not shear the patient. */
function turnAndScale(radians: Triple, factor: number, spacingMm: Triple): readonly [Triple, Triple, Triple] {
  const [[cz, sz], [cy, sy], [cx, sx]] = radians.map((angle) => [Math.cos(angle), Math.sin(angle)]) as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const aboutZ: Matrix = [[1, 0, 0], [0, cz, -sz], [0, sz, cz]]; // biome-ignore format: a matrix
  const aboutY: Matrix = [[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]; // biome-ignore format: a matrix
  const aboutX: Matrix = [[cx, -sx, 0], [sx, cx, 0], [0, 0, 1]]; // biome-ignore format: a matrix
  const turn = product(product(aboutZ, aboutY), aboutX);
  const row = (to: 0 | 1 | 2): Triple => {
    const entry = (from: 0 | 1 | 2): number => (turn[to][from] * spacingMm[from]) / (spacingMm[to] * factor);
    return [entry(0), entry(1), entry(2)];
  };
  return [row(0), row(1), row(2)];
}

type Matrix = readonly [Triple, Triple, Triple];

function product(a: Matrix, b: Matrix): Matrix {
  const entry = (row: 0 | 1 | 2, column: 0 | 1 | 2): number =>
    a[row][0] * b[0][column] + a[row][1] * b[1][column] + a[row][2] * b[2][column];
  const row = (index: 0 | 1 | 2): Triple => [entry(index, 0), entry(index, 1), entry(index, 2)];
  return [row(0), row(1), row(2)];
}

export interface Cut {
  readonly source: Pick<PreparedCase, 'geometry' | 'image' | 'label'>;
  /** The case's voxel `[z, y, x]` that the patch's voxel `floor(size / 2)` shows. */
  readonly centre: Triple;
  readonly transform: SpatialTransform;
  /** The image's value outside the case; the label there is background. */
  readonly outside: number;
}

/** Fills `patch` (an out parameter). */
export function cutPatch({ source, centre, transform, outside }: Cut, patch: Patch): void {
  if (transform.matrix === undefined) copyPatch(source, centre, outside, patch);
  else interpolatePatch(source, { centre, matrix: transform.matrix }, outside, patch);
  for (const axis of [0, 1, 2] as const) {
    if (!transform.flips[axis]) continue;
    mirror(patch.image, patch.size, axis);
    mirror(patch.label, patch.size, axis);
  }
}

function copyPatch(source: Cut['source'], centre: Triple, outside: number, { size, image, label }: Patch): void {
  const [depth, height, width] = source.geometry.size;
  const [z0, y0, x0] = centre.map((middle, axis) => middle - Math.floor(size[axis]! / 2)) as [number, number, number];
  const xFrom = Math.max(0, -x0);
  const xTo = Math.min(size[2], width - x0);
  image.fill(outside);
  label.fill(0);
  for (let z = Math.max(0, -z0); z < Math.min(size[0], depth - z0); z++) {
    for (let y = Math.max(0, -y0); y < Math.min(size[1], height - y0); y++) {
      const to = (z * size[1] + y) * size[2];
      const from = ((z0 + z) * height + y0 + y) * width + x0;
      if (xTo <= xFrom) continue;
      image.set(source.image.subarray(from + xFrom, from + xTo), to + xFrom);
      label.set(source.label.subarray(from + xFrom, from + xTo), to + xFrom);
    }
  }
}

function interpolatePatch(
  source: Cut['source'],
  { centre, matrix }: { centre: Triple; matrix: Matrix },
  outside: number,
  { size, image, label }: Patch,
): void {
  const [depth, height, width] = source.geometry.size;
  const { image: from, label: labelFrom } = source;
  const plane = height * width;
  const [half0, half1, half2] = size.map((each) => Math.floor(each / 2)) as [number, number, number];
  const [[zz, zy, zx], [yz, yy, yx], [xz, xy, xx]] = matrix;
  let to = 0;
  for (let k = -half0; k < size[0] - half0; k++) {
    for (let j = -half1; j < size[1] - half1; j++) {
      for (let i = -half2; i < size[2] - half2; i++, to++) {
        const z = centre[0] + zz * k + zy * j + zx * i;
        const y = centre[1] + yz * k + yy * j + yx * i;
        const x = centre[2] + xz * k + xy * j + xx * i;
        const z0 = Math.floor(z);
        const y0 = Math.floor(y);
        const x0 = Math.floor(x);
        if (z0 < 0 || y0 < 0 || x0 < 0 || z0 >= depth - 1 || y0 >= height - 1 || x0 >= width - 1) {
          image[to] = atTheEdge(source, z, y, x, outside);
          label[to] = labelAt(source, Math.round(z), Math.round(y), Math.round(x));
          continue;
        }
        const wz = z - z0;
        const wy = y - y0;
        const wx = x - x0;
        const at = z0 * plane + y0 * width + x0;
        const a = from[at]! + (from[at + 1]! - from[at]!) * wx;
        const b = from[at + width]! + (from[at + width + 1]! - from[at + width]!) * wx;
        const c = from[at + plane]! + (from[at + plane + 1]! - from[at + plane]!) * wx;
        const far = at + plane + width;
        const d = from[far]! + (from[far + 1]! - from[far]!) * wx;
        const near = a + (b - a) * wy;
        image[to] = near + (c + (d - c) * wy - near) * wz;
        label[to] = labelFrom[at + (wz < 0.5 ? 0 : plane) + (wy < 0.5 ? 0 : width) + (wx < 0.5 ? 0 : 1)]!;
      }
    }
  }
}

/** Linear interpolation where some of the eight voxels may lie outside the case. */
function atTheEdge(source: Cut['source'], z: number, y: number, x: number, outside: number): number {
  const [depth, height, width] = source.geometry.size;
  const z0 = Math.floor(z);
  const y0 = Math.floor(y);
  const x0 = Math.floor(x);
  if (z0 < -1 || y0 < -1 || x0 < -1 || z0 >= depth || y0 >= height || x0 >= width) return outside;
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    const cz = z0 + (corner >> 2);
    const cy = y0 + ((corner >> 1) & 1);
    const cx = x0 + (corner & 1);
    const share = (1 - Math.abs(z - cz)) * (1 - Math.abs(y - cy)) * (1 - Math.abs(x - cx));
    const inside = cz >= 0 && cy >= 0 && cx >= 0 && cz < depth && cy < height && cx < width;
    sum += share * (inside ? source.image[(cz * height + cy) * width + cx]! : outside);
  }
  return sum;
}

function labelAt(source: Cut['source'], z: number, y: number, x: number): number {
  const [depth, height, width] = source.geometry.size;
  if (z < 0 || y < 0 || x < 0 || z >= depth || y >= height || x >= width) return 0;
  return source.label[(z * height + y) * width + x]!;
}

/** Reverses one axis in place. */
export function mirror(voxels: Float32Array, size: Triple, axis: 0 | 1 | 2): void {
  const [depth, height, width] = size;
  if (axis === 2) {
    for (let row = 0; row < voxels.length; row += width) voxels.subarray(row, row + width).reverse();
    return;
  }
  const length = axis === 0 ? depth : height;
  const inner = axis === 0 ? height * width : width;
  const buffer = new Float32Array(inner);
  for (let outer = 0; outer < voxels.length; outer += length * inner) {
    for (let low = 0, high = length - 1; low < high; low++, high--) {
      const first = outer + low * inner;
      const second = outer + high * inner;
      buffer.set(voxels.subarray(first, first + inner));
      voxels.copyWithin(first, second, second + inner);
      voxels.set(buffer, second);
    }
  }
}
