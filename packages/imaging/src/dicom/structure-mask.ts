/**
 * The voxels inside a structure's contours: those whose centres are inside an odd number of the contours on their slice. So a
 * contour within a contour is a hole, and a hole that is reached by a cut through the rim (a keyhole) is one too.
 */
import { inverseSteps, subtract, voxelCount } from '../geometry.ts';
import type { Geometry, Triple, Volume } from '../volume.ts';
import type { Contour, Structure } from './read-structures.ts';

export type StructureFinding =
  /** Contours that bound nothing: points and open lines. */
  | { readonly kind: 'open-contours'; readonly count: number }
  /** Contours that do not lie in a slice's plane: turned against the grid. */
  | { readonly kind: 'contours-oblique'; readonly count: number; readonly spreadSlicesMax: number }
  /** Contours between two slices, taken to the nearer one. */
  | { readonly kind: 'contours-between-slices'; readonly count: number; readonly offSlicesMax: number }
  /** Of several planes of contours nearest to one slice the nearest was taken, the others left out. */
  | { readonly kind: 'planes-left-out'; readonly count: number }
  | { readonly kind: 'contours-outside'; readonly count: number }
  /** Slices without a contour between slices with one. */
  | { readonly kind: 'slices-without-contour'; readonly count: number };

/** In slices: a contour this near to a slice is in it. */
const inSliceMax = 0.02;
const obliqueMax = 0.1;

interface Outline {
  /** Fractional index along z, and `y, x` after `y, x`. */
  readonly z: number;
  readonly points: Float64Array;
}

/** @returns a mask of 0 and 1 on the grid. */
export function maskOfStructure(
  structure: Pick<Structure, 'contours'>,
  geometry: Geometry,
): { readonly mask: Volume<Uint8Array>; readonly findings: readonly StructureFinding[] } {
  const findings: StructureFinding[] = [];
  const closed = structure.contours.filter(({ kind, pointsMm }) => kind === 'CLOSED_PLANAR' && pointsMm.length >= 9);
  if (closed.length < structure.contours.length) {
    findings.push({ kind: 'open-contours', count: structure.contours.length - closed.length });
  }
  const outlines = inPlane(closed, geometry, findings);
  const slices = bySlice(outlines, geometry.size[0], findings);
  const mask = new Uint8Array(voxelCount(geometry));
  const [, rows, columns] = geometry.size;
  for (const [z, inSlice] of slices) {
    const plane = mask.subarray(z * rows * columns, (z + 1) * rows * columns);
    for (const { points } of inSlice) toggleInside(points, plane, rows, columns);
  }
  const drawn = [...slices.keys()].toSorted((a, b) => a - b);
  const empty = drawn.length === 0 ? 0 : drawn.at(-1)! - drawn[0]! + 1 - drawn.length;
  if (empty > 0) findings.push({ kind: 'slices-without-contour', count: empty });
  return { mask: { geometry, voxels: mask }, findings };
}

function inPlane(contours: readonly Contour[], geometry: Geometry, findings: StructureFinding[]): readonly Outline[] {
  const inverse = inverseSteps(geometry);
  let oblique = 0;
  let spreadSlicesMax = 0;
  const outlines = contours.map(({ pointsMm }): Outline => {
    const count = pointsMm.length / 3;
    const points = new Float64Array(2 * count);
    let [low, high, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (let index = 0; index < count; index++) {
      const at: Triple = [pointsMm[3 * index]!, pointsMm[3 * index + 1]!, pointsMm[3 * index + 2]!];
      const offset = subtract(at, geometry.originMm);
      const along = (axis: 0 | 1 | 2): number =>
        inverse[axis][0] * offset[0] + inverse[axis][1] * offset[1] + inverse[axis][2] * offset[2];
      const z = along(0);
      points[2 * index] = along(1);
      points[2 * index + 1] = along(2);
      low = Math.min(low, z);
      high = Math.max(high, z);
      sum += z;
    }
    if (high - low > obliqueMax) oblique++;
    spreadSlicesMax = Math.max(spreadSlicesMax, high - low);
    return { z: sum / count, points };
  });
  if (oblique > 0) findings.push({ kind: 'contours-oblique', count: oblique, spreadSlicesMax });
  return outlines;
}

/** The contours of each slice: of several planes near to it those of the nearest. */
function bySlice(
  outlines: readonly Outline[],
  depth: number,
  findings: StructureFinding[],
): ReadonlyMap<number, readonly Outline[]> {
  const inside = outlines.filter(({ z }) => z > -0.5 && z < depth - 0.5);
  if (inside.length < outlines.length) {
    findings.push({ kind: 'contours-outside', count: outlines.length - inside.length });
  }
  const offs = inside.map(({ z }) => Math.abs(z - Math.round(z)));
  const between = offs.filter((off) => off > inSliceMax).length;
  if (between > 0) {
    const offSlicesMax = offs.reduce((most, off) => Math.max(most, off), 0);
    findings.push({ kind: 'contours-between-slices', count: between, offSlicesMax });
  }
  let leftOut = 0;
  const slices = new Map<number, readonly Outline[]>();
  for (const [z, near] of Map.groupBy(inside, (outline) => Math.round(outline.z))) {
    const nearest = near.reduce((best, one) => (Math.abs(one.z - z) < Math.abs(best.z - z) ? one : best));
    const kept = near.filter((outline) => Math.abs(outline.z - nearest.z) <= inSliceMax);
    leftOut += near.length - kept.length;
    slices.set(z, kept);
  }
  if (leftOut > 0) findings.push({ kind: 'planes-left-out', count: leftOut });
  return slices;
}

/** Turns 0 to 1 and back between every second crossing of a row of voxel centres with the outline. */
function toggleInside(points: Float64Array, plane: Uint8Array, rows: number, columns: number): void {
  const crossings: number[][] = Array.from({ length: rows }, () => []);
  const count = points.length / 2;
  for (let index = 0, before = count - 1; index < count; before = index++) {
    const [y0, x0, y1, x1] = [points[2 * before]!, points[2 * before + 1]!, points[2 * index]!, points[2 * index + 1]!];
    const first = Math.max(0, Math.ceil(Math.min(y0, y1)));
    const last = Math.min(rows - 1, Math.ceil(Math.max(y0, y1)) - 1);
    for (let row = first; row <= last; row++) crossings[row]!.push(x0 + ((row - y0) * (x1 - x0)) / (y1 - y0));
  }
  for (const [row, places] of crossings.entries()) {
    places.sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < places.length; pair += 2) {
      const from = Math.max(0, Math.ceil(places[pair]!));
      const to = Math.min(columns - 1, Math.ceil(places[pair + 1]!) - 1);
      for (let column = from; column <= to; column++) plane[row * columns + column]! ^= 1;
    }
  }
}
