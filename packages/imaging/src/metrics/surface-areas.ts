/**
 * The area of the surface that passes between the centres of 2 x 2 x 2 voxels, for each of the 256 ways they can be in
 * or out: marching cubes (Lorensen and Cline 1987) with vertices midway between voxels.
 *
 * The choices that marching cubes leaves open are those of DeepMind's surface-distance (Nikolov et al. 2018,
 * arXiv:1809.04430), which the field's NSD numbers come from: a pattern and its complement have the same surface; on a
 * face where only two opposite corners are in, they are kept apart; polygons are cut into triangles so that the area is
 * largest. The test compares all 256 areas with recorded ones.
 */
import { cross, norm, subtract } from '../geometry.ts';
import type { Triple } from '../volume.ts';

/**
 * Square millimetres for each pattern. The bit of the voxel at `[dz, dy, dx]` in {0, 1}^3 is `7 - (4 dz + 2 dy + dx)`.
 */
export function surfaceAreasMm2(spacingMm: Triple): Float64Array {
  return Float64Array.from({ length: 256 }, (_, pattern) => {
    const few = bitCount(pattern) <= 4 ? pattern : 255 - pattern;
    return outlines(few).reduce((sum, outline) => sum + largestArea(outline, spacingMm), 0);
  });
}

function bitCount(pattern: number): number {
  let count = 0;
  for (let rest = pattern; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

/** Corner `4 dz + 2 dy + dx`, around each of the six faces. */
const faces = [
  [0, 1, 3, 2],
  [4, 5, 7, 6],
  [0, 1, 5, 4],
  [2, 3, 7, 6],
  [0, 2, 6, 4],
  [1, 3, 7, 5],
] as const;

/** A vertex of the surface: the pair of corners it lies between, lower first. */
type Crossing = `${number}-${number}`;

/** Closed polygons of crossings that part the corners that are in from those that are out. */
function outlines(pattern: number): Crossing[][] {
  const links = new Map<Crossing, Crossing[]>();
  const link = (a: Crossing, b: Crossing): void => {
    links.set(a, [...(links.get(a) ?? []), b]);
    links.set(b, [...(links.get(b) ?? []), a]);
  };
  for (const face of faces) for (const [a, b] of segments(face, pattern)) link(a, b);
  const polygons: Crossing[][] = [];
  const seen = new Set<Crossing>();
  for (const start of links.keys()) {
    const polygon: Crossing[] = [];
    for (let at: Crossing | undefined = start; at !== undefined && !seen.has(at); ) {
      seen.add(at);
      polygon.push(at);
      at = links.get(at)!.find((next) => !seen.has(next));
    }
    if (polygon.length > 0) polygons.push(polygon);
  }
  return polygons;
}

function segments(face: readonly number[], pattern: number): [Crossing, Crossing][] {
  const isIn = (corner: number): boolean => ((pattern >> (7 - corner)) & 1) === 1;
  const edge = (index: number): Crossing => {
    const a = face[index % 4]!;
    const b = face[(index + 1) % 4]!;
    return `${Math.min(a, b)}-${Math.max(a, b)}`;
  };
  const crossed = [0, 1, 2, 3].filter((index) => isIn(face[index]!) !== isIn(face[(index + 1) % 4]!));
  if (crossed.length === 2) return [[edge(crossed[0]!), edge(crossed[1]!)]];
  if (crossed.length === 0) return [];
  return [0, 1, 2, 3].filter((index) => isIn(face[index]!)).map((index) => [edge(index + 3), edge(index)]);
}

/** Of the ways to cut the polygon into triangles, the one that is largest at spacing 1; then the largest in mm^2. */
function largestArea(polygon: readonly Crossing[], spacingMm: Triple): number {
  const atOne = polygon.map((crossing) => placeOf(crossing, [1, 1, 1]));
  const inMm = polygon.map((crossing) => placeOf(crossing, spacingMm));
  let best = { atOne: -1, inMm: -1 };
  for (const triangles of triangulations(0, polygon.length - 1)) {
    const area = (points: readonly Triple[]): number =>
      triangles.reduce((sum, [a, b, c]) => sum + triangleArea(points[a]!, points[b]!, points[c]!), 0);
    const here = { atOne: area(atOne), inMm: area(inMm) };
    const gain = here.atOne - best.atOne;
    if (gain > 1e-9 || (gain > -1e-9 && here.inMm > best.inMm)) best = here;
  }
  return best.inMm;
}

function placeOf(crossing: Crossing, spacingMm: Triple): Triple {
  const [a, b] = crossing.split('-').map(Number) as [number, number];
  const middle = (bit: number): number => (((a >> bit) & 1) + ((b >> bit) & 1)) / 2;
  return [middle(2) * spacingMm[0], middle(1) * spacingMm[1], middle(0) * spacingMm[2]];
}

function triangulations(first: number, last: number): (readonly [number, number, number])[][] {
  if (last - first < 2) return [[]];
  const all: (readonly [number, number, number])[][] = [];
  for (let between = first + 1; between < last; between++) {
    for (const left of triangulations(first, between)) {
      for (const right of triangulations(between, last)) all.push([...left, ...right, [first, between, last]]);
    }
  }
  return all;
}

function triangleArea(a: Triple, b: Triple, c: Triple): number {
  return norm(cross(subtract(b, a), subtract(c, a))) / 2;
}
