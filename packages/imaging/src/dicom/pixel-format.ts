/** How the pixels of a DICOM file are laid out (PS3.3 C.7.6.3): read once, checked, and then trusted. */
import { ImagingError } from '../imaging-error.ts';
import type { Dataset } from './dataset.ts';

export interface PixelFormat {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly samplesPerPixel: 1 | 3;
  /** Of a sample: 1, 8, 16, 32 or 64. */
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Floating-point pixels are in an element of their own (PS3.3 C.7.6.24). */
  readonly element: 'PixelData' | 'FloatPixelData' | 'DoubleFloatPixelData';
  /** All samples of one kind before those of the next. */
  readonly planar: boolean;
  /** Photometric Interpretation, such as MONOCHROME2. */
  readonly photometric: string;
}

/** Values a frame may have; a slide's whole level is not read as one. */
const frameValuesMax = 2 ** 28;

/**
 * @throws ImagingError `imaging.dicom-pixels-missing` where the file is no image, `imaging.dicom-pixels-unsupported` for
 *   attributes that contradict each other, `imaging.dicom-attribute-*`
 */
export function pixelFormatOf(data: Dataset): PixelFormat {
  const element = (['PixelData', 'FloatPixelData', 'DoubleFloatPixelData'] as const).find(
    (keyword) => data.element(keyword) !== undefined,
  );
  if (element === undefined) throw new ImagingError('imaging.dicom-pixels-missing', 'the file holds no pixels');
  return formatOf(data, element);
}

/** The same for a file of which the pixels themselves were not read; undefined where it is not an image. */
export function headerFormatOf(data: Dataset): PixelFormat | undefined {
  if (data.element('Rows') === undefined) return undefined;
  // Only whole numbers are said to have stored bits.
  const isFloat = data.element('BitsStored') === undefined && (data.number('BitsAllocated') ?? 0) >= 32;
  if (!isFloat) return formatOf(data, 'PixelData');
  return formatOf(data, data.number('BitsAllocated') === 64 ? 'DoubleFloatPixelData' : 'FloatPixelData');
}

function formatOf(data: Dataset, element: PixelFormat['element']): PixelFormat {
  const isFloat = element !== 'PixelData';
  const bitsAllocated = data.requiredNumber('BitsAllocated');
  const bitsStored = (isFloat ? undefined : data.number('BitsStored')) ?? bitsAllocated;
  const format: PixelFormat = {
    rows: data.requiredNumber('Rows'),
    columns: data.requiredNumber('Columns'),
    frames: data.number('NumberOfFrames') ?? 1,
    samplesPerPixel: (data.number('SamplesPerPixel') ?? 1) as 1 | 3,
    bitsAllocated,
    bitsStored,
    highBit: (isFloat ? undefined : data.number('HighBit')) ?? bitsStored - 1,
    signed: data.number('PixelRepresentation') === 1,
    element,
    planar: data.number('PlanarConfiguration') === 1,
    photometric: data.text('PhotometricInterpretation') ?? 'MONOCHROME2',
  };
  if (!isSound(format)) {
    throw new ImagingError('imaging.dicom-pixels-unsupported', 'the description of the pixels contradicts itself');
  }
  return format;
}

function isSound(format: PixelFormat): boolean {
  const { rows, columns, frames, samplesPerPixel, bitsAllocated, bitsStored, highBit, element } = format;
  const widths = element === 'PixelData' ? [1, 8, 16, 32] : [element === 'FloatPixelData' ? 32 : 64];
  return (
    [rows, columns, frames].every((count) => Number.isInteger(count) && count >= 1) &&
    rows * columns * samplesPerPixel <= frameValuesMax &&
    (samplesPerPixel === 1 || (samplesPerPixel === 3 && bitsAllocated > 1)) &&
    widths.includes(bitsAllocated) &&
    Number.isInteger(bitsStored) &&
    bitsStored >= 1 &&
    bitsStored <= bitsAllocated &&
    Number.isInteger(highBit) &&
    highBit < bitsAllocated &&
    highBit >= bitsStored - 1
  );
}
