/** A volume to a NIfTI file: the same bytes for the same volume, on every machine. */
import { checkVolume } from '../geometry.ts';
import { gzip } from '../gzip.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Volume, VoxelArray } from '../volume.ts';
import { niftiDatatypes } from './header.ts';
import { quaternionOf, sformOf } from './placement.ts';

export interface EncodeNiftiOptions {
  /** At most 79 ASCII characters are kept. */
  readonly description?: string;
  /** Default 1; version 2 holds axes of more than 32767 voxels and float64 positions. */
  readonly version?: 1 | 2;
  /** Default true: a `.nii.gz`. */
  readonly gzip?: boolean;
}

const scannerAnatomical = 1;
const millimetresAndSeconds = 2 | 8;
const extensionBytes = 4;

/**
 * Little endian, unscaled, voxels in our memory order. Position as sform, and as qform too where the axes are
 * orthogonal.
 */
export function encodeNifti(volume: Volume, options: EncodeNiftiOptions = {}): Uint8Array {
  checkVolume(volume);
  const version = options.version ?? 1;
  if (version === 1 && volume.geometry.size.some((voxels) => voxels > 32767)) {
    throw new ImagingError('imaging.nifti-size-unsupported', 'an axis has more voxels than NIfTI-1 can say');
  }
  const headerBytes = (version === 1 ? 348 : 540) + extensionBytes;
  const file = new Uint8Array(headerBytes + volume.voxels.byteLength);
  const description = ascii(options.description ?? '');
  if (version === 1) writeHeader1(new DataView(file.buffer), volume, description);
  else writeHeader2(new DataView(file.buffer), volume, description);
  writeVoxels(file, headerBytes, volume.voxels);
  if (options.gzip === false) return file;
  return gzip(file, { level: volume.voxels instanceof Uint8Array ? 6 : 1 });
}

function writeHeader1(view: DataView, volume: Volume, description: readonly number[]): void {
  const { geometry, voxels } = volume;
  const { datatype, bits } = storedAs(voxels);
  const [k, j, i] = geometry.size;
  view.setInt32(0, 348, true);
  for (const [index, length] of [3, i, j, k, 1, 1, 1, 1].entries()) view.setInt16(40 + index * 2, length, true);
  view.setInt16(70, datatype, true);
  view.setInt16(72, bits, true);
  const { qform, pixdim } = placementOf(volume);
  for (const [index, edge] of pixdim.entries()) view.setFloat32(76 + index * 4, edge, true);
  view.setFloat32(108, 352, true);
  view.setFloat32(112, 1, true);
  view.setUint8(123, millimetresAndSeconds);
  for (const [index, code] of description.entries()) view.setUint8(148 + index, code);
  view.setInt16(252, qform === undefined ? 0 : scannerAnatomical, true);
  view.setInt16(254, scannerAnatomical, true);
  for (const [index, value] of (qform ?? []).entries()) view.setFloat32(256 + index * 4, value, true);
  for (const [index, value] of sformOf(geometry).entries()) view.setFloat32(280 + index * 4, value, true);
  writeText(view, 344, 'n+1\0');
}

function writeHeader2(view: DataView, volume: Volume, description: readonly number[]): void {
  const { geometry, voxels } = volume;
  const { datatype, bits } = storedAs(voxels);
  const [k, j, i] = geometry.size;
  view.setInt32(0, 540, true);
  writeText(view, 4, 'n+2\0\r\n\x1a\n');
  view.setInt16(12, datatype, true);
  view.setInt16(14, bits, true);
  for (const [index, length] of [3, i, j, k, 1, 1, 1, 1].entries()) {
    view.setBigInt64(16 + index * 8, BigInt(length), true);
  }
  const { qform, pixdim } = placementOf(volume);
  for (const [index, edge] of pixdim.entries()) view.setFloat64(104 + index * 8, edge, true);
  view.setBigInt64(168, 544n, true);
  view.setFloat64(176, 1, true);
  for (const [index, code] of description.entries()) view.setUint8(240 + index, code);
  view.setInt32(344, qform === undefined ? 0 : scannerAnatomical, true);
  view.setInt32(348, scannerAnatomical, true);
  for (const [index, value] of (qform ?? []).entries()) view.setFloat64(352 + index * 8, value, true);
  for (const [index, value] of sformOf(geometry).entries()) view.setFloat64(400 + index * 8, value, true);
  view.setInt32(500, millimetresAndSeconds, true);
}

/** `pixdim[0..3]` and, where the axes allow, quaternion and offset of the qform. */
function placementOf({ geometry }: Volume): { pixdim: readonly number[]; qform: readonly number[] | undefined } {
  const { spacingMm, originMm } = geometry;
  const rotation = quaternionOf(geometry);
  const pixdim = [rotation?.qfac ?? 1, spacingMm[2], spacingMm[1], spacingMm[0]];
  const qform = rotation && [...rotation.quaternion, 0 - originMm[0], 0 - originMm[1], originMm[2]];
  return { pixdim, qform };
}

function storedAs(voxels: VoxelArray): { datatype: number; bits: number } {
  if (voxels instanceof Uint8Array) return { datatype: niftiDatatypes.uint8, bits: 8 };
  if (voxels instanceof Int16Array) return { datatype: niftiDatatypes.int16, bits: 16 };
  return { datatype: niftiDatatypes.float32, bits: 32 };
}

/** Every machine that runs JavaScript today is little endian; the tests would fail on one that is not. */
function writeVoxels(file: Uint8Array, offset: number, voxels: VoxelArray): void {
  file.set(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength), offset);
}

function ascii(text: string): number[] {
  return Array.from(text.slice(0, 79), (character) => {
    const code = character.charCodeAt(0);
    return code >= 32 && code < 127 ? code : 63;
  });
}

function writeText(view: DataView, offset: number, text: string): void {
  for (let at = 0; at < text.length; at++) view.setUint8(offset + at, text.charCodeAt(at));
}
