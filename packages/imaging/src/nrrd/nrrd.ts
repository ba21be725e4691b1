/** NRRD files to volumes and segmentations (3D Slicer's `.seg.nrrd`) and back. Axes keep the file's order and directions. */
import { checkVolume, voxelCount } from '../geometry.ts';
import { gunzip, gzip } from '../gzip.ts';
import { ImagingError } from '../imaging-error.ts';
import type { LabelMap, Volume, VoxelArray } from '../volume.ts';
import { formatNrrdHeader, type NrrdHeader, type NrrdType, parseNrrdHeader } from './header.ts';

/** A segment as 3D Slicer names it in the header (its Segmentation storage node). */
export interface NrrdSegment {
  readonly id: string;
  readonly name: string;
  readonly labelValue: number;
  /** Of the file, from 0: segments that overlap lie in different ones. */
  readonly layer: number;
  /** 0 to 1. */
  readonly colour: readonly [red: number, green: number, blue: number] | undefined;
}

export interface NrrdSegmentation {
  /** Segment n + 1 of `segments` is label n + 1; where segments overlap, the later one. */
  readonly labels: LabelMap;
  readonly segments: readonly NrrdSegment[];
  /** Voxels that more than one segment claims. */
  readonly overlapVoxels: number;
}

/** `Uint8Array`, `Int16Array` or, for all other kinds of numbers, `Float32Array`. */
const arrays = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float: Float32Array,
  double: Float64Array,
} as const satisfies Record<NrrdType, unknown>;

/** @throws ImagingError `imaging.nrrd-*`, `imaging.gzip-*`, `imaging.geometry-degenerate` */
export function decodeNrrd(bytes: Uint8Array): Volume {
  const header = parseNrrdHeader(bytes);
  if (header.layers !== 1) throw new ImagingError('imaging.nrrd-unsupported', 'the NRRD file is not one volume');
  const stored = storedOf(bytes, header);
  const isPlain = stored instanceof Uint8Array || stored instanceof Int16Array || stored instanceof Float32Array;
  const voxels: VoxelArray = isPlain ? stored : Float32Array.from(stored);
  return { geometry: header.geometry, voxels };
}

/**
 * A `.seg.nrrd` with whatever segments its header names; without any, each label is a segment of its own number.
 * @throws ImagingError as `decodeNrrd`, and `imaging.label-not-a-class`
 */
export function decodeNrrdSegmentation(bytes: Uint8Array): NrrdSegmentation {
  const header = parseNrrdHeader(bytes);
  const stored = storedOf(bytes, header);
  const named = segmentsOf(header.keys);
  const segments = named.length > 0 ? named : plainSegments(stored);
  const { layers, geometry } = header;
  const labels = new Uint8Array(voxelCount(geometry));
  let overlapVoxels = 0;
  // By layer, what a stored value is called here.
  const newLabels = Array.from({ length: layers }, () => new Map<number, number>());
  for (const [index, { layer, labelValue }] of segments.entries()) newLabels[layer]?.set(labelValue, index + 1);
  for (let voxel = 0, at = 0; voxel < labels.length; voxel++) {
    for (let layer = 0; layer < layers; layer++, at++) {
      const value = stored[at]!;
      const label = value === 0 ? 0 : newLabels[layer]!.get(value);
      if (label === undefined) {
        throw new ImagingError('imaging.label-not-a-class', 'a label of the NRRD file is none of its segments');
      }
      if (label === 0) continue;
      if (labels[voxel] !== 0) overlapVoxels++;
      labels[voxel] = Math.max(labels[voxel]!, label);
    }
  }
  return { labels: { geometry, voxels: labels }, segments, overlapVoxels };
}

export interface EncodeNrrdOptions {
  /** Default true. */
  readonly packed?: boolean;
  /** By label from 1: makes it a segmentation that 3D Slicer opens as such. */
  readonly segments?: readonly Pick<NrrdSegment, 'name' | 'colour'>[];
}

