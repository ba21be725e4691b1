/** A label map to a DICOM Segmentation of type BINARY (PS3.3 A.51): one bit a pixel, empty frames left out. */
import { checkVolume, sameGrid, worldOf } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { LabelMap } from '../volume.ts';
import { dictionary, sopClasses } from './dictionary.ts';
import { type DicomRecord, decimal, decimals, encodePart10 } from './encode.ts';
import { type CodedConcept, codeItem, type SegmentInfo, segmentItem } from './segments.ts';
import type { SeriesInfo } from './series-info.ts';
import { patientAttributes, studyAttributes } from './write-ct-series.ts';

export interface SegmentationMeta {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly seriesNumber?: number;
  readonly seriesDescription?: string;
  /** Capitals, digits, space and underscore. */
  readonly contentLabel?: string;
  readonly contentDescription?: string;
  /** Who or what drew it. */
  readonly contentCreator?: string;
  /** YYYYMMDD. */
  readonly contentDate: string;
  /** HHMMSS. */
  readonly contentTime: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly softwareVersion?: string;
}

interface Frame {
  readonly segment: number;
  readonly z: number;
}

/**
 * @param labels on the grid of `reference`.
 * @param segments numbered 1, 2, ... without gaps; every label but 0 must be one of them.
 * @throws ImagingError `imaging.grid-mismatch`, `imaging.segments-invalid`
 */
export function writeDicomSegmentation(
  labels: LabelMap,
  segments: readonly SegmentInfo[],
  reference: SeriesInfo,
  meta: SegmentationMeta,
): Uint8Array {
  checkVolume(labels);
  if (!sameGrid(labels.geometry, reference.geometry) || reference.instances.length !== labels.geometry.size[0]) {
    throw new ImagingError('imaging.grid-mismatch', 'the labels do not lie on the grid of the series they belong to');
  }
  checkSegments(segments, labels);
  const frames = framesOf(labels, segments);
  return encodePart10({
    ...patientAttributes(reference.patient),
    ...studyAttributes(reference.study),
    ...seriesAttributes(reference, meta),
    ...imageAttributes(labels, meta),
    NumberOfFrames: frames.length,
    SegmentSequence: segments.map(segmentItem),
    ...dimensionAttributes(meta),
    ReferencedSeriesSequence: [
      {
        SeriesInstanceUID: reference.instanceUid,
        ReferencedInstanceSequence: reference.instances.map(referenceItem),
      },
    ],
    SharedFunctionalGroupsSequence: [sharedGroups(labels)],
    PerFrameFunctionalGroupsSequence: frames.map((frame) => frameGroups(frame, labels, reference)),
    PixelData: packedBits(labels, frames),
  });
}

function checkSegments(segments: readonly SegmentInfo[], labels: LabelMap): void {
  const consecutive = segments.length > 0 && segments.every(({ number }, index) => number === index + 1);
  if (!consecutive || segments.length > 255) {
    throw new ImagingError('imaging.segments-invalid', 'segments must be numbered 1, 2, ... without gaps');
  }
  if (segments.some(({ algorithmType, algorithmName }) => algorithmType !== 'MANUAL' && !algorithmName)) {
    throw new ImagingError('imaging.segments-invalid', 'a segment that is not manual must name its algorithm');
  }
  if (labels.voxels.some((value) => value > segments.length)) {
    throw new ImagingError('imaging.segments-invalid', 'a label has no segment that says what it is');
  }
}

/** Segment by segment, slice by slice, those with any pixel; one empty frame if there is none at all. */
function framesOf({ geometry, voxels }: LabelMap, segments: readonly SegmentInfo[]): readonly Frame[] {
  const pixels = geometry.size[1] * geometry.size[2];
  const present = Array.from({ length: geometry.size[0] }, (_, z) => {
    const seen = new Uint8Array(256);
    for (let at = z * pixels; at < (z + 1) * pixels; at++) seen[voxels[at]!] = 1;
    return seen;
  });
  const frames = segments.flatMap(({ number }) =>
    present.flatMap((seen, z) => (seen[number] === 1 ? [{ segment: number, z }] : [])),
  );
  return frames.length > 0 ? frames : [{ segment: 1, z: 0 }];
}

