/**
 * What is done to a model's label before a reader sees it, as named steps that an app declares. Pure, and bounded by the box
 * around what the label holds: a series of 800 slices costs no more memory than its structures do.
 */
import { connectedComponents, distanceTransformMm, type Geometry, type Triple } from '@consilium/imaging';
import { croppedTo, type UnionBox, unionBoxOf, widenedFrom } from '../agreement/union-box.ts';
import type { Structure } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { BuiltInStep } from './model-step.ts';

/** A label of a case, with what the steps have to know. */
export interface LabelledCase {
  /** Voxels by layer `[z, y, x]`; never written to. */
  readonly layers: readonly Uint8Array[];
  readonly geometry: Pick<Geometry, 'size' | 'spacingMm'>;
  readonly structures: readonly Pick<Structure, 'number' | 'name' | 'layer'>[];
  /** HU `[z, y, x]`; only `inside-body` looks at it. */
  readonly image?: Int16Array | Float32Array | undefined;
}

/**
 * @returns layers on the same grid; those that no step changed are the ones that were given.
 * @throws ReadingError `reading.app-structure` if a step names a structure that is not there, or wants an image
 */
export function postProcess(label: LabelledCase, steps: readonly BuiltInStep[]): readonly Uint8Array[] {
  const { size, spacingMm } = label.geometry;
  const box = unionBoxOf(label.layers, size);
  const wanted = steps.map((step) => ({ step, numbers: numbersOf(label.structures, step.structures) }));
  if (box === undefined || steps.length === 0) return label.layers;
  const part: Part = {
    layers: label.layers.map((voxels) => croppedTo(voxels, size, box)),
    layerOf: new Map(label.structures.map(({ number, layer }) => [number, layer])),
    grid: { size: box.size, spacingMm },
    inBody: () => bodyIn(label, box),
  };
  for (const { numbers, step } of wanted) {
    const others = 'of' in step ? numbersOf(label.structures, step.of) : [];
    const groups = 'together' in step && step.together ? [numbers] : numbers.map((number) => [number]);
    for (const group of groups) applyStep(part, step, { group, others });
  }
  return label.layers.map((given, layer) => {
    const after = widenedFrom(part.layers[layer]!, size, box);
    return Buffer.compare(given, after) === 0 ? given : after;
  });
}

/** @throws ReadingError `reading.app-structure` */
function numbersOf(
  structures: readonly Pick<Structure, 'number' | 'name'>[],
  names: readonly string[] | 'all',
): readonly number[] {
  if (names === 'all') return structures.map(({ number }) => number);
  return names.map((name) => {
    const found = structures.find((structure) => structure.name.toLowerCase() === name.trim().toLowerCase());
    if (found === undefined) {
      throw new ReadingError('reading.app-structure', 'A step of the app names a structure that it does not draw.', {
        detail: name,
      });
    }
    return found.number;
  });
}

interface Part {
  /** Written to. */
  readonly layers: readonly Uint8Array[];
  readonly layerOf: ReadonlyMap<number, number>;
  readonly grid: Pick<Geometry, 'size' | 'spacingMm'>;
  /** 1 in the patient. */
  readonly inBody: () => Uint8Array;
}

interface Named {
  /** Structures that are treated as one. */
  readonly group: readonly number[];
  readonly others: readonly number[];
}

function applyStep(part: Part, step: BuiltInStep, { group, others }: Named): void {
  const mask = maskOf(part, group);
  if (step.do === 'fill-holes') fillHoles(part, { mask, number: group[0]!, bySlice: step.in === 'slices' });
  else eraseWhere(part, group, goneBy(part, step, { mask, others }));
}

/** Whether a voxel of the structures goes. */
function goneBy(
  part: Part,
  step: Exclude<BuiltInStep, { do: 'fill-holes' }>,
  { mask, others }: { mask: Uint8Array; others: readonly number[] },
): (at: number) => boolean {
  switch (step.do) {
    case 'keep-largest':
      return piecesOf(part, mask, (sizes) => largest(sizes, step.pieces));
    case 'remove-islands': {
      const [z, y, x] = part.grid.spacingMm;
      const voxelsMin = step.belowMm3 / (z * y * x);
      return piecesOf(part, mask, (sizes) => sizes.map((count) => count >= voxelsMin));
    }
    case 'keep-touching':
      return untouched(part, mask, others);
    case 'keep-near': {
      const distances = distanceTransformMm(maskOf(part, others), part.grid);
      return (at) => distances[at]! > step.withinMm && distances[at] !== Number.POSITIVE_INFINITY;
    }
    case 'inside-body': {
      const body = part.inBody();
      return (at) => body[at] === 0;
    }
  }
}

/** 1 where any of some structures is. */
function maskOf({ layerOf, layers }: Part, numbers: readonly number[]): Uint8Array {
  const mask = new Uint8Array(layers[0]!.length);
  for (const number of numbers) {
    const voxels = layers[layerOf.get(number)!]!;
    for (let at = 0; at < mask.length; at++) if (voxels[at] === number) mask[at] = 1;
  }
  return mask;
}

function eraseWhere({ layerOf, layers }: Part, numbers: readonly number[], isGone: (at: number) => boolean): void {
  for (const number of numbers) {
    const voxels = layers[layerOf.get(number)!]!;
    for (let at = 0; at < voxels.length; at++) if (voxels[at] === number && isGone(at)) voxels[at] = 0;
  }
}

