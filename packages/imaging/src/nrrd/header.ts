/**
 * The header of a NRRD file (teem.sourceforge.net/nrrd/format.html): lines of `field: value`, and of `key:=value` as 3D Slicer
 * uses them for the segments of a `.seg.nrrd`.
 */
import { geometryOfSteps, scaled } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Geometry, Triple } from '../volume.ts';

export type NrrdType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'float' | 'double';

export interface NrrdHeader {
  readonly type: NrrdType;
  readonly encoding: 'raw' | 'gzip';
  readonly littleEndian: boolean;
  /** Volumes one beside the other at every voxel: the layers of a segmentation; 1 for a plain volume. */
  readonly layers: number;
  readonly geometry: Geometry;
  readonly keys: ReadonlyMap<string, string>;
  /** Where the data begins. */
  readonly dataStart: number;
}

const headerBytesMax = 2 ** 20;
const voxelsMax = 2 ** 31;

const typeNames: Readonly<Record<string, NrrdType>> = {
  'signed char': 'int8',
  int8: 'int8',
  int8_t: 'int8',
  uchar: 'uint8',
  'unsigned char': 'uint8',
  uint8: 'uint8',
  uint8_t: 'uint8',
  short: 'int16',
  'short int': 'int16',
  'signed short': 'int16',
  'signed short int': 'int16',
  int16: 'int16',
  int16_t: 'int16',
  ushort: 'uint16',
  'unsigned short': 'uint16',
  'unsigned short int': 'uint16',
  uint16: 'uint16',
  uint16_t: 'uint16',
  int: 'int32',
  'signed int': 'int32',
  int32: 'int32',
  int32_t: 'int32',
  uint: 'uint32',
  'unsigned int': 'uint32',
  uint32: 'uint32',
  uint32_t: 'uint32',
  float: 'float',
  double: 'double',
};

/** Signs that turn a space's x and y to LPS. */
const spaces: Readonly<Record<string, readonly [number, number]>> = {
  'left-posterior-superior': [1, 1],
  lps: [1, 1],
  'right-anterior-superior': [-1, -1],
  ras: [-1, -1],
  'left-anterior-superior': [1, -1],
  las: [1, -1],
};

/** @throws ImagingError `imaging.nrrd-invalid`, `imaging.nrrd-unsupported`, `imaging.geometry-degenerate` */
export function parseNrrdHeader(bytes: Uint8Array): NrrdHeader {
  const { lines, dataStart } = linesOf(bytes);
  const fields = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const line of lines.slice(1)) {
    if (line.startsWith('#')) continue;
    const [key, value] = line.split(':=', 2);
    if (value !== undefined) keys.set(key!, value);
    else {
      const colon = line.indexOf(':');
      if (colon < 0) throw invalid();
      fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
  if (fields.has('data file') || fields.has('datafile'))
    throw unsupported('the data of the NRRD file is in another file');
  const type = typeNames[fields.get('type')?.toLowerCase() ?? ''];
  if (type === undefined) throw unsupported('the numbers of the NRRD file are of a kind that is not read');
  const encoding = { raw: 'raw', gzip: 'gzip', gz: 'gzip' }[fields.get('encoding')?.toLowerCase() ?? ''];
  if (encoding === undefined) throw unsupported('the NRRD file is packed in a way that is not read');
  const { layers, geometry } = gridOf(fields);
  const endian = fields.get('endian')?.toLowerCase();
  return {
    type,
    encoding: encoding as 'raw' | 'gzip',
    littleEndian: endian !== 'big',
    layers,
    geometry,
    keys,
    dataStart,
  };
}

function linesOf(bytes: Uint8Array): { lines: string[]; dataStart: number } {
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== 'NRRD00') throw invalid();
  const end = Math.min(bytes.length, headerBytesMax);
  for (let at = 0; at < end; at++) {
    if (bytes[at] !== 10) continue;
    const next = bytes[at + 1] === 13 ? at + 2 : at + 1;
    if (bytes[next] === 10) {
      const text = new TextDecoder().decode(bytes.subarray(0, at));
      return { lines: text.split(/\r?\n/), dataStart: next + 1 };
    }
  }
  throw invalid();
}

function gridOf(fields: ReadonlyMap<string, string>): { layers: number; geometry: Geometry } {
  const dimension = Number(fields.get('dimension'));
  const sizes = numbers(fields.get('sizes') ?? '');
  if (sizes.length !== dimension || (dimension !== 3 && dimension !== 4)) {
    throw unsupported('the NRRD file is not one volume');
  }
  const directions = (fields.get('space directions') ?? '').match(/none|\([^)]*\)/g) ?? [];
  const layers = dimension === 4 ? sizes[0]! : 1;
  const isListFirst = dimension === 3 || directions[0] === 'none';
  if (!isListFirst) throw unsupported('the NRRD file is not one volume');
  const [columns, rows, depth] = sizes.slice(-3) as [number, number, number];
  const sound = sizes.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!sound || layers > 255 || columns * rows * depth * layers > voxelsMax) throw invalid();
  const signs = spaces[fields.get('space')?.toLowerCase() ?? ''];
  const steps = directions.slice(-3).map((text) => vector(text, signs ?? [1, 1]));
  const origin = vector(fields.get('space origin') ?? '', signs ?? [1, 1]);
  if (signs === undefined || steps.length !== 3 || !steps.every((step) => step) || !origin) {
    throw unsupported('the NRRD file does not say where in the patient it lies');
  }
  const [x, y, z] = steps as [Triple, Triple, Triple];
  return { layers, geometry: geometryOfSteps([depth, rows, columns], origin, [z, y, x]) };
}

function vector(text: string, [x, y]: readonly [number, number]): Triple | undefined {
  const parts = text.replace(/[()]/g, '').split(',').map(Number);
  if (parts.length !== 3 || !parts.every(Number.isFinite)) return undefined;
  return [parts[0]! * x, parts[1]! * y, parts[2]!];
}

function numbers(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}

/** The header of a volume in LPS, ending in the empty line. */
export function formatNrrdHeader(options: {
  readonly type: NrrdType;
  readonly encoding: 'raw' | 'gzip';
  readonly geometry: Geometry;
  readonly keys?: ReadonlyMap<string, string>;
}): Uint8Array {
  const { axes, spacingMm, size, originMm } = options.geometry;
  const written = (vectorMm: Triple): string => `(${vectorMm.join(',')})`;
  const steps = [2, 1, 0].map((axis) => written(scaled(axes[axis as 0 | 1 | 2], spacingMm[axis]!)));
  const lines = [
    'NRRD0004',
    `type: ${{ uint8: 'unsigned char', int16: 'short' }[options.type as string] ?? options.type}`,
    'dimension: 3',
    'space: left-posterior-superior',
    `sizes: ${size.toReversed().join(' ')}`,
    `space directions: ${steps.join(' ')}`,
    'kinds: domain domain domain',
    'endian: little',
    `encoding: ${options.encoding}`,
    `space origin: ${written(originMm)}`,
    ...[...(options.keys ?? [])].map(([key, value]) => `${key}:=${value.replace(/[\r\n]/g, ' ')}`),
  ];
  return new TextEncoder().encode(`${lines.join('\n')}\n\n`);
}

function invalid(): ImagingError {
  return new ImagingError('imaging.nrrd-invalid', 'the file is not NRRD, or its header is damaged');
}

function unsupported(message: string): ImagingError {
  return new ImagingError('imaging.nrrd-unsupported', message);
}
