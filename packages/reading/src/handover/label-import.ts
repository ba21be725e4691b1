/** Labels that were drawn elsewhere, onto the grid and the structures of a case. */
import {
  decodeNifti,
  decodeNrrdSegmentation,
  type Geometry,
  ImagingError,
  type LabelMap,
  maskOfStructure,
  readDicomSegmentation,
  readStructureSet,
  sameGrid,
  type Triple,
  toLabelMap,
  voxelCount,
  voxelOf,
  worldOf,
} from '@consilium/imaging';
import { layersOf, type Protocol } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import { unknownStructure } from '../room/drafts.ts';

/** `raw` is one byte a voxel, in the order of the grid. */
export type LabelFileFormat = 'dicom-seg' | 'rtstruct' | 'nifti' | 'nrrd' | 'raw';

export interface ReadLabelOptions {
  readonly format: LabelFileFormat;
  readonly geometry: Geometry;
  readonly protocol: Protocol;
  /** What the values of a file that names no structures are called; without, they are the structures' numbers. */
  readonly names?: ReadonlyMap<number, string>;
}

/** A tolerance for headers that state fewer digits. */
const gridToleranceMm = 0.05;
/** Of a voxel. */
const offGridMax = 0.02;

/** One structure of a file: as it is called there, and its voxels. */
interface DrawnStructure {
  /** Of the protocol's structures, by code, name or number. */
  readonly number: number | undefined;
  readonly isEmpty: boolean;
  paint(into: Uint8Array, value: number): void;
}

/**
 * Structures are known by their code, else by their name, and in files that name none by their number.
 * @returns voxels by layer.
 * @throws ReadingError `reading.file-unreadable`, `reading.grid-mismatch`, `reading.structure-unknown`
 */
export async function readLabelFile(bytes: Uint8Array, options: ReadLabelOptions): Promise<readonly Uint8Array[]> {
  const { geometry, protocol } = options;
  const structures = await drawnIn(bytes, options).catch((error: unknown) => {
    if (!(error instanceof ImagingError)) throw error;
    const message = `The file cannot be read as a segmentation: ${error.message}.`;
    throw new ReadingError('reading.file-unreadable', message, { cause: error });
  });
  const layers = Array.from({ length: layersOf(protocol) }, () => new Uint8Array(voxelCount(geometry)));
  for (const { isEmpty, number, paint } of structures) {
    const structure = protocol.structures.find((one) => one.number === number);
    if (structure !== undefined) paint(layers[structure.layer]!, structure.number);
    else if (!isEmpty) throw unknownStructure();
  }
  return layers;
}

async function drawnIn(
  bytes: Uint8Array,
  { format, geometry, names, protocol }: ReadLabelOptions,
): Promise<readonly DrawnStructure[]> {
  const numbered = (value: number) => (names === undefined ? value : numberOf(protocol, names.get(value) ?? ''));
  const plainly = (voxels: Uint8Array) => valuesIn(voxels).map((value) => drawn(voxels, value, numbered(value)));
  switch (format) {
    case 'dicom-seg': {
      const { labels, outsidePixels, segments } = await readDicomSegmentation(bytes, geometry);
      if (outsidePixels > 0 || !liesOn((await readDicomSegmentation(bytes)).labels.geometry, geometry)) throw offGrid();
      return segments.map(({ label, number, type }) => {
        const byCode = protocol.structures.filter(
          (one) => one.type.value === type.value && one.type.scheme === type.scheme,
        );
        const known = byCode.length === 1 ? byCode[0]!.number : numberOf(protocol, label);
        return drawn(labels.voxels, number, known);
      });
    }
    case 'rtstruct':
      return readStructureSet(bytes).structures.map((structure) => {
        const { mask } = maskOfStructure(structure, geometry);
        return drawn(mask.voxels, 1, numberOf(protocol, structure.name));
      });
    case 'nrrd': {
      const { labels, segments } = decodeNrrdSegmentation(bytes);
      const voxels = onGrid(labels, geometry);
      return segments.map(({ name }, at) =>
        drawn(voxels, at + 1, name === '' ? numbered(at + 1) : numberOf(protocol, name)),
      );
    }
    case 'nifti': {
      const labels = toLabelMap(decodeNifti(bytes));
      checkGrid(labels.geometry, geometry);
      return plainly(labels.voxels);
    }
    case 'raw':
      if (bytes.length !== voxelCount(geometry)) throw offGrid();
      return plainly(bytes);
  }
}

