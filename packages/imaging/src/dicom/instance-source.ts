/** Where the bytes of an instance come from: memory, a file, an archive far away. Asked again whenever they are needed. */
import { ImagingError } from '../imaging-error.ts';
import { type DicomFile, parsePart10 } from './part10.ts';

export interface InstanceSource {
  /** Of the whole file. */
  readonly byteLength: number;
  /** Bytes from `start` up to `end`; the whole file without a range. May give more after `end`. */
  read(range?: { readonly start: number; readonly end: number }): Promise<Uint8Array> | Uint8Array;
}

/** The first piece of a file that is asked for: most headers end in it. */
const headBytes = 32_768;

export function inMemory(bytes: Uint8Array): InstanceSource {
  return { byteLength: bytes.length, read: () => bytes };
}

/**
 * The elements before the pixels, from as little of the file as they need.
 * @throws ImagingError `imaging.dicom-not-dicom`, `imaging.dicom-damaged`
 */
export async function readHeader(source: InstanceSource): Promise<DicomFile> {
  for (let end = headBytes; end < source.byteLength; end *= 8) {
    try {
      const bytes = await source.read({ start: 0, end });
      const file = parsePart10(bytes, { beforePixels: true });
      // Elements may end where the piece ends, without the pixels having come.
      if (file.end! + 8 <= bytes.length) return file;
    } catch (error) {
      // Cut short by us, or damaged: the whole file tells.
      if (!(error instanceof ImagingError) || error.code !== 'imaging.dicom-damaged') throw error;
    }
  }
  return parsePart10(await source.read(), { beforePixels: true });
}
