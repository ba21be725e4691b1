/**
 * A NIfTI file without its texts: description, name of an auxiliary file, name of the intent, the fields left from Analyze,
 * and all extensions. They are free text, and converters write names of patients into them. Voxels and geometry stay.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { ImagingError } from '@consilium/imaging';

/** `[offset, length]` in NIfTI-1 (nifti1.h): data_type, db_name, descrip, aux_file, intent_name. */
const textsOf1: readonly (readonly [number, number])[] = [
  [4, 10],
  [14, 18],
  [148, 80],
  [228, 24],
  [328, 16],
];
/** In NIfTI-2 (nifti2.h): descrip, aux_file, intent_name, unused_str. */
const textsOf2: readonly (readonly [number, number])[] = [
  [240, 80],
  [320, 24],
  [508, 16],
  [525, 15],
];

export interface CleanedNifti {
  /** Packed; the same bytes for the same input. */
  readonly bytes: Uint8Array;
  /** A text said so before it was cleared. */
  readonly saysSynthetic: boolean;
}

/**
 * @param bytes as read: a file that `decodeNifti` accepts, packed or not.
 * @throws ImagingError `imaging.nifti-*`, `imaging.gzip-*`
 */
export function cleanNifti(bytes: Uint8Array, { bytesMax }: { bytesMax: number }): CleanedNifti {
  const file = isGzip(bytes) ? unpacked(bytes, bytesMax) : Uint8Array.from(bytes);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const littleEndian = [348, 540].includes(view.getInt32(0, true));
  const headerBytes = view.getInt32(0, littleEndian);
  const isFirst = headerBytes === 348;
  const voxelsAt = isFirst ? view.getFloat32(108, littleEndian) : Number(view.getBigInt64(168, littleEndian));
  let text = '';
  for (const [offset, length] of isFirst ? textsOf1 : textsOf2) {
    text += `${Buffer.from(file.subarray(offset, offset + length)).toString('latin1')}\n`;
    file.fill(0, offset, offset + length);
  }
  file.fill(0, headerBytes, voxelsAt);
  return { bytes: gzipSync(file, { level: 6 }), saysSynthetic: /\bsynthetic\b/i.test(text) };
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function unpacked(bytes: Uint8Array, bytesMax: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: bytesMax });
  } catch (cause) {
    throw new ImagingError(
      'imaging.gzip-corrupt',
      'the compressed data is damaged or unpacks to more than is allowed',
      {
        cause,
      },
    );
  }
}