/** The same bytes for the same input. */
export function encodeNrrd(volume: Volume, options: EncodeNrrdOptions = {}): Uint8Array {
  checkVolume(volume);
  const { voxels, geometry } = volume;
  const type = voxels instanceof Uint8Array ? 'uint8' : voxels instanceof Int16Array ? 'int16' : 'float';
  const packed = options.packed ?? true;
  const keys = slicerKeys(options.segments ?? [], volume);
  const header = formatNrrdHeader({ type, encoding: packed ? 'gzip' : 'raw', geometry, keys });
  const raw = new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  const data = packed ? gzip(raw, { level: 6 }) : raw;
  const bytes = new Uint8Array(header.length + data.length);
  bytes.set(header);
  bytes.set(data, header.length);
  return bytes;
}

type StoredArray = InstanceType<(typeof arrays)[NrrdType]>;

function storedOf(bytes: Uint8Array, header: NrrdHeader): StoredArray {
  const type = arrays[header.type];
  const size = voxelCount(header.geometry) * header.layers * type.BYTES_PER_ELEMENT;
  const data = bytes.subarray(header.dataStart);
  if (header.encoding === 'raw' && data.length < size) {
    throw new ImagingError('imaging.nrrd-truncated', 'the file is shorter than its header says');
  }
  const plain = header.encoding === 'raw' ? data.subarray(0, size) : gunzip(data, { headBytes: 0, sizeOf: () => size });
  // A copy of its own, so that numbers of every width can be read from it.
  const payload = new Uint8Array(plain);
  if (!header.littleEndian) {
    const width = type.BYTES_PER_ELEMENT;
    for (let start = 0; start + width <= payload.length; start += width)
      payload.subarray(start, start + width).reverse();
  }
  return new type(payload.buffer);
}

function segmentsOf(keys: ReadonlyMap<string, string>): readonly NrrdSegment[] {
  const segments: NrrdSegment[] = [];
  for (let index = 0; index < 255 && keys.has(`Segment${index}_ID`); index++) {
    const key = (name: string): string | undefined => keys.get(`Segment${index}_${name}`);
    const colour = key('Color')?.trim().split(/\s+/).map(Number);
    segments.push({
      id: key('ID')!,
      name: key('Name') ?? '',
      labelValue: Number(key('LabelValue') ?? index + 1),
      layer: Number(key('Layer') ?? 0),
      colour: colour?.length === 3 && colour.every(Number.isFinite) ? (colour as [number, number, number]) : undefined,
    });
  }
  return segments;
}

/** Labels up to the highest, so that each keeps its number. */
function plainSegments(stored: StoredArray): readonly NrrdSegment[] {
  let highest = 0;
  for (let at = 0; at < stored.length; at++) {
    const value = stored[at]!;
    if (!(value >= 0 && value <= 255 && Number.isInteger(value))) {
      throw new ImagingError('imaging.label-not-a-class', 'a label is not a whole number from 0 to 255');
    }
    highest = Math.max(highest, value);
  }
  return Array.from({ length: highest }, (_, index) => {
    return { id: `Segment_${index + 1}`, name: '', labelValue: index + 1, layer: 0, colour: undefined };
  });
}

function slicerKeys(
  segments: readonly Pick<NrrdSegment, 'name' | 'colour'>[],
  { geometry: { size } }: Volume,
): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const extent = `0 ${size[2] - 1} 0 ${size[1] - 1} 0 ${size[0] - 1}`;
  for (const [index, { name, colour }] of segments.entries()) {
    const set = (key: string, value: string): unknown => keys.set(`Segment${index}_${key}`, value);
    set('ID', `Segment_${index + 1}`);
    set('Name', name);
    set('LabelValue', String(index + 1));
    set('Layer', '0');
    set('Extent', extent);
    if (colour !== undefined) set('Color', colour.join(' '));
  }
  if (segments.length > 0) {
    keys.set('Segmentation_MasterRepresentation', 'Binary labelmap');
    keys.set('Segmentation_ContainedRepresentationNames', 'Binary labelmap|');
    keys.set('Segmentation_ReferenceImageExtentOffset', '0 0 0');
  }
  return keys;
}
