/**
 * What an instance says of its frames before a pixel is looked at: where each lies, what its values mean, and what tells it
 * from others in the same place. Classic images have one frame, enhanced ones (PS3.3 C.7.6.16) as many as they like.
 */
import { cross, dot, norm, scaled } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Triple } from '../volume.ts';
import type { Dataset } from './dataset.ts';
import type { Keyword } from './dictionary.ts';
import type { HeaderRead } from './instance-source.ts';
import { headerFormatOf, type PixelFormat } from './pixel-format.ts';
import { acquisitionOf, patientOf, type SeriesInfo, studyOf } from './series-info.ts';
import type { SplitAttribute } from './stack-finding.ts';

export interface FramePlace {
  /** LPS mm of the centre of the first pixel. */
  readonly positionMm: Triple;
  /** Unit LPS vectors along a row (x grows) and down a column (y grows). */
  readonly rowAxis: Triple;
  readonly columnAxis: Triple;
  /** Between rows (along y) and between columns (along x). */
  readonly pixelSpacingMm: readonly [number, number];
}

/** From stored values to what they measure (PS3.3 C.11.1). */
export type ModalityTransform =
  | { readonly kind: 'rescale'; readonly slope: number; readonly intercept: number; readonly isStated: boolean }
  | { readonly kind: 'table'; readonly first: number; readonly values: readonly number[] };

export interface FrameHeader {
  /** From 0. */
  readonly index: number;
  readonly place: FramePlace | undefined;
  readonly transform: ModalityTransform;
  readonly thicknessMm: number | undefined;
  readonly kernel: string;
  readonly traits: Readonly<Partial<Record<SplitAttribute, string>>>;
}

/** UIDs are empty where the file states none. */
export interface InstanceHeader {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly frameOfReferenceUid: string;
  readonly transferSyntaxUid: string;
  /** Where in its source uncompressed pixels begin, if their bytes are the machine's own. */
  readonly nativeStart: number | undefined;
  readonly modality: string;
  readonly imageType: readonly string[];
  readonly instanceNumber: number;
  /** Undefined: no image. */
  readonly format: PixelFormat | undefined;
  /** Empty for other modalities than `volumeModalities`. */
  readonly frames: readonly FrameHeader[];
  /** Stored values that mean "no pixel" (PS3.3 C.7.5.1.1.2). */
  readonly padding: readonly [low: number, high: number] | undefined;
  readonly isSecondaryCapture: boolean;
  readonly isBurnedIn: boolean;
  readonly isLossy: boolean;
  /** Rescale Type; empty where it is not stated. */
  readonly rescaleType: string;
  readonly kvp: number | undefined;
  readonly info: Pick<SeriesInfo, 'number' | 'description' | 'patient' | 'study' | 'acquisition'>;
}

/** Of whose images volumes are made. */
export const volumeModalities: readonly string[] = ['CT', 'MR', 'PT'];
const framesMax = 2 ** 16;

/** @throws ImagingError `imaging.dicom-*` */
export function instanceHeaderOf({ file: { data, meta, transferSyntaxUid }, nativeStart }: HeaderRead): InstanceHeader {
  const format = headerFormatOf(data);
  const modality = data.text('Modality') ?? '';
  // Some that take names away empty the UIDs too and leave those of the meta information.
  const sopClassUid = data.text('SOPClassUID') ?? meta?.text('MediaStorageSOPClassUID') ?? '';
  return {
    sopClassUid,
    sopInstanceUid: data.text('SOPInstanceUID') ?? meta?.text('MediaStorageSOPInstanceUID') ?? '',
    seriesInstanceUid: data.text('SeriesInstanceUID') ?? '',
    frameOfReferenceUid: data.text('FrameOfReferenceUID') ?? '',
    transferSyntaxUid,
    nativeStart,
    modality,
    imageType: data.texts('ImageType'),
    instanceNumber: optionalNumber(data, 'InstanceNumber') ?? 0,
    format,
    frames: format !== undefined && volumeModalities.includes(modality) ? framesOf(data, format) : [],
    padding: format && paddingOf(data, format),
    isSecondaryCapture: /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7($|\.)/.test(sopClassUid),
    isBurnedIn: data.text('BurnedInAnnotation') === 'YES',
    isLossy: data.text('LossyImageCompression') === '01',
    rescaleType: data.text('RescaleType') ?? '',
    kvp: optionalNumber(data, 'KVP'),
    info: {
      number: optionalNumber(data, 'SeriesNumber'),
      description: data.text('SeriesDescription') ?? '',
      patient: patientOf(data),
      study: studyOf(data),
      acquisition: acquisitionOf(data),
    },
  };
}

