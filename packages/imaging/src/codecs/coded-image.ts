/** What a codec gives: the samples of one frame, and the check that they are as many as the DICOM header says. */
import { ImagingError } from '../imaging-error.ts';

export interface CodedSize {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
}

export interface CodedImage extends CodedSize {
  /** Bits a sample in the stream. */
  readonly bits: number;
  /** `[row, column, sample]`, as coded: without sign extension from `bits` except in signed arrays. */
  readonly values: Uint8Array | Uint16Array | Int16Array | Int8Array;
  /** What the stream itself says of three samples; undefined where it says nothing. */
  readonly colour: 'ybr' | 'rgb' | undefined;
}

/** @throws ImagingError `imaging.pixels-contradict-header` */
export function checkCodedSize(coded: CodedSize, expected: CodedSize): void {
  const { rows, columns, samplesPerPixel } = expected;
  if (coded.rows !== rows || coded.columns !== columns || coded.samplesPerPixel !== samplesPerPixel) {
    throw new ImagingError(
      'imaging.pixels-contradict-header',
      'the compressed pixels are of another size than the header says',
      {
        detail: `${coded.rows}x${coded.columns}x${coded.samplesPerPixel}`,
      },
    );
  }
}
