/** A DICOM file (PS3.10): preamble, meta information and data set, as bytes and back; also files that lack the first two. */
import { deflateSync, Inflate } from 'fflate';
import { ImagingError } from '../imaging-error.ts';
import { decodeLatin1 } from './character-set.ts';
import { type Encoding, readDataset, statesVr } from './data-reader.ts';
import { encodeDataset } from './data-writer.ts';
import { type DataElement, Dataset } from './dataset.ts';
import { transferSyntaxes } from './dictionary.ts';

export interface DicomFile {
  readonly data: Dataset;
  readonly transferSyntaxUid: string;
  /** 128 bytes for whatever an application likes. */
  readonly preamble: Uint8Array | undefined;
  /** Group 0002, explicit little endian. */
  readonly meta: Dataset | undefined;
  /** Where reading ended: the end, padding, or, if asked to stop there, the pixels. Of a deflated file: once unpacked. */
  readonly end?: number;
}

export interface ParsePart10Options {
  /** What a deflated file may unpack to; default 1 GiB. */
  readonly inflatedBytesMax?: number;
  /** Leave the pixels and all after them unread: `file` may end where they begin. */
  readonly beforePixels?: boolean;
}

const preambleBytes = 128;
/** Float Pixel Data, the lowest of the elements that hold pixels. */
const firstPixelTag = 0x7fe0_0008;
const metaEncoding: Encoding = { littleEndian: true, explicit: true };

/** @throws ImagingError `imaging.dicom-not-dicom`, `imaging.dicom-damaged` */
export function parsePart10(file: Uint8Array, options: ParsePart10Options = {}): DicomFile {
  // A Buffer's subarray is another thing than a Uint8Array's.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const hasPreamble =
    bytes.length >= preambleBytes + 4 && decodeLatin1(bytes.subarray(preambleBytes, preambleBytes + 4)) === 'DICM';
  const start = hasPreamble ? preambleBytes + 4 : 0;
  if (!hasPreamble && !beginsBare(bytes)) throw new ImagingError('imaging.dicom-not-dicom', 'the file is not DICOM');
  const { meta, end } = readMeta(bytes, start);
  const stated = meta?.text('TransferSyntaxUID');
  const isDeflated = stated === transferSyntaxes.deflated;
  const body = isDeflated ? inflated(bytes.subarray(end), options.inflatedBytesMax ?? 2 ** 30) : bytes;
  const bodyStart = isDeflated ? 0 : end;
  const encoding = encodingAt(body, bodyStart, stated);
  const before = options.beforePixels ? { before: firstPixelTag } : {};
  const read = readDataset(body, { start: bodyStart, ...encoding, ...before });
  return {
    data: read.data,
    transferSyntaxUid: consistent(stated, encoding),
    preamble: hasPreamble ? bytes.subarray(0, preambleBytes) : undefined,
    meta,
    end: read.end,
  };
}

/**
 * The file's bytes, with the length of its meta information as it is now. Without meta information, the data set alone.
 * @param file `transferSyntaxUid` must fit the pixels: native ones go between the uncompressed syntaxes.
 */
export function formatPart10(file: DicomFile): Uint8Array {
  const { data, meta, transferSyntaxUid } = file;
  const encoding = encodingOf(transferSyntaxUid);
  const head = headBytes(file.preamble, meta);
  if (transferSyntaxUid !== transferSyntaxes.deflated) return encodeDataset(data, encoding, head);
  const body = deflateSync(encodeDataset(data, encoding));
  const bytes = new Uint8Array(head.length + body.length + (body.length % 2));
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

function headBytes(preamble: Uint8Array | undefined, meta: Dataset | undefined): Uint8Array {
  const encoded = meta === undefined ? new Uint8Array(0) : metaBytes(meta);
  if (preamble === undefined) return encoded;
  const head = new Uint8Array(preambleBytes + 4 + encoded.length);
  head.set(preamble);
  head.set(new TextEncoder().encode('DICM'), preambleBytes);
  head.set(encoded, preambleBytes + 4);
  return head;
}

/** How a transfer syntax writes elements (PS3.5 annex A). */
function encodingOf(transferSyntaxUid: string): Encoding {
  return {
    littleEndian: transferSyntaxUid !== transferSyntaxes.explicitBigEndian,
    explicit: transferSyntaxUid !== transferSyntaxes.implicitLittleEndian,
  };
}

/** Whether a data set begins at byte 0, as old archives export it: with meta information or with group 0008. */
function beginsBare(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const group = bytes[0]! | (bytes[1]! << 8);
  return group === 0x0008 || group === 0x0800 || (group === 0x0002 && statesVr(bytes, 0));
}

function readMeta(bytes: Uint8Array, start: number): { meta: Dataset | undefined; end: number } {
  const hasMeta = bytes.length >= start + 8 && bytes[start] === 2 && bytes[start + 1] === 0 && statesVr(bytes, start);
  if (!hasMeta) return { meta: undefined, end: start };
  const { data, end } = readDataset(bytes, { start, onlyGroup: 0x0002, ...metaEncoding });
  return { meta: data, end };
}

/** The stated encoding, unless the first element is plainly written in another, as happens. */
function encodingAt(bytes: Uint8Array, start: number, stated: string | undefined): Encoding {
  if (bytes.length < start + 8) return encodingOf(stated ?? transferSyntaxes.implicitLittleEndian);
  const littleEndian =
    stated === undefined ? bytes[start] !== 0 || bytes[start + 1] === 0 : encodingOf(stated).littleEndian;
  return { littleEndian, explicit: statesVr(bytes, start) };
}

function consistent(stated: string | undefined, { littleEndian, explicit }: Encoding): string {
  if (!explicit && (stated === undefined || stated === transferSyntaxes.explicitLittleEndian)) {
    return transferSyntaxes.implicitLittleEndian;
  }
  if (explicit && (stated === undefined || stated === transferSyntaxes.implicitLittleEndian)) {
    return littleEndian ? transferSyntaxes.explicitLittleEndian : transferSyntaxes.explicitBigEndian;
  }
  return stated!;
}

function metaBytes(meta: Dataset): Uint8Array {
  const rest = meta.elements.filter(({ tag }) => tag !== 0x0002_0000);
  const length = encodeDataset(new Dataset(rest), metaEncoding).length;
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, length, true);
  const groupLength: DataElement = {
    ...{ tag: 0x0002_0000, vr: 'UL', source: value, start: 0, end: 4 },
    ...{ items: undefined, fragments: undefined, undefinedLength: false },
  };
  return encodeDataset(new Dataset([groupLength, ...rest]), metaEncoding);
}

/** PS3.5 A.5: with the limit on what comes out, since what goes in says nothing of it. */
function inflated(bytes: Uint8Array, bytesMax: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const stream = new Inflate((chunk) => {
    total += chunk.length;
    if (total > bytesMax) {
      throw new ImagingError('imaging.dicom-damaged', 'the file unpacks to more than is allowed');
    }
    chunks.push(chunk);
  });
  const pushBytes = 65_536;
  try {
    for (let at = 0; at < bytes.length || at === 0; at += pushBytes) {
      stream.push(bytes.subarray(at, at + pushBytes), at + pushBytes >= bytes.length);
    }
  } catch (error) {
    if (error instanceof ImagingError) throw error;
    throw new ImagingError('imaging.dicom-damaged', 'the DICOM file is cut short or damaged', { cause: error });
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
