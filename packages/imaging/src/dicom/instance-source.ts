/** Where the bytes of an instance come from: memory, a file, an archive far away. Asked again whenever they are needed. */
import { ImagingError } from '../imaging-error.ts';
import { transferSyntaxes } from './dictionary.ts';
import { type DicomFile, parsePart10 } from './part10.ts';

export interface InstanceSource {
  /** Of the whole file. */
  readonly byteLength: number;
  /** Bytes from `start` up to `end`; the whole file without a range. May give more after `end`. */
  read(range?: { readonly start: number; readonly end: number }): Promise<Uint8Array> | Uint8Array;
  /**
   * Fills `out` with the bytes from `start` on and says how many there were. Where a source can do that, uncompressed pixels
   * go from the file straight into the volume.
   */
  readInto?(out: Uint8Array, start: number): Promise<number> | number;
}

/** The first piece of a file that is asked for: most headers end in it. */
const headBytes = 32_768;

export interface HeaderRead {
  readonly file: DicomFile;
  /** Where in the source uncompressed, little-endian pixels begin; undefined where they are stored otherwise. */
  readonly nativeStart: number | undefined;
}

const plainSyntaxes: readonly string[] = [transferSyntaxes.implicitLittleEndian, transferSyntaxes.explicitLittleEndian];

export function inMemory(bytes: Uint8Array): InstanceSource {
  return { byteLength: bytes.length, read: () => bytes };
}

/**
 * The elements before the pixels, from as little of the file as they need.
 * @throws ImagingError `imaging.dicom-not-dicom`, `imaging.dicom-damaged`
 */
export async function readHeader(source: InstanceSource): Promise<HeaderRead> {
  for (let end = headBytes; end < source.byteLength; end *= 8) {
    try {
      const bytes = await source.read({ start: 0, end });
      const file = parsePart10(bytes, { beforePixels: true });
      // Elements may end where the piece ends, without the pixels having come.
      if (file.end! + 12 <= bytes.length) return { file, nativeStart: nativeStartOf(file, bytes) };
    } catch (error) {
      // Cut short by us, or damaged: the whole file tells.
      if (!(error instanceof ImagingError) || error.code !== 'imaging.dicom-damaged') throw error;
    }
  }
  const bytes = await source.read();
  const file = parsePart10(bytes, { beforePixels: true });
  return { file, nativeStart: nativeStartOf(file, bytes) };
}

/** Where the value of Pixel Data begins, if it is uncompressed and its bytes are the machine's own order. */
function nativeStartOf({ end, data, transferSyntaxUid }: DicomFile, bytes: Uint8Array): number | undefined {
  if (!plainSyntaxes.includes(transferSyntaxUid) || end === undefined || end + 12 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPixels = view.getUint16(end, true) === 0x7fe0 && view.getUint16(end + 2, true) === 0x0010;
  const length = view.getUint32(data.explicit ? end + 8 : end + 4, true);
  return isPixels && length !== 0xffff_ffff ? end + (data.explicit ? 12 : 8) : undefined;
}