/** Other than 0. */
function valuesIn(voxels: Uint8Array): readonly number[] {
  const isThere = new Uint8Array(256);
  for (let at = 0; at < voxels.length; at++) isThere[voxels[at]!] = 1;
  return Array.from({ length: 255 }, (_, at) => at + 1).filter((value) => isThere[value] === 1);
}

function drawn(voxels: Uint8Array, value: number, number: number | undefined): DrawnStructure {
  return {
    number,
    isEmpty: !voxels.includes(value),
    paint: (into, painted) => {
      for (let at = 0; at < voxels.length; at++) if (voxels[at] === value) into[at] = painted;
    },
  };
}

function numberOf({ structures }: Protocol, name: string): number | undefined {
  const asked = name.trim().toLowerCase();
  return structures.find((one) => one.name.toLowerCase() === asked)?.number;
}

/** Whether the voxels of a grid, of which slices may be missing, are voxels of the other. */
function liesOn(own: Geometry, { size, ...placed }: Geometry): boolean {
  const last: Triple = [own.size[0] - 1, own.size[1] - 1, own.size[2] - 1];
  const [start, end] = [worldOf(own, [0, 0, 0]), worldOf(own, last)].map((at) => voxelOf({ size, ...placed }, at));
  const isWhole = [...start!, ...end!].every((index) => Math.abs(index - Math.round(index)) < offGridMax);
  return isWhole && [1, 2].every((axis) => Math.abs(end![axis]! - start![axis]! - last[axis]!) < offGridMax);
}

/**
 * 3D Slicer saves the part of the grid that its segments are in ("crop to minimum extent"): all around it nothing is drawn.
 * @throws ReadingError `reading.grid-mismatch` unless each voxel is one of the grid; those beyond it must be empty.
 */
function onGrid({ geometry: own, voxels }: LabelMap, geometry: Geometry): Uint8Array {
  if (sameGrid(own, geometry, gridToleranceMm)) return voxels;
  const corners: readonly Triple[] = [
    [0, 0, 0],
    [own.size[0] - 1, 0, 0],
    [0, own.size[1] - 1, 0],
    [0, 0, own.size[2] - 1],
  ];
  const [first, ...ends] = corners.map((corner) => voxelOf(geometry, worldOf(own, corner)));
  const start = first!.map(Math.round) as [number, number, number];
  const isAt = (found: Triple, wanted: Triple) => found.every((at, axis) => Math.abs(at - wanted[axis]!) < offGridMax);
  const steps = corners.map((corner) => corner.map((at, axis) => at + start[axis]!) as [number, number, number]);
  if (![first!, ...ends].every((found, at) => isAt(found, steps[at]!))) throw offGrid();
  const padded = new Uint8Array(voxelCount(geometry));
  let from = 0;
  for (let z = 0; z < own.size[0]; z++) {
    for (let y = 0; y < own.size[1]; y++, from += own.size[2]) {
      const row = voxels.subarray(from, from + own.size[2]);
      copyRow(row, padded, { z: z + start[0], y: y + start[1], x: start[2], size: geometry.size });
    }
  }
  return padded;
}

/** @throws ReadingError `reading.grid-mismatch` if something is drawn beyond the grid. */
function copyRow(
  row: Uint8Array,
  into: Uint8Array,
  { size: [depth, rows, columns], x, y, z }: { x: number; y: number; z: number; size: Triple },
): void {
  const isInside = z >= 0 && z < depth && y >= 0 && y < rows;
  for (let at = 0; at < row.length; at++) {
    if (row[at] === 0) continue;
    if (!isInside || x + at < 0 || x + at >= columns) throw offGrid();
    into[(z * rows + y) * columns + x + at] = row[at]!;
  }
}

function checkGrid(found: Geometry, wanted: Geometry): void {
  if (!sameGrid(found, wanted, gridToleranceMm)) throw offGrid();
}

function offGrid(): ReadingError {
  return new ReadingError(
    'reading.grid-mismatch',
    'The label does not lie on the voxels of the series. Export it on the grid of the image it was drawn on.',
  );
}
