/**
 * Voxels of what was drawn with a free hand on a plane: along a line, inside a closed one, in the box of a rectangle. The plane
 * may lie as it likes in the volume; of each column of voxels that a closed line encloses, the one nearest to the plane is in it.
 */

type Triple = readonly [number, number, number];
type Axis = 0 | 1 | 2;

/** `[z, y, x]`, both inside. */
export interface VoxelBox {
  readonly first: Triple;
  readonly last: Triple;
}

export interface ShapeGrid {
  /** `[z, y, x]` */
  readonly size: Triple;
  readonly spacingMm: Triple;
}

const axes = [0, 1, 2] as const;

/** @param path continuous indices `[z, y, x]`. @returns voxels `[z, y, x]` without gaps, each once; those of the volume. */
export function voxelsAlong(path: readonly Triple[], size: Triple): readonly Triple[] {
  const found = new Map<number, Triple>();
  const visit = (point: Triple) => {
    const voxel = rounded(point);
    if (isInside(voxel, size)) found.set((voxel[0] * size[1] + voxel[1]) * size[2] + voxel[2], voxel);
  };
  for (const [at, to] of path.entries()) {
    const from = path[at - 1] ?? to;
    const steps = Math.max(1, Math.ceil(2 * Math.max(...axes.map((axis) => Math.abs(to[axis] - from[axis])))));
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      const along = (axis: Axis) => from[axis] + share * (to[axis] - from[axis]);
      visit([along(0), along(1), along(2)]);
    }
  }
  return [...found.values()];
}

/**
 * @param loop corners of a closed line in one plane, continuous indices `[z, y, x]`.
 * @returns voxels `[z, y, x]` whose centre it encloses, by the parity of crossings; none of a line without an area.
 */
export function voxelsInside(loop: readonly Triple[], size: Triple): readonly Triple[] {
  const normal = normalOf(loop);
  const across = acrossOf(normal);
  if (Math.abs(normal[across]) < 1e-6) return [];
  const [rowAxis, columnAxis] = axes.filter((axis) => axis !== across) as [Axis, Axis];
  const origin = loop[0]!;
  const bound = (axis: Axis): [number, number] => {
    const [low, high] = boundsOf(loop, axis);
    return [Math.max(0, Math.ceil(low)), Math.min(size[axis] - 1, Math.floor(high))];
  };
  const [rows, columns] = [bound(rowAxis), bound(columnAxis)];
  const found: Triple[] = [];
  for (let row = rows[0]; row <= rows[1]; row++) {
    for (let column = columns[0]; column <= columns[1]; column++) {
      if (!encloses(loop, { row, column, rowAxis, columnAxis })) continue;
      const rise = normal[rowAxis] * (row - origin[rowAxis]) + normal[columnAxis] * (column - origin[columnAxis]);
      const voxel: [number, number, number] = [0, 0, 0];
      voxel[rowAxis] = row;
      voxel[columnAxis] = column;
      voxel[across] = Math.round(origin[across] - rise / normal[across]);
      if (isInside(voxel, size)) found.push(voxel);
    }
  }
  return found;
}

/**
 * The box of a rectangle on a plane. How deep it goes the plane does not say: as deep as the box before, if the plane cuts it,
 * so that a rectangle on another plane says the rest; otherwise as deep as the rectangle is wide on average.
 * @param corners continuous indices `[z, y, x]`.
 * @returns undefined if nothing of it is in the volume.
 */
export function boxOfRectangle(
  corners: readonly Triple[],
  { before, grid: { size, spacingMm } }: { grid: ShapeGrid; before?: VoxelBox | undefined },
): VoxelBox | undefined {
  const bounds = axes.map((axis) => boundsOf(corners, axis));
  const across = flattestAxis(corners, spacingMm);
  const middle = (bounds[across]![0] + bounds[across]![1]) / 2;
  if (before !== undefined && before.first[across] - 0.5 <= middle && middle <= before.last[across] + 0.5) {
    bounds[across] = [before.first[across], before.last[across]];
  } else {
    const sidesMm = axes
      .filter((axis) => axis !== across)
      .map((axis) => (bounds[axis]![1] - bounds[axis]![0]) * spacingMm[axis]);
    const half = (sidesMm[0]! + sidesMm[1]!) / 4 / spacingMm[across];
    bounds[across] = [middle - half, middle + half];
  }
  const first = axes.map((axis) => Math.max(0, Math.round(bounds[axis]![0]))) as unknown as Triple;
  const last = axes.map((axis) => Math.min(size[axis] - 1, Math.round(bounds[axis]![1]))) as unknown as Triple;
  return axes.every((axis) => first[axis] <= last[axis]) ? { first, last } : undefined;
}

/** The slice of the series that a line lies in; undefined if it lies in another plane. */
export function sliceOf(path: readonly Triple[], size: Triple): number | undefined {
  const [low, high] = boundsOf(path, 0);
  const slice = Math.round((low + high) / 2);
  return high - low < 0.5 && slice >= 0 && slice < size[0] ? slice : undefined;
}

/** The axis along which points differ least, in millimetres. */
function flattestAxis(points: readonly Triple[], spacingMm: Triple): Axis {
  const extents = axes.map((axis) => {
    const [low, high] = boundsOf(points, axis);
    return (high - low) * spacingMm[axis];
  });
  return extents.indexOf(Math.min(...extents)) as Axis;
}

/** Of a closed line, by Newell's method; as long as twice the area. */
function normalOf(loop: readonly Triple[]): Triple {
  const normal: [number, number, number] = [0, 0, 0];
  for (const [at, a] of loop.entries()) {
    const b = loop[(at + 1) % loop.length]!;
    normal[0] += (a[1] - b[1]) * (a[2] + b[2]);
    normal[1] += (a[2] - b[2]) * (a[0] + b[0]);
    normal[2] += (a[0] - b[0]) * (a[1] + b[1]);
  }
  return normal;
}

function acrossOf(normal: Triple): Axis {
  const magnitudes = normal.map(Math.abs);
  return magnitudes.indexOf(Math.max(...magnitudes)) as Axis;
}

function encloses(
  loop: readonly Triple[],
  { column, columnAxis, row, rowAxis }: { row: number; column: number; rowAxis: Axis; columnAxis: Axis },
): boolean {
  let isIn = false;
  for (const [at, from] of loop.entries()) {
    const to = loop[(at + 1) % loop.length]!;
    const [y1, x1, y2, x2] = [from[rowAxis], from[columnAxis], to[rowAxis], to[columnAxis]];
    if (y1 > row !== y2 > row && column < ((x2 - x1) * (row - y1)) / (y2 - y1) + x1) isIn = !isIn;
  }
  return isIn;
}

function boundsOf(points: readonly Triple[], axis: Axis): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const point of points) {
    low = Math.min(low, point[axis]);
    high = Math.max(high, point[axis]);
  }
  return [low, high];
}

function rounded([z, y, x]: Triple): Triple {
  return [Math.round(z), Math.round(y), Math.round(x)];
}

function isInside(voxel: Triple, size: Triple): boolean {
  return axes.every((axis) => voxel[axis] >= 0 && voxel[axis] < size[axis]);
}