/** @returns whether a voxel's piece is not among those that stay. */
function piecesOf(
  { grid }: Part,
  mask: Uint8Array,
  staying: (voxels: readonly number[]) => readonly boolean[],
): (at: number) => boolean {
  const { count, labels } = connectedComponents(mask, grid.size, 26);
  const voxels = new Array<number>(count).fill(0);
  for (const piece of labels) if (piece > 0) voxels[piece - 1]!++;
  const stays = staying(voxels);
  return (at) => !stays[labels[at]! - 1];
}

/** Of pieces alike in size, the first in memory. */
function largest(sizes: readonly number[], pieces: number): readonly boolean[] {
  const order = [...sizes.keys()].sort((one, other) => sizes[other]! - sizes[one]! || one - other);
  const kept = new Set(order.slice(0, pieces));
  return sizes.map((_, piece) => kept.has(piece));
}

function fillHoles(
  { grid: { size }, layerOf, layers }: Part,
  { bySlice, mask, number }: { mask: Uint8Array; number: number; bySlice: boolean },
): void {
  const voxels = layers[layerOf.get(number)!]!;
  const slab: Triple = bySlice ? [1, size[1], size[2]] : size;
  const length = slab[0] * slab[1] * slab[2];
  for (let from = 0; from < mask.length; from += length) {
    const outside = mask.subarray(from, from + length).map((value) => 1 - value);
    const { count, labels } = connectedComponents(outside, slab, 6);
    // What reaches the border of the box is no hole. The box is a voxel wider than the label where the series allows it.
    const isOpen = new Uint8Array(count + 1);
    forEachBorderVoxel(slab, bySlice, (at) => {
      isOpen[labels[at]!] = 1;
    });
    for (let at = 0; at < length; at++) {
      if (labels[at]! > 0 && isOpen[labels[at]!] === 0 && voxels[from + at] === 0) voxels[from + at] = number;
    }
  }
}

function forEachBorderVoxel([depth, rows, columns]: Triple, bySlice: boolean, visit: (at: number) => void): void {
  let at = 0;
  for (let z = 0; z < depth; z++) {
    const isFace = !bySlice && (z === 0 || z === depth - 1);
    for (let y = 0; y < rows; y++) {
      const isEdge = isFace || y === 0 || y === rows - 1;
      for (let x = 0; x < columns; x++, at++) if (isEdge || x === 0 || x === columns - 1) visit(at);
    }
  }
}

function untouched(part: Part, mask: Uint8Array, others: readonly number[]): (at: number) => boolean {
  const { size } = part.grid;
  const of = maskOf(part, others);
  if (!of.includes(1)) return () => false;
  const { count, labels } = connectedComponents(mask, size, 26);
  const touches = new Uint8Array(count + 1);
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        const piece = labels[at]!;
        if (piece > 0 && touches[piece] === 0 && hasNeighbour(of, size, [z, y, x])) touches[piece] = 1;
      }
    }
  }
  return (voxel) => touches[labels[voxel]!] === 0;
}

/** Whether the voxel, or one that shares a face, an edge or a corner with it, is in the mask. */
function hasNeighbour(mask: Uint8Array, [depth, rows, columns]: Triple, [z, y, x]: Triple): boolean {
  for (let k = Math.max(0, z - 1); k <= Math.min(depth - 1, z + 1); k++) {
    for (let j = Math.max(0, y - 1); j <= Math.min(rows - 1, y + 1); j++) {
      for (let i = Math.max(0, x - 1); i <= Math.min(columns - 1, x + 1); i++) {
        if (mask[(k * rows + j) * columns + i] === 1) return true;
      }
    }
  }
  return false;
}

/** Air and table have less; fat, the lightest of the body's tissues at its surface, has about -100 HU. */
const bodyHuMin = -300;

/** The patient in the slices of a box: of each slice the largest piece that is no air, with what it encloses. */
function bodyIn({ geometry: { size }, image }: LabelledCase, box: UnionBox): Uint8Array {
  if (image === undefined) {
    throw new ReadingError('reading.app-structure', 'A step of the app wants the image, and was given none.');
  }
  const plane: Triple = [1, size[1], size[2]];
  const area = size[1] * size[2];
  const body = new Uint8Array(box.size[0] * box.size[1] * box.size[2]);
  const row: UnionBox = { start: [0, box.start[1], box.start[2]], size: [1, box.size[1], box.size[2]] };
  for (let z = 0; z < box.size[0]; z++) {
    const slice = image.subarray((box.start[0] + z) * area, (box.start[0] + z + 1) * area);
    const dense = Uint8Array.from(slice, (hu) => (hu > bodyHuMin ? 1 : 0));
    const part: Part = {
      ...{ layers: [dense], layerOf: new Map([[1, 0]]), grid: { size: plane, spacingMm: [1, 1, 1] } },
      inBody: () => dense,
    };
    applyStep(part, { do: 'keep-largest', structures: 'all', pieces: 1, together: false }, { group: [1], others: [] });
    fillHoles(part, { mask: dense.slice(), number: 1, bySlice: true });
    body.set(croppedTo(dense, plane, row), z * row.size[1] * row.size[2]);
  }
  return body;
}
