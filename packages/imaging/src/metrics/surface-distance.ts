/**
 * How far apart the surfaces of two masks are: normalised surface Dice and the 95th percentile Hausdorff distance, with
 * the surface elements and weights of DeepMind's surface-distance (Nikolov et al. 2018, arXiv:1809.04430), as in KiTS.
 *
 * Surface elements sit at the corners between voxels, each with the area of the surface through it; distances run from
 * element to nearest element. Empty masks: both empty agree (NSD 1, HD95 0 mm); one empty, and every distance is
 * infinite (NSD 0, HD95 Infinity: no number would be honest. Report such cases by count, not in a mean).
 */
import type { Geometry, Triple } from '../volume.ts';
import { squaredDistances } from './distance-transform.ts';
import { type Box, boundingBox, checkMasks, type Mask } from './mask.ts';
import { surfaceAreasMm2 } from './surface-areas.ts';

/** Elements of one surface, nearest first: distance to the other surface (mm) and area (mm^2). */
export interface SurfaceElements {
  readonly distancesMm: Float64Array;
  readonly areasMm2: Float64Array;
}

export interface SurfaceDistances {
  readonly aToB: SurfaceElements;
  readonly bToA: SurfaceElements;
}

type Grid = Pick<Geometry, 'size' | 'spacingMm'>;

/** Distances that differ by less are equal: sums of squares of spacings are not exact. */
const toleranceSlackMm = 1e-6;

/**
 * Both surfaces' elements with their distance to the other one. Only the box around both masks is looked at.
 * @throws ImagingError `imaging.grid-mismatch`
 */
export function surfaceDistances(a: Mask, b: Mask, { size, spacingMm }: Grid): SurfaceDistances {
  checkMasks(size, a, b);
  const none: SurfaceElements = { distancesMm: new Float64Array(0), areasMm2: new Float64Array(0) };
  const box = boundingBox(size, a, b);
  if (box === undefined) return { aToB: none, bToA: none };
  const lattice = latticeOf(box);
  const patternsA = patternsOf(a, size, box);
  const patternsB = patternsOf(b, size, box);
  const toA = squaredDistances(bordersOf(patternsA), lattice, spacingMm);
  const toB = squaredDistances(bordersOf(patternsB), lattice, spacingMm);
  const areas = surfaceAreasMm2(spacingMm);
  return { aToB: elementsOf(patternsA, toB, areas), bToA: elementsOf(patternsB, toA, areas) };
}

/** Share of both surfaces' area that lies within `toleranceMm` of the other, in 0 .. 1. */
export function normalisedSurfaceDice(a: Mask, b: Mask, grid: Grid, toleranceMm: number): number {
  return surfaceDiceOf(surfaceDistances(a, b, grid), toleranceMm);
}

/** The larger of the two 95th percentiles, by area, of the distance to the other surface, in mm. */
export function hausdorff95(a: Mask, b: Mask, grid: Grid): number {
  return hausdorff95Of(surfaceDistances(a, b, grid));
}

export function surfaceDiceOf({ aToB, bToA }: SurfaceDistances, toleranceMm: number): number {
  let near = 0;
  let total = 0;
  for (const { distancesMm, areasMm2 } of [aToB, bToA]) {
    for (let at = 0; at < areasMm2.length; at++) {
      total += areasMm2[at]!;
      if (distancesMm[at]! <= toleranceMm + toleranceSlackMm) near += areasMm2[at]!;
    }
  }
  return total === 0 ? 1 : near / total;
}

export function hausdorff95Of({ aToB, bToA }: SurfaceDistances): number {
  const counts = [aToB.areasMm2.length, bToA.areasMm2.length];
  if (counts[0] === 0 && counts[1] === 0) return 0;
  if (counts[0] === 0 || counts[1] === 0) return Number.POSITIVE_INFINITY;
  return Math.max(percentileMm(aToB, 0.95), percentileMm(bToA, 0.95));
}

/** The smallest distance such that at least `share` of the area lies no further. */
function percentileMm({ distancesMm, areasMm2 }: SurfaceElements, share: number): number {
  const total = areasMm2.reduce((sum, area) => sum + area, 0);
  let sum = 0;
  for (let at = 0; at < areasMm2.length; at++) {
    sum += areasMm2[at]!;
    if (sum >= share * total) return distancesMm[at]!;
  }
  return distancesMm[distancesMm.length - 1]!;
}

/** Corners between voxels, the outer ones included: one more than voxels along each axis. */
function latticeOf({ first, last }: Box): Triple {
  return [last[0] - first[0] + 2, last[1] - first[1] + 2, last[2] - first[2] + 2];
}

/** For each corner the pattern of the eight voxels around it, outside the box all out (see `surfaceAreasMm2`). */
function patternsOf(mask: Mask, size: Triple, box: Box): Uint8Array {
  const lattice = latticeOf(box);
  const patterns = new Uint8Array(lattice[0] * lattice[1] * lattice[2]);
  const plane = lattice[1] * lattice[2];
  for (let z = box.first[0]; z <= box.last[0]; z++) {
    for (let y = box.first[1]; y <= box.last[1]; y++) {
      const row = (z * size[1] + y) * size[2];
      let at = ((z - box.first[0]) * lattice[1] + (y - box.first[1])) * lattice[2];
      for (let x = box.first[2]; x <= box.last[2]; x++, at++) {
        if (mask[row + x] === 0) continue;
        // The voxel is the last of the eight around its first corner, and the first around its last.
        patterns[at]! |= 1;
        patterns[at + 1]! |= 2;
        patterns[at + lattice[2]]! |= 4;
        patterns[at + lattice[2] + 1]! |= 8;
        patterns[at + plane]! |= 16;
        patterns[at + plane + 1]! |= 32;
        patterns[at + plane + lattice[2]]! |= 64;
        patterns[at + plane + lattice[2] + 1]! |= 128;
      }
    }
  }
  return patterns;
}

function isBorder(pattern: number): boolean {
  return pattern !== 0 && pattern !== 255;
}

function bordersOf(patterns: Uint8Array): Mask {
  return patterns.map((pattern) => (isBorder(pattern) ? 1 : 0));
}

function elementsOf(patterns: Uint8Array, squaredToOther: Float64Array, areas: Float64Array): SurfaceElements {
  let count = 0;
  for (let at = 0; at < patterns.length; at++) if (isBorder(patterns[at]!)) count++;
  const places = new Uint32Array(count);
  for (let at = 0, next = 0; at < patterns.length; at++) if (isBorder(patterns[at]!)) places[next++] = at;
  places.sort((a, b) => squaredToOther[a]! - squaredToOther[b]! || a - b);
  return {
    distancesMm: Float64Array.from(places, (place) => Math.sqrt(squaredToOther[place]!)),
    areasMm2: Float64Array.from(places, (place) => areas[patterns[place]!]!),
  };
}
