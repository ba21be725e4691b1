/** Operations on a structure as a whole, cut to the box that it needs and done by a worker. */
import { type LabelOperation, reachMm } from '@consilium/reading/api';
import type { WorkBench } from './work-bench.ts';

type Triple = readonly [number, number, number];

interface WorkshopGrid {
  readonly size: Triple;
  readonly spacingMm: Triple;
}

interface Box {
  readonly start: Triple;
  readonly size: Triple;
}

/** What is left of an operation on an other structure, before it is cut to a box. */
export type StructureOperation =
  | Exclude<LabelOperation, { readonly other: Uint8Array }>
  | {
      readonly kind: 'unite' | 'subtract' | 'intersect';
      readonly other: { readonly voxels: Uint8Array; readonly structure: number };
    };

/**
 * @param voxels of the layer, `[z, y, x]`; not changed.
 * @returns what writes the result into the layer; undefined if the structure is nowhere.
 */
export async function workOn(
  bench: WorkBench,
  voxels: Uint8Array,
  { grid, operation, structure }: { grid: WorkshopGrid; operation: StructureOperation; structure: number },
): Promise<((voxels: Uint8Array) => void) | undefined> {
  const other = 'other' in operation ? operation.other : undefined;
  const plain = { ...operation, other: undefined } as unknown as LabelOperation;
  const box = boxOf([{ voxels, structure }, ...(operation.kind === 'unite' ? [other!] : [])], {
    ...grid,
    marginMm: reachMm(plain),
  });
  if (box === undefined) return undefined;
  const mask = cut(voxels, { structure, box, size: grid.size });
  const cutOther = other && { other: cut(other.voxels, { structure: other.structure, box, size: grid.size }) };
  const result = await bench.work({
    ...{ kind: 'operate', mask, size: box.size, spacingMm: grid.spacingMm },
    operation: { ...operation, ...cutOther } as LabelOperation,
  });
  const mayTake = other?.voxels === voxels && operation.kind === 'unite' ? other.structure : 0;
  return (target) => paste(target, { result, structure, mayTake, box, size: grid.size });
}

interface Part {
  readonly voxels: Uint8Array;
  readonly structure: number;
}

/** Around structures, wider by a margin on all sides: one voxel more, so that there is an outside. */
function boxOf(
  parts: readonly Part[],
  { marginMm, size, spacingMm }: WorkshopGrid & { readonly marginMm: number },
): Box | undefined {
  const [depth, rows, columns] = size;
  const first: [number, number, number] = [...size];
  const last: [number, number, number] = [-1, -1, -1];
  for (const { structure, voxels } of parts) {
    let at = 0;
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, at++) {
          if (voxels[at] !== structure) continue;
          if (z < first[0]) first[0] = z;
          if (y < first[1]) first[1] = y;
          if (x < first[2]) first[2] = x;
          if (z > last[0]) last[0] = z;
          if (y > last[1]) last[1] = y;
          if (x > last[2]) last[2] = x;
        }
      }
    }
  }
  if (last[0] < 0) return undefined;
  const start = first.map((at, axis) =>
    Math.max(0, at - Math.ceil(marginMm / spacingMm[axis]!) - 1),
  ) as unknown as Triple;
  const end = last.map((at, axis) => Math.min(size[axis]! - 1, at + Math.ceil(marginMm / spacingMm[axis]!) + 1));
  return { start, size: end.map((at, axis) => at - start[axis]! + 1) as unknown as Triple };
}

interface Cut {
  readonly structure: number;
  readonly box: Box;
  /** Of the whole. */
  readonly size: Triple;
}

function cut(voxels: Uint8Array, { box, size, structure }: Cut): Uint8Array {
  const mask = new Uint8Array(box.size[0] * box.size[1] * box.size[2]);
  forEachVoxel(box, size, (at, inBox) => {
    if (voxels[at] === structure) mask[inBox] = 1;
  });
  return mask;
}

/** Other structures stay, but for the one that is taken in. @param voxels out */
function paste(
  voxels: Uint8Array,
  { box, mayTake, result, size, structure }: Cut & { readonly result: Uint8Array; readonly mayTake: number },
): void {
  forEachVoxel(box, size, (at, inBox) => {
    const here = voxels[at]!;
    if (result[inBox] === 0) {
      if (here === structure) voxels[at] = 0;
    } else if (here === 0 || here === mayTake) {
      voxels[at] = structure;
    }
  });
}

function forEachVoxel({ size, start }: Box, whole: Triple, visit: (at: number, inBox: number) => void): void {
  let inBox = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const row = ((z + start[0]) * whole[1] + y + start[1]) * whole[2] + start[2];
      for (let x = 0; x < size[2]; x++, inBox++) visit(row + x, inBox);
    }
  }
}
