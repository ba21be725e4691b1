/**
 * Where a NIfTI grid lies: the header's sform, qform or voxel edges to our geometry (LPS), and back.
 *
 * NIfTI's world is RAS (x to the right, y to the front), ours LPS: x and y change sign. The file's i, j, k are our x, y, z.
 * Which form counts follows nibabel: sform if its code is positive, else qform, else the voxel edges with the centre of
 * the volume at the origin and i running to the left.
 */
import { cross, dot, geometryOfSteps, scaled } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Geometry, Triple } from '../volume.ts';
import type { NiftiHeader } from './header.ts';

/** @throws ImagingError `imaging.nifti-affine-invalid` */
export function geometryOfHeader(header: NiftiHeader): Geometry {
  const affine = header.sformCode > 0 ? header.sform : header.qformCode > 0 ? qform(header) : edges(header);
  const column = (index: 0 | 1 | 2 | 3): Triple =>
    scaled([0 - affine[index]!, 0 - affine[4 + index]!, affine[8 + index]!], header.unitMm);
  const [i, j, k] = header.dimensions;
  try {
    return geometryOfSteps([k, j, i], column(3), [column(2), column(1), column(0)]);
  } catch (error) {
    throw new ImagingError('imaging.nifti-affine-invalid', 'the header does not say where the volume lies', {
      cause: error,
    });
  }
}

/** Three rows of four: i, j, k, 1 to RAS in mm. */
export function sformOf({ axes, spacingMm, originMm }: Geometry): number[] {
  const sign = [-1, -1, 1] as const;
  return ([0, 1, 2] as const).flatMap((world) => [
    sign[world] * axes[2][world] * spacingMm[2],
    sign[world] * axes[1][world] * spacingMm[1],
    sign[world] * axes[0][world] * spacingMm[0],
    sign[world] * originMm[world],
  ]);
}

/**
 * Quaternion (b, c, d) and qfac of a grid's axes in RAS, or undefined where the axes are not orthogonal: a quaternion
 * cannot say that, only an sform can.
 */
export function quaternionOf({ axes }: Geometry): { quaternion: Triple; qfac: 1 | -1 } | undefined {
  const toRas = ([x, y, z]: Triple): Triple => [0 - x, 0 - y, z];
  const [k, j, i] = [toRas(axes[0]), toRas(axes[1]), toRas(axes[2])];
  const skew = Math.max(Math.abs(dot(i, j)), Math.abs(dot(j, k)), Math.abs(dot(i, k)));
  if (skew > 1e-5) return undefined;
  const qfac = dot(cross(i, j), k) < 0 ? -1 : 1;
  return { quaternion: rotationToQuaternion(i, j, scaled(k, qfac)), qfac };
}

/** nifti1.h METHOD 2: unit quaternion a, b, c, d with a = sqrt(1 - b^2 - c^2 - d^2). */
function qform(header: NiftiHeader): number[] {
  const [b, c, d] = header.quaternion;
  const rest = 1 - (b * b + c * c + d * d);
  if (rest < -1e-3) {
    throw new ImagingError('imaging.nifti-affine-invalid', 'the header does not say where the volume lies');
  }
  const a = Math.sqrt(Math.max(0, rest));
  const [qfac, di, dj, dk] = header.pixdim;
  const sk = qfac < 0 ? -dk : dk;
  const [ox, oy, oz] = header.quaternionOffset;
  return [
    (a * a + b * b - c * c - d * d) * di,
    2 * (b * c - a * d) * dj,
    2 * (b * d + a * c) * sk,
    ox,
    2 * (b * c + a * d) * di,
    (a * a + c * c - b * b - d * d) * dj,
    2 * (c * d - a * b) * sk,
    oy,
    2 * (b * d - a * c) * di,
    2 * (c * d + a * b) * dj,
    (a * a + d * d - c * c - b * b) * sk,
    oz,
  ];
}

function edges(header: NiftiHeader): number[] {
  const [i, j, k] = header.dimensions;
  const [, di, dj, dk] = header.pixdim;
  const middle = (count: number, edge: number): number => -edge * ((count - 1) / 2);
  return [-di, 0, 0, -middle(i, di), 0, dj, 0, middle(j, dj), 0, 0, dk, middle(k, dk)];
}

/** Of a proper rotation with columns i, j, k; a >= 0 (nifti_mat44_to_quatern). */
function rotationToQuaternion(i: Triple, j: Triple, k: Triple): Triple {
  const trace = i[0] + j[1] + k[2] + 1;
  if (trace > 0.5) {
    const a = 0.5 * Math.sqrt(trace);
    return [(0.25 * (j[2] - k[1])) / a, (0.25 * (k[0] - i[2])) / a, (0.25 * (i[1] - j[0])) / a];
  }
  const xd = 1 + i[0] - (j[1] + k[2]);
  const yd = 1 + j[1] - (i[0] + k[2]);
  const zd = 1 + k[2] - (i[0] + j[1]);
  let a: number;
  let quaternion: Triple;
  if (xd > 1) {
    const b = 0.5 * Math.sqrt(xd);
    quaternion = [b, (0.25 * (j[0] + i[1])) / b, (0.25 * (k[0] + i[2])) / b];
    a = (0.25 * (j[2] - k[1])) / b;
  } else if (yd > 1) {
    const c = 0.5 * Math.sqrt(yd);
    quaternion = [(0.25 * (j[0] + i[1])) / c, c, (0.25 * (k[1] + j[2])) / c];
    a = (0.25 * (k[0] - i[2])) / c;
  } else {
    const d = 0.5 * Math.sqrt(zd);
    quaternion = [(0.25 * (k[0] + i[2])) / d, (0.25 * (k[1] + j[2])) / d, d];
    a = (0.25 * (i[1] - j[0])) / d;
  }
  return a < 0 ? scaled(quaternion, -1) : quaternion;
}
