/** The three planes of a reading, and what follows from where they lie in the patient. */
import type { Answer } from '@consilium/reading/api';

export type Plane = 'axial' | 'coronal' | 'sagittal';
export const planes: readonly Plane[] = ['axial', 'coronal', 'sagittal'];

export type Vector = readonly [number, number, number];
export type CaseGeometry = Answer<'volume'>['geometry'];

/** The patient's sides as DICOM names them (PS3.3 C.7.6.1.1.1): along LPS x, y, z. */
const sides = [
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
] as const;
/** A direction within so much of a plane's has one letter only. */
const obliqueMin = 0.2;

/** Letters of a direction in LPS, the closest axis first; `AR` is between the patient's front and right. */
export function sideOf(direction: Vector): string {
  return [0, 1, 2]
    .filter((axis) => Math.abs(direction[axis]!) > obliqueMin)
    .sort((a, b) => Math.abs(direction[b]!) - Math.abs(direction[a]!))
    .map((axis) => sides[axis]![direction[axis]! > 0 ? 0 : 1])
    .join('');
}

/** Of a picture: what is up and to the right. */
export function edgesOf({
  up,
  normal,
}: {
  up: Vector;
  normal: Vector;
}): Readonly<Record<'top' | 'right' | 'bottom' | 'left', string>> {
  const right = cross(up, normal);
  return { top: sideOf(up), right: sideOf(right), bottom: sideOf(negative(up)), left: sideOf(negative(right)) };
}

/** Height and width that a volume takes in a picture. */
export function extentMm(
  { axes, size, spacingMm }: CaseGeometry,
  { normal, up }: { up: Vector; normal: Vector },
): readonly [number, number] {
  const along = (direction: Vector) =>
    [0, 1, 2].reduce(
      (sum, axis) => sum + Math.abs(dot(axes[axis as 0]!, direction)) * size[axis as 0]! * spacingMm[axis as 0]!,
      0,
    );
  return [along(up), along(cross(up, normal))];
}

/** Continuous indices `[z, y, x]` of a point in LPS, mm. */
export function voxelOf({ axes, originMm, spacingMm }: CaseGeometry, pointMm: Vector): [number, number, number] {
  const from = [0, 1, 2].map((at) => pointMm[at]! - originMm[at]!) as unknown as Vector;
  return [0, 1, 2].map((axis) => dot(from, axes[axis as 0 | 1 | 2]) / spacingMm[axis as 0 | 1 | 2]) as [
    number,
    number,
    number,
  ];
}

/** LPS, mm, of indices `[z, y, x]`. */
export function pointOf({ axes, originMm, spacingMm }: CaseGeometry, voxel: Vector): [number, number, number] {
  return [0, 1, 2].map(
    (at) =>
      originMm[at as 0]! +
      [0, 1, 2].reduce((sum, axis) => sum + axes[axis as 0]![at as 0]! * spacingMm[axis as 0]! * voxel[axis as 0]!, 0),
  ) as [number, number, number];
}

/** Corners of the box in LPS, mm, that a volume lies in, by the centres of its voxels. */
function boundsMm(geometry: CaseGeometry): readonly [low: Vector, high: Vector] {
  const corners = Array.from({ length: 8 }, (_, at) =>
    pointOf(geometry, [0, 1, 2].map((axis) => ((at >> axis) & 1) * (geometry.size[axis]! - 1)) as unknown as Vector),
  );
  const edge = (pick: (...values: number[]) => number) =>
    [0, 1, 2].map((side) => pick(...corners.map((corner) => corner[side]!))) as unknown as Vector;
  return [edge(Math.min), edge(Math.max)];
}

/**
 * The point of another volume that lies as far along it in each of the patient's directions: where two series have no frame of
 * reference in common, there is no better guess without registering them. LPS, mm.
 */
export function pointAlike(pointMm: Vector, from: CaseGeometry, to: CaseGeometry): Vector {
  const [[low, high], [lowTo, highTo]] = [boundsMm(from), boundsMm(to)];
  return [0, 1, 2].map((side) => {
    const length = high[side]! - low[side]!;
    const share = length === 0 ? 0.5 : (pointMm[side]! - low[side]!) / length;
    return lowTo[side]! + share * (highTo[side]! - lowTo[side]!);
  }) as unknown as Vector;
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function negative([x, y, z]: Vector): Vector {
  return [-x, -y, -z];
}
