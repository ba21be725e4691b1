/**
 * The stored pixels of a DICOM file as numbers: native or RLE, 8 or 16 bits, either sign and byte order. Other
 * transfer syntaxes are refused by name.
 */
import { ImagingError } from '../imaging-error.ts';
import { transferSyntaxes } from './dictionary.ts';
import type { DicomFile } from './part10.ts';
import { decodeRle } from './rle.ts';

export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
}

/** @throws ImagingError for colour, or attributes that contradict each other. */
export function pixelFormatOf({ data }: DicomFile): PixelFormat {
  const bitsAllocated = data.requiredNumber('BitsAllocated');
  const bitsStored = data.number('BitsStored') ?? bitsAllocated;
  const format: PixelFormat = {
    rows: data.requiredNumber('Rows'),
    columns: data.requiredNumber('Columns'),
    frames: data.number('NumberOfFrames') ?? 1,
    bitsAllocated,
    bitsStored,
    highBit: data.number('HighBit') ?? bitsStored - 1,
    signed: data.number('PixelRepresentation') === 1,
  };
  const { rows, columns, frames, highBit } = format;
  const sound =
    [rows, columns, frames].every((count) => Number.isInteger(count) && count >= 1) &&
    [1, 8, 16].includes(bitsAllocated) &&
    bitsStored >= 1 &&
    bitsStored <= bitsAllocated &&
    highBit < bitsAllocated &&
    highBit >= bitsStored - 1;
  if (!sound || (data.number('SamplesPerPixel') ?? 1) !== 1) {
    throw new ImagingError('imaging.dicom-pixels-unsupported', 'the pixels are not single numbers of 1, 8 or 16 bits');
  }
  return format;
}

/** @throws ImagingError `imaging.transfer-syntax-unsupported` */
export function checkTransferSyntax({ transferSyntaxUid }: DicomFile): void {
  if ((Object.values(transferSyntaxes) as string[]).includes(transferSyntaxUid)) return;
  const name = compressionNames[transferSyntaxUid] ?? 'an unknown transfer syntax';
  throw new ImagingError('imaging.transfer-syntax-unsupported', `the pixels are stored as ${name}, which is not read`, {
    detail: transferSyntaxUid,
  });
}

/**
 * All frames one after the other as stored, in `format.bitsAllocated` bits a pixel, little endian; native pixels are not
 * copied.
 * @throws ImagingError `imaging.dicom-pixels-truncated`
 */
export function storedBytes(file: DicomFile, format: PixelFormat): Uint8Array {
  checkTransferSyntax(file);
  const frameBits = format.rows * format.columns * format.bitsAllocated;
  const wantedBytes = Math.ceil((frameBits * format.frames) / 8);
  if (file.transferSyntaxUid === transferSyntaxes.rle) return unpackedRle(file, format);
  const bytes = file.data.bytes('PixelData');
  if (bytes === undefined || bytes.length < wantedBytes) throw truncated();
  const native = bytes.subarray(0, wantedBytes);
  const swap = file.transferSyntaxUid === transferSyntaxes.explicitBigEndian && format.bitsAllocated === 16;
  return swap ? swapped(native) : native;
}

/** One frame's pixels, sign and unused bits seen to. `bytes` are of that frame alone, 8 or 16 bits a pixel. */
export function pixelNumbers(bytes: Uint8Array, format: PixelFormat): Int32Array {
  const count = format.rows * format.columns;
  const numbers = new Int32Array(count);
  const wide = format.bitsAllocated === 16;
  const left = 31 - format.highBit;
  const right = 32 - format.bitsStored;
  for (let at = 0; at < count; at++) {
    const raw = wide ? bytes[2 * at]! | (bytes[2 * at + 1]! << 8) : bytes[at]!;
    const top = raw << left;
    numbers[at] = format.signed ? top >> right : top >>> right;
  }
  return numbers;
}

function unpackedRle(file: DicomFile, format: PixelFormat): Uint8Array {
  const fragments = file.data.encapsulatedFrames(format.frames);
  if (fragments === undefined || format.bitsAllocated === 1) throw truncated();
  const frameBytes = (format.rows * format.columns * format.bitsAllocated) / 8;
  const frames = fragments.map((frame) => {
    return decodeRle(joined(frame), { frameBytes, bytesPerPixel: format.bitsAllocated / 8 });
  });
  if (frames.length === 1) return frames[0]!;
  const all = new Uint8Array(frameBytes * frames.length);
  for (const [frame, bytes] of frames.entries()) all.set(bytes, frame * frameBytes);
  return all;
}

function joined(fragments: readonly Uint8Array[]): Uint8Array {
  if (fragments.length === 1) return fragments[0]!;
  const whole = new Uint8Array(fragments.reduce((sum, fragment) => sum + fragment.length, 0));
  let at = 0;
  for (const fragment of fragments) {
    whole.set(fragment, at);
    at += fragment.length;
  }
  return whole;
}

function swapped(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    result[at] = bytes[at + 1]!;
    result[at + 1] = bytes[at]!;
  }
  return result;
}

function truncated(): ImagingError {
  return new ImagingError('imaging.dicom-pixels-truncated', 'the file holds fewer pixels than its header says');
}

const compressionNames: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.50': 'JPEG Baseline',
  '1.2.840.10008.1.2.4.51': 'JPEG Extended',
  '1.2.840.10008.1.2.4.57': 'JPEG Lossless',
  '1.2.840.10008.1.2.4.70': 'JPEG Lossless (first-order prediction)',
  '1.2.840.10008.1.2.4.80': 'JPEG-LS Lossless',
  '1.2.840.10008.1.2.4.81': 'JPEG-LS Near-Lossless',
  '1.2.840.10008.1.2.4.90': 'JPEG 2000 Lossless',
  '1.2.840.10008.1.2.4.91': 'JPEG 2000',
  '1.2.840.10008.1.2.4.201': 'HTJ2K Lossless',
  '1.2.840.10008.1.2.4.202': 'HTJ2K Lossless RPCL',
  '1.2.840.10008.1.2.4.203': 'HTJ2K',
};
