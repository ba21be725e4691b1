/**
 * A volume from NRRD, as 3D Slicer writes images and segmentations (teem.sourceforge.net/nrrd/format.html): one file with
 * its data, three axes of numbers, raw or gzip.
 */
import { gunzipSync } from 'node:zlib';
import type { Geometry, Triple, Volume } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';

export interface NrrdVolume {
  readonly volume: Volume;
  /** Of a segmentation by 3D Slicer: value to name. */
  readonly segmentNames: Readonly<Record<string, string>> | undefined;
}

type Elements =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;
type ElementType = { new (buffer: ArrayBuffer): Elements; readonly BYTES_PER_ELEMENT: number };

const types: readonly (readonly [RegExp, ElementType])[] = [
  [/^(?:uchar|unsigned char|uint8(?:_t)?)$/, Uint8Array],
  [/^(?:signed char|int8(?:_t)?)$/, Int8Array],
  [/^(?:(?:signed )?short(?: int)?|int16(?:_t)?)$/, Int16Array],
  [/^(?:ushort|unsigned short(?: int)?|uint16(?:_t)?)$/, Uint16Array],
  [/^(?:(?:signed )?int|int32(?:_t)?)$/, Int32Array],
  [/^(?:uint|unsigned int|uint32(?:_t)?)$/, Uint32Array],
  [/^float$/, Float32Array],
  [/^double$/, Float64Array],
];
/** World axes of a space against LPS. */
const spaces: Readonly<Record<string, Triple>> = {
  'left-posterior-superior': [1, 1, 1],
  lps: [1, 1, 1],
  'right-anterior-superior': [-1, -1, 1],
  ras: [-1, -1, 1],
  'left-anterior-superior': [1, -1, 1],
  las: [1, -1, 1],
};
const headerBytesMax = 1_000_000;

/**
 * @param options.bytesMax of the unpacked voxels.
 * @throws ArchiveError `archive.nrrd-unreadable`
 */
export function decodeNrrd(bytes: Uint8Array, { bytesMax }: { bytesMax: number }): NrrdVolume {
  const { fields, dataAt } = headerOf(bytes);
  const size = numbersOf(fields.get('sizes'));
  if (
    fields.get('dimension') !== '3' ||
    size.length !== 3 ||
    !size.every((axis) => Number.isInteger(axis) && axis > 0)
  ) {
    throw unreadable('It has not three axes.');
  }
  const type = types.find(([pattern]) => pattern.test(fields.get('type') ?? ''))?.[1];
  if (type === undefined) throw unreadable('Its numbers are of a type that is not read.');
  const count = size[0]! * size[1]! * size[2]!;
  const wantedBytes = count * type.BYTES_PER_ELEMENT;
  if (wantedBytes > bytesMax) throw unreadable('It is larger than is allowed.');
  const data = dataOf(bytes.subarray(dataAt), fields, wantedBytes);
  if (type.BYTES_PER_ELEMENT > 1 && fields.get('endian') === 'big') reverseEach(data, type.BYTES_PER_ELEMENT);
  const elements = new type(data.buffer as ArrayBuffer);
  return {
    volume: { geometry: geometryOf(fields, [size[2]!, size[1]!, size[0]!]), voxels: voxelsOf(elements) },
    segmentNames: segmentNamesOf(fields),
  };
}

