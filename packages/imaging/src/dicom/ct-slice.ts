/** One CT instance: where its pixels lie and what they mean in HU. */
import { cross, dot, norm } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';
import { type DicomFile, parsePart10 } from './part10.ts';
import { checkTransferSyntax, type PixelFormat, pixelFormatOf, pixelNumbers, storedBytes } from './pixels.ts';

/** Below is no tissue: outside of the scanner's field of view vendors write -2000 or -3024. */
const airHu = -1024;

export interface CtSlice {
  readonly file: DicomFile;
  readonly format: PixelFormat;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** LPS mm of the centre of the first pixel. */
  readonly positionMm: Triple;
  /** Unit LPS vectors along a row (x grows) and down a column (y grows). */
  readonly rowAxis: Triple;
  readonly columnAxis: Triple;
  /** Between rows (along y) and between columns (along x). */
  readonly pixelSpacingMm: readonly [number, number];
  readonly slope: number;
  readonly intercept: number;
  readonly hasRescale: boolean;
  readonly isLocalizer: boolean;
}

/**
 * @throws ImagingError `imaging.dicom-*`, `imaging.transfer-syntax-unsupported`
 */
export function parseCtSlice(bytes: Uint8Array): CtSlice {
  const file = parsePart10(bytes);
  const { data } = file;
  const format = ctFormat(file);
  const orientation = data.requiredNumbers('ImageOrientationPatient', 6) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const rowAxis: Triple = [orientation[0], orientation[1], orientation[2]];
  const columnAxis: Triple = [orientation[3], orientation[4], orientation[5]];
  const pixelSpacingMm = data.requiredNumbers('PixelSpacing', 2) as unknown as readonly [number, number];
  const isUnit = [rowAxis, columnAxis].every((axis) => Math.abs(norm(axis) - 1) < 1e-3);
  if (!isUnit || Math.abs(dot(rowAxis, columnAxis)) > 1e-3 || !pixelSpacingMm.every((spacing) => spacing > 0)) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'orientation or pixel spacing is not possible');
  }
  const slope = data.number('RescaleSlope');
  const intercept = data.number('RescaleIntercept');
  return {
    file,
    format,
    sopInstanceUid: data.requiredText('SOPInstanceUID'),
    seriesInstanceUid: data.requiredText('SeriesInstanceUID'),
    positionMm: data.requiredTriple('ImagePositionPatient'),
    rowAxis,
    columnAxis,
    pixelSpacingMm,
    slope: slope ?? 1,
    intercept: intercept ?? 0,
    hasRescale: slope !== undefined && intercept !== undefined,
    isLocalizer: data.texts('ImageType').includes('LOCALIZER'),
  };
}

function ctFormat(file: DicomFile): PixelFormat {
  const { data } = file;
  if (data.requiredText('Modality') !== 'CT') {
    throw new ImagingError('imaging.dicom-not-ct', 'the series is not a CT', { detail: data.text('Modality') ?? '' });
  }
  if (data.items('SharedFunctionalGroupsSequence').length > 0) {
    throw new ImagingError('imaging.dicom-multiframe-unsupported', 'enhanced (multi-frame) CT is not read');
  }
  checkTransferSyntax(file);
  const format = pixelFormatOf(file);
  if (format.frames !== 1 || format.bitsAllocated === 1) {
    throw new ImagingError('imaging.dicom-pixels-unsupported', 'a CT image must be one frame of 8 or 16 bits');
  }
  return format;
}

/** Along which slices are stacked: the rows' axis cross the columns'. */
export function normalOf(slice: CtSlice): Triple {
  return cross(slice.rowAxis, slice.columnAxis);
}

/**
 * Writes the slice's HU to `out` (its `rows * columns` voxels). Padding, and what is below air, becomes `airHu`.
 * @returns how many pixels became air.
 */
export function writeHu(slice: CtSlice, out: Float32Array | Int16Array): number {
  const { format, slope, intercept } = slice;
  const numbers = pixelNumbers(storedBytes(slice.file, format), format);
  const [paddingLow, paddingHigh] = paddingOf(slice);
  let replaced = 0;
  for (let at = 0; at < numbers.length; at++) {
    const stored = numbers[at]!;
    const hu = stored * slope + intercept;
    const isPadding = stored >= paddingLow && stored <= paddingHigh;
    if (hu < airHu || isPadding) {
      out[at] = airHu;
      if (hu !== airHu) replaced++;
    } else {
      out[at] = hu;
    }
  }
  return replaced;
}

/** Largest HU that the pixels' bits and rescale can say; the smallest is `airHu`. */
export function largestPossibleHu({ format, slope, intercept }: CtSlice): number {
  const high = 2 ** (format.signed ? format.bitsStored - 1 : format.bitsStored) - 1;
  const low = format.signed ? -(2 ** (format.bitsStored - 1)) : 0;
  return Math.max(low * slope, high * slope) + intercept;
}

/** Stored values that mean "no pixel" (PS3.3 C.7.5.1.1.2); an empty range where the file names none. */
function paddingOf({ file, format }: CtSlice): readonly [number, number] {
  const value = file.data.number('PixelPaddingValue');
  if (value === undefined) return [1, 0];
  const limit = file.data.number('PixelPaddingRangeLimit') ?? value;
  const signed = (word: number): number => (format.signed && word > 32767 ? word - 65536 : word);
  return [Math.min(signed(value), signed(limit)), Math.max(signed(value), signed(limit))];
}