function framesOf(data: Dataset, format: PixelFormat): readonly FrameHeader[] {
  const shared = data.item('SharedFunctionalGroupsSequence');
  const perFrame = data.items('PerFrameFunctionalGroupsSequence');
  if (format.frames > framesMax) return [];
  if (perFrame.length === 0 && shared === undefined) {
    const frame = (index: number): FrameHeader => frameOf(index, new Groups(data, undefined, undefined));
    // Several frames without functional groups have no place of their own.
    return format.frames === 1 ? [frame(0)] : [{ ...frame(0), place: undefined }];
  }
  if (perFrame.length !== format.frames) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'the number of frames is not that of their descriptions');
  }
  return perFrame.map((own, index) => frameOf(index, new Groups(data, own, shared)));
}

/** Attributes of one frame: in its own functional group, in the shared one, or, in classic images, beside the pixels. */
class Groups {
  readonly data: Dataset;
  readonly isEnhanced: boolean;
  private readonly own: Dataset | undefined;
  private readonly shared: Dataset | undefined;

  constructor(data: Dataset, own: Dataset | undefined, shared: Dataset | undefined) {
    this.data = data;
    this.own = own;
    this.shared = shared;
    this.isEnhanced = own !== undefined || shared !== undefined;
  }

  macro(sequence: Keyword): Dataset | undefined {
    if (!this.isEnhanced) return this.data;
    return this.own?.item(sequence) ?? this.shared?.item(sequence);
  }
}

function frameOf(index: number, groups: Groups): FrameHeader {
  const measures = groups.macro('PixelMeasuresSequence');
  return {
    index,
    place: placeOf(groups, measures),
    transform: transformOf(groups),
    thicknessMm: measures && optionalNumber(measures, 'SliceThickness'),
    kernel: groups.macro('CTReconstructionSequence')?.texts('ConvolutionKernel').join('\\') ?? '',
    traits: traitsOf(groups),
  };
}

/** @throws ImagingError `imaging.dicom-attribute-invalid` for an orientation or spacing that cannot be. */
function placeOf(groups: Groups, measures: Dataset | undefined): FramePlace | undefined {
  const position = groups.macro('PlanePositionSequence')?.numbers('ImagePositionPatient');
  const orientation = groups.macro('PlaneOrientationSequence')?.numbers('ImageOrientationPatient');
  const spacing = measures?.numbers('PixelSpacing');
  if (position === undefined || orientation === undefined || spacing === undefined) return undefined;
  const rowAxis = orientation.slice(0, 3) as unknown as Triple;
  const columnAxis = orientation.slice(3, 6) as unknown as Triple;
  const counts = position.length === 3 && orientation.length === 6 && spacing.length === 2;
  const isUnit = counts && [rowAxis, columnAxis].every((axis) => Math.abs(norm(axis) - 1) < 1e-3);
  if (!isUnit || Math.abs(dot(rowAxis, columnAxis)) > 1e-3 || !spacing.every((part) => part > 0)) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'position, orientation or pixel spacing is not possible');
  }
  return {
    positionMm: position as unknown as Triple,
    rowAxis: scaled(rowAxis, 1 / norm(rowAxis)),
    columnAxis: scaled(columnAxis, 1 / norm(columnAxis)),
    pixelSpacingMm: spacing as unknown as readonly [number, number],
  };
}

function transformOf(groups: Groups): ModalityTransform {
  const table = groups.data.item('ModalityLUTSequence');
  const source = groups.macro('PixelValueTransformationSequence');
  const slope = source?.number('RescaleSlope');
  const intercept = source?.number('RescaleIntercept');
  if (slope === undefined && intercept === undefined && table !== undefined) return tableOf(table, groups.data);
  if (slope === 0) throw new ImagingError('imaging.dicom-attribute-invalid', 'the rescale slope is zero');
  return {
    kind: 'rescale',
    slope: slope ?? 1,
    intercept: intercept ?? 0,
    isStated: slope !== undefined && intercept !== undefined,
  };
}