function headerOf(bytes: Uint8Array): { fields: ReadonlyMap<string, string>; dataAt: number } {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headerBytesMax)).toString('latin1');
  const end = /\r?\n\r?\n/.exec(head);
  if (!/^NRRD000\d/.test(head) || end === null) throw unreadable('It is no NRRD with its data in the same file.');
  const fields = new Map<string, string>();
  for (const line of head.slice(0, end.index).split(/\r?\n/).slice(1)) {
    const match = /^([^#:][^:]*):=?\s*(.*)$/.exec(line);
    if (match !== null) fields.set(match[1]!.trim().toLowerCase(), match[2]!.trim());
  }
  if (fields.has('data file') || fields.has('datafile')) throw unreadable('Its data lie in another file.');
  return { fields, dataAt: end.index + end[0].length };
}

/** A copy of exactly so many bytes. */
function dataOf(rest: Uint8Array, fields: ReadonlyMap<string, string>, wantedBytes: number): Uint8Array {
  const encoding = fields.get('encoding');
  let data: Uint8Array;
  if (encoding === 'raw') data = rest;
  else if (encoding === 'gzip' || encoding === 'gz') data = unpacked(rest, wantedBytes);
  else throw unreadable('Its encoding is neither raw nor gzip.');
  if (data.length < wantedBytes) throw unreadable('It holds fewer voxels than its header says.');
  return new Uint8Array(data.subarray(0, wantedBytes));
}

function unpacked(rest: Uint8Array, wantedBytes: number): Uint8Array {
  try {
    return gunzipSync(rest, { maxOutputLength: Math.max(1, wantedBytes) });
  } catch (cause) {
    throw unreadable('Its compressed data are damaged.', cause);
  }
}

function geometryOf(fields: ReadonlyMap<string, string>, size: Triple): Geometry {
  const sign = spaces[(fields.get('space') ?? '').toLowerCase()];
  const vectors = [...(fields.get('space directions') ?? '').matchAll(/\(([^)]*)\)/g)].map((match) =>
    numbersOf(match[1]),
  );
  const origin = numbersOf((fields.get('space origin') ?? '').replace(/[()]/g, ''));
  const isWhole = [...vectors, origin].every((vector) => vector.length === 3 && vector.every(Number.isFinite));
  if (sign === undefined || vectors.length !== 3 || !isWhole) {
    throw unreadable('It does not say where in the patient it lies.');
  }
  const inLps = (vector: readonly number[]): Triple => [
    vector[0]! * sign[0],
    vector[1]! * sign[1],
    vector[2]! * sign[2],
  ];
  // The file's axes go from the fastest to the slowest, ours the other way round.
  const steps = [inLps(vectors[2]!), inLps(vectors[1]!), inLps(vectors[0]!)] as const;
  const lengths = steps.map((step) => Math.hypot(...step));
  if (lengths.some((length) => !(length > 0))) throw unreadable('Its axes have no length.');
  const unit = (axis: 0 | 1 | 2): Triple => {
    const [x, y, z] = steps[axis];
    return [x / lengths[axis]!, y / lengths[axis]!, z / lengths[axis]!];
  };
  return {
    size,
    spacingMm: [lengths[0]!, lengths[1]!, lengths[2]!],
    originMm: inLps(origin),
    axes: [unit(0), unit(1), unit(2)],
  };
}

/** Bytes as they are; whole numbers that fit as int16; else float32. */
function voxelsOf(elements: Elements): Volume['voxels'] {
  if (elements instanceof Uint8Array || elements instanceof Int16Array || elements instanceof Float32Array)
    return elements;
  const isReal = elements instanceof Float64Array;
  const fits = !isReal && (elements as Int32Array).every((value) => value >= -32768 && value <= 32767);
  return fits ? Int16Array.from(elements) : Float32Array.from(elements);
}

function segmentNamesOf(fields: ReadonlyMap<string, string>): Readonly<Record<string, string>> | undefined {
  const names = [...fields].flatMap(([key, name]): [string, string][] => {
    const segment = /^(segment\d+)_name$/.exec(key)?.[1];
    const value = segment && fields.get(`${segment}_labelvalue`);
    return value === undefined || !/^\d+$/.test(value) ? [] : [[value, name]];
  });
  return names.length === 0 ? undefined : Object.fromEntries(names);
}

function numbersOf(text: string | undefined): number[] {
  return (text ?? '')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(Number);
}

function reverseEach(bytes: Uint8Array, width: number): void {
  for (let start = 0; start + width <= bytes.length; start += width) bytes.subarray(start, start + width).reverse();
}

function unreadable(message: string, cause?: unknown): ArchiveError {
  return new ArchiveError('archive.nrrd-unreadable', message, { cause });
}