/** Frames follow each other without padding between them, the first pixel in the lowest bit (PS3.5 8.1.1). */
function packedBits({ geometry, voxels }: LabelMap, frames: readonly Frame[]): Uint8Array {
  const pixels = geometry.size[1] * geometry.size[2];
  const packed = new Uint8Array(Math.ceil((pixels * frames.length) / 8));
  let bit = 0;
  for (const { segment, z } of frames) {
    for (let at = z * pixels; at < (z + 1) * pixels; at++, bit++) {
      if (voxels[at] === segment) packed[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  return packed;
}

function seriesAttributes(reference: SeriesInfo, meta: SegmentationMeta): DicomRecord {
  return {
    SOPClassUID: sopClasses.segmentation,
    SOPInstanceUID: meta.sopInstanceUid,
    SyntheticData: reference.acquisition.isSynthetic ? 'YES' : undefined,
    Modality: 'SEG',
    SeriesInstanceUID: meta.seriesInstanceUid,
    SeriesNumber: meta.seriesNumber ?? 100,
    SeriesDescription: meta.seriesDescription,
    SeriesDate: meta.contentDate,
    SeriesTime: meta.contentTime,
    Manufacturer: meta.manufacturer ?? 'Consilium',
    ManufacturerModelName: meta.model ?? 'Consilium',
    DeviceSerialNumber: '0',
    SoftwareVersions: meta.softwareVersion ?? '0',
    FrameOfReferenceUID: reference.frameOfReferenceUid,
    PositionReferenceIndicator: '',
    PatientComments: reference.acquisition.comments,
  };
}

function imageAttributes({ geometry }: LabelMap, meta: SegmentationMeta): DicomRecord {
  return {
    ImageType: ['DERIVED', 'PRIMARY'],
    InstanceNumber: 1,
    ContentDate: meta.contentDate,
    ContentTime: meta.contentTime,
    ContentLabel: meta.contentLabel ?? 'SEGMENTATION',
    ContentDescription: meta.contentDescription ?? '',
    ContentCreatorName: meta.contentCreator ?? '',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: geometry.size[1],
    Columns: geometry.size[2],
    BitsAllocated: 1,
    BitsStored: 1,
    HighBit: 0,
    PixelRepresentation: 0,
    LossyImageCompression: '00',
    SegmentationType: 'BINARY',
    SegmentsOverlap: 'NO',
  };
}

/** Frames are indexed by segment and by position along the normal (PS3.3 C.7.6.17). */
function dimensionAttributes({ sopInstanceUid }: SegmentationMeta): DicomRecord {
  const organization = { DimensionOrganizationUID: `${sopInstanceUid}.1` };
  const index = (pointer: 'ReferencedSegmentNumber' | 'ImagePositionPatient'): DicomRecord => ({
    ...organization,
    DimensionIndexPointer: dictionary[pointer][0],
    FunctionalGroupPointer:
      dictionary[pointer === 'ReferencedSegmentNumber' ? 'SegmentIdentificationSequence' : 'PlanePositionSequence'][0],
    DimensionDescriptionLabel: pointer,
  });
  return {
    DimensionOrganizationSequence: [organization],
    DimensionIndexSequence: [index('ReferencedSegmentNumber'), index('ImagePositionPatient')],
  };
}

function sharedGroups({ geometry }: LabelMap): DicomRecord {
  const { axes, spacingMm } = geometry;
  return {
    PlaneOrientationSequence: [{ ImageOrientationPatient: decimals([...axes[2], ...axes[1]]) }],
    PixelMeasuresSequence: [
      {
        SliceThickness: decimal(spacingMm[0]),
        SpacingBetweenSlices: decimal(spacingMm[0]),
        PixelSpacing: decimals([spacingMm[1], spacingMm[2]]),
      },
    ],
  };
}

const derivedBySegmentation: CodedConcept = { value: '113076', scheme: 'DCM', meaning: 'Segmentation' };
const sourceOfDerivation: CodedConcept = {
  value: '121322',
  scheme: 'DCM',
  meaning: 'Source image for image processing operation',
};

function frameGroups({ segment, z }: Frame, { geometry }: LabelMap, reference: SeriesInfo): DicomRecord {
  return {
    FrameContentSequence: [{ DimensionIndexValues: [segment, z + 1] }],
    PlanePositionSequence: [{ ImagePositionPatient: decimals(worldOf(geometry, [z, 0, 0])) }],
    SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
    DerivationImageSequence: [
      {
        SourceImageSequence: [
          {
            ...referenceItem(reference.instances[z]!),
            PurposeOfReferenceCodeSequence: [codeItem(sourceOfDerivation)],
          },
        ],
        DerivationCodeSequence: [codeItem(derivedBySegmentation)],
      },
    ],
  };
}

function referenceItem({ sopClassUid, sopInstanceUid }: SeriesInfo['instances'][number]): DicomRecord {
  return { ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid };
}