/** PS3.3 C.11.1.1: number of entries (0 means 65536), first stored value, bits of an entry. */
function tableOf(item: Dataset, data: Dataset): ModalityTransform {
  const [entries, first] = item.requiredNumbers('LUTDescriptor', 3) as [number, number, number];
  const values = item.numbers('LUTData') ?? [];
  const signed = data.number('PixelRepresentation') === 1;
  if (values.length < (entries || 65_536)) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'a look-up table is shorter than it says');
  }
  return { kind: 'table', first: signed && first > 32_767 ? first - 65_536 : first, values };
}

function traitsOf(groups: Groups): FrameHeader['traits'] {
  const { data } = groups;
  const content = groups.macro('FrameContentSequence');
  const text = (dataset: Dataset | undefined, keyword: Keyword): string => dataset?.texts(keyword).join('\\') ?? '';
  const traits: Partial<Record<SplitAttribute, string>> = {
    stack: text(content, 'StackID'),
    acquisition: text(content, groups.isEnhanced ? 'FrameAcquisitionNumber' : 'AcquisitionNumber'),
    'temporal-position': numberText(
      content,
      groups.isEnhanced ? 'TemporalPositionIndex' : 'TemporalPositionIdentifier',
    ),
    'image-type': groups.isEnhanced ? frameTypeOf(groups) : text(data, 'ImageType'),
    echo: groups.isEnhanced
      ? numberText(groups.macro('MREchoSequence'), 'EffectiveEchoTime')
      : `${text(data, 'EchoNumbers')} ${text(data, 'EchoTime')}`,
    'b-value': numberText(groups.macro('MRDiffusionSequence'), 'DiffusionBValue'),
    'trigger-time': text(data, 'TriggerTime'),
    kernel: text(groups.macro('CTReconstructionSequence'), 'ConvolutionKernel'),
    'acquisition-time': text(content, groups.isEnhanced ? 'FrameAcquisitionDateTime' : 'AcquisitionTime'),
    'content-time': groups.isEnhanced ? '' : text(data, 'ContentTime'),
    dimension: groups.isEnhanced ? dimensionOf(data, content) : '',
  };
  return traits;
}

function frameTypeOf(groups: Groups): string {
  const sequences = ['MRImageFrameTypeSequence', 'CTImageFrameTypeSequence', 'PETFrameTypeSequence'] as const;
  return sequences.flatMap((sequence) => groups.macro(sequence)?.texts('FrameType') ?? []).join('\\');
}

/** The frame's indices in the dimensions that are not its place (PS3.3 C.7.6.17). */
function dimensionOf(data: Dataset, content: Dataset | undefined): string {
  const values = content?.numbers('DimensionIndexValues') ?? [];
  const pointers = data.items('DimensionIndexSequence').map((item) => item.bytes('DimensionIndexPointer'));
  return values.filter((_, index) => !isPlacePointer(pointers[index])).join(' ');
}

/** In-Stack Position Number (0020,9057), Image Position (0020,0032), Slice Location (0020,1041), in either byte order. */
function isPlacePointer(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined || bytes.length < 4) return false;
  const element = bytes[0] === 0x20 ? bytes[2]! | (bytes[3]! << 8) : (bytes[2]! << 8) | bytes[3]!;
  return (bytes[0] === 0x20 || bytes[1] === 0x20) && [0x9057, 0x0032, 0x1041, 0x9113].includes(element);
}

function paddingOf(data: Dataset, format: PixelFormat): readonly [number, number] | undefined {
  const value = data.number('PixelPaddingValue');
  if (value === undefined) return undefined;
  const limit = data.number('PixelPaddingRangeLimit') ?? value;
  const top = 2 ** (format.bitsAllocated - 1);
  const signed = (word: number): number => (format.signed && word >= top ? word - 2 * top : word);
  return [Math.min(signed(value), signed(limit)), Math.max(signed(value), signed(limit))];
}

/** Along which slices are stacked: the rows' axis cross the columns', of length 1. */
export function normalOf({ rowAxis, columnAxis }: FramePlace): Triple {
  const normal = cross(rowAxis, columnAxis);
  return scaled(normal, 1 / norm(normal));
}

function numberText(data: Dataset | undefined, keyword: Keyword): string {
  return (data?.numbers(keyword) ?? []).join('\\');
}

/** Of what is only for information: something that is no number is as if it were absent. */
function optionalNumber(data: Dataset, keyword: Keyword): number | undefined {
  try {
    return data.number(keyword);
  } catch {
    return undefined;
  }
}
