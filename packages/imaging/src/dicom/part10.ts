/**
 * A DICOM file (PS3.10) to a data set. dicom-parser does the parsing; here is what it leaves out: files without preamble
 * or meta information, deflate with a limit, and its many exceptions turned into one.
 */
import dicomParser from 'dicom-parser';
import { Inflate } from 'fflate';
import { ImagingError } from '../imaging-error.ts';
import { Dataset } from './dataset.ts';
import { transferSyntaxes } from './dictionary.ts';

export interface DicomFile {
  readonly data: Dataset;
  readonly transferSyntaxUid: string;
}

/** A deflated file may not unpack to more. */
const inflatedBytesMax = 2 ** 30;

/** @throws ImagingError `imaging.dicom-not-dicom`, `imaging.dicom-damaged` */
export function parsePart10(bytes: Uint8Array): DicomFile {
  const bare = hasPreamble(bytes) ? undefined : bareTransferSyntax(bytes);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const parsed = dicomParser.parseDicom(plain, {
      ...(bare === undefined ? {} : { TransferSyntaxUID: bare }),
      inflater: inflateRest,
    } as Parameters<typeof dicomParser.parseDicom>[1]);
    const stated = parsed.string('x00020010')?.trim();
    const transferSyntaxUid = stated ?? bare ?? transferSyntaxes.implicitLittleEndian;
    const littleEndian = transferSyntaxUid !== transferSyntaxes.explicitBigEndian;
    return { data: new Dataset(parsed, { littleEndian }), transferSyntaxUid };
  } catch (error) {
    if (error instanceof ImagingError) throw error;
    throw new ImagingError('imaging.dicom-damaged', 'the DICOM file is cut short or damaged', { cause: error });
  }
}

function hasPreamble(bytes: Uint8Array): boolean {
  return bytes.length >= 132 && latin(bytes, 128, 132) === 'DICM';
}

/**
 * Transfer syntax of a data set that begins at byte 0 without preamble, as old archives export it: the first element must
 * be of group 0008, and two capitals after its tag are an explicit VR.
 */
function bareTransferSyntax(bytes: Uint8Array): string {
  const group = bytes.length >= 8 ? bytes[0]! | (bytes[1]! << 8) : 0;
  if (group !== 0x0008) throw new ImagingError('imaging.dicom-not-dicom', 'the file is not DICOM');
  const explicit = /^[A-Z]{2}$/.test(latin(bytes, 4, 6));
  return explicit ? transferSyntaxes.explicitLittleEndian : transferSyntaxes.implicitLittleEndian;
}

function latin(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** The header as it is, the rest inflated (PS3.5 A.5). */
function inflateRest(bytes: Uint8Array, position: number): Uint8Array {
  const chunks: Uint8Array[] = [bytes.subarray(0, position)];
  let total = position;
  const stream = new Inflate((chunk) => {
    total += chunk.length;
    if (total > inflatedBytesMax) {
      throw new ImagingError('imaging.dicom-damaged', 'the file unpacks to more than 1 GiB');
    }
    chunks.push(chunk);
  });
  const pushBytes = 65_536;
  for (let at = position; at < bytes.length; at += pushBytes) {
    stream.push(bytes.subarray(at, at + pushBytes), at + pushBytes >= bytes.length);
  }
  const inflated = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    inflated.set(chunk, at);
    at += chunk.length;
  }
  return inflated;
}
