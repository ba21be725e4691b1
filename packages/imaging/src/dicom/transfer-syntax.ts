/** How each transfer syntax stores pixels (PS3.5 annex A), or by what name it is refused. */
import { ImagingError } from '../imaging-error.ts';

export type PixelCoding = 'native' | 'rle' | 'deflated-frames' | 'jpeg' | 'jpeg-ls' | 'openjpeg' | 'openjph';

const codings: Readonly<Record<string, PixelCoding>> = {
  '1.2.840.10008.1.2': 'native',
  '1.2.840.10008.1.2.1': 'native',
  '1.2.840.10008.1.2.1.98': 'native',
  '1.2.840.10008.1.2.1.99': 'native',
  '1.2.840.10008.1.2.2': 'native',
  '1.2.840.10008.1.2.5': 'rle',
  '1.2.840.10008.1.2.8.1': 'deflated-frames',
  '1.2.840.10008.1.2.4.50': 'jpeg',
  '1.2.840.10008.1.2.4.51': 'jpeg',
  '1.2.840.10008.1.2.4.53': 'jpeg',
  '1.2.840.10008.1.2.4.55': 'jpeg',
  '1.2.840.10008.1.2.4.57': 'jpeg',
  '1.2.840.10008.1.2.4.70': 'jpeg',
  '1.2.840.10008.1.2.4.80': 'jpeg-ls',
  '1.2.840.10008.1.2.4.81': 'jpeg-ls',
  '1.2.840.10008.1.2.4.90': 'openjpeg',
  '1.2.840.10008.1.2.4.91': 'openjpeg',
  '1.2.840.10008.1.2.4.201': 'openjph',
  '1.2.840.10008.1.2.4.202': 'openjph',
  '1.2.840.10008.1.2.4.203': 'openjph',
};

/** Those that are known and not read. */
const refused: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.92': 'JPEG 2000 with several components (part 2)',
  '1.2.840.10008.1.2.4.93': 'JPEG 2000 with several components (part 2)',
  '1.2.840.10008.1.2.4.94': 'references to a JPIP server',
  '1.2.840.10008.1.2.4.95': 'references to a JPIP server',
  '1.2.840.10008.1.2.4.100': 'MPEG-2 video',
  '1.2.840.10008.1.2.4.101': 'MPEG-2 video',
  '1.2.840.10008.1.2.4.102': 'MPEG-4 video',
  '1.2.840.10008.1.2.4.103': 'MPEG-4 video',
  '1.2.840.10008.1.2.4.107': 'HEVC video',
  '1.2.840.10008.1.2.4.108': 'HEVC video',
  '1.2.840.10008.1.2.4.110': 'JPEG XL',
  '1.2.840.10008.1.2.4.111': 'JPEG XL',
  '1.2.840.10008.1.2.4.112': 'JPEG XL',
};

/** @throws ImagingError `imaging.transfer-syntax-unsupported` */
export function pixelCodingOf(transferSyntaxUid: string): PixelCoding {
  const coding = codings[transferSyntaxUid];
  if (coding !== undefined) return coding;
  const name = refused[transferSyntaxUid] ?? 'an unknown transfer syntax';
  throw new ImagingError('imaging.transfer-syntax-unsupported', `the pixels are stored as ${name}, which is not read`, {
    detail: transferSyntaxUid,
  });
}
