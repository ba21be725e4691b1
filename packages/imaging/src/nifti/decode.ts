/** A NIfTI file to a volume: unpack, check, place, scale. */
import { gunzip, isGzip } from '../gzip.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Volume, VoxelArray } from '../volume.ts';
import { fileBytes, headerBytesMax, type NiftiDatatype, type NiftiHeader, parseNiftiHeader } from './header.ts';
import { geometryOfHeader } from './placement.ts';

/**
 * Reads NIfTI-1 or NIfTI-2, packed with gzip or not, either byte order. Axes keep the file's order (its i, j, k become
 * x, y, z) and whatever direction they have.
 *
 * Voxels come as `Uint8Array` where the file stores unscaled bytes, as `Int16Array` where all values are whole numbers
 * that fit and the file does not store reals, otherwise as `Float32Array`. `scl_slope` and `scl_inter` are applied.
 * @throws ImagingError `imaging.nifti-*`, `imaging.gzip-*`
 */
export function decodeNifti(bytes: Uint8Array): Volume {
  const file = isGzip(bytes)
    ? gunzip(bytes, { headBytes: headerBytesMax, sizeOf: (head) => fileBytes(parseNiftiHeader(head)) })
    : bytes;
  const header = parseNiftiHeader(file);
  if (file.length < fileBytes(header)) {
    throw new ImagingError('imaging.nifti-truncated', 'the file is shorter than its header says');
  }
  return { geometry: geometryOfHeader(header), voxels: voxelsOf(file, header) };
}

function voxelsOf(file: Uint8Array, header: NiftiHeader): VoxelArray {
  const stored = storedVoxels(file, header);
  const identity = header.slope === 0 || !Number.isFinite(header.slope);
  const slope = identity ? 1 : header.slope;
  const intercept = identity || !Number.isFinite(header.intercept) ? 0 : header.intercept;
  const unscaled = slope === 1 && intercept === 0;
  if (unscaled && (stored instanceof Uint8Array || stored instanceof Int16Array || stored instanceof Float32Array)) {
    return stored;
  }
  const real = stored instanceof Float32Array || stored instanceof Float64Array;
  const scaled =
    real || !fitsInt16(stored, slope, intercept) ? new Float32Array(stored.length) : new Int16Array(stored.length);
  for (let at = 0; at < stored.length; at++) scaled[at] = stored[at]! * slope + intercept;
  return scaled;
}

/** What a file stores, before scaling. */
type StoredArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

function fitsInt16(stored: StoredArray, slope: number, intercept: number): boolean {
  if (!Number.isInteger(slope) || !Number.isInteger(intercept)) return false;
  let low = 0;
  let high = 0;
  for (let at = 0; at < stored.length; at++) {
    const value = stored[at]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const ends = [low * slope + intercept, high * slope + intercept];
  return Math.min(...ends) >= -32768 && Math.max(...ends) <= 32767;
}

const storedArrays = {
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const satisfies Partial<Record<NiftiDatatype, unknown>>;

/** The file's numbers in the machine's byte order; 64-bit integers become float64. Length was checked by the caller. */
function storedVoxels(file: Uint8Array, header: NiftiHeader): StoredArray {
  // A copy also of a Node Buffer, whose own `slice` is a view.
  const payload = new Uint8Array(file.subarray(header.voxelOffset, fileBytes(header)));
  const { datatype, littleEndian } = header;
  if (datatype === 'int64' || datatype === 'uint64') return wideIntegers(payload, datatype, littleEndian);
  const arrayType = storedArrays[datatype];
  if (!littleEndian) reverseEach(payload, arrayType.BYTES_PER_ELEMENT);
  return new arrayType(payload.buffer);
}

function wideIntegers(payload: Uint8Array, datatype: 'int64' | 'uint64', littleEndian: boolean): Float64Array {
  const view = new DataView(payload.buffer);
  const read = datatype === 'int64' ? view.getBigInt64 : view.getBigUint64;
  return Float64Array.from({ length: payload.length / 8 }, (_, at) => Number(read.call(view, at * 8, littleEndian)));
}

/** Swaps the byte order of every element, in place. */
function reverseEach(bytes: Uint8Array, width: number): void {
  for (let start = 0; start + width <= bytes.length; start += width) bytes.subarray(start, start + width).reverse();
}
