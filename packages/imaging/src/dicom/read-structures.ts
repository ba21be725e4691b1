/** A DICOM RT Structure Set (PS3.3 A.19): regions as contours in the patient. */
import { ImagingError } from '../imaging-error.ts';
import type { Dataset } from './dataset.ts';
import { parsePart10 } from './part10.ts';

export interface Contour {
  /** CLOSED_PLANAR, or what cannot bound a region: POINT, OPEN_PLANAR, OPEN_NONPLANAR. */
  readonly kind: string;
  /** `[x, y, z]` after `[x, y, z]`, LPS mm. */
  readonly pointsMm: Float64Array;
}

export interface Structure {
  /** ROI Number. */
  readonly number: number;
  readonly name: string;
  /** RT ROI Interpreted Type, such as GTV or ORGAN; empty where it is not stated. */
  readonly type: string;
  readonly colour: readonly [red: number, green: number, blue: number] | undefined;
  readonly contours: readonly Contour[];
}

export interface StructureSet {
  readonly structures: readonly Structure[];
  readonly frameOfReferenceUid: string | undefined;
  readonly referencedSeriesUid: string | undefined;
}

const structureSetClass = '1.2.840.10008.5.1.4.1.1.481.3';
/** Numbers in all contours together. */
const coordinatesMax = 2 ** 26;

/** @throws ImagingError `imaging.structures-unsupported`, `imaging.dicom-*` */
export function readStructureSet(bytes: Uint8Array): StructureSet {
  const { data, meta } = parsePart10(bytes);
  const sopClass = data.text('SOPClassUID') ?? meta?.text('MediaStorageSOPClassUID');
  if (sopClass !== structureSetClass) {
    throw new ImagingError('imaging.structures-unsupported', 'the file is not an RT Structure Set');
  }
  const types = byNumber(data.items('RTROIObservationsSequence'), 'ReferencedROINumber');
  const drawn = byNumber(data.items('ROIContourSequence'), 'ReferencedROINumber');
  let left = coordinatesMax;
  const structures = data.items('StructureSetROISequence').map((item): Structure => {
    const number = item.requiredNumber('ROINumber');
    const contours = drawn.get(number);
    const colour = contours?.numbers('ROIDisplayColor');
    return {
      number,
      name: item.text('ROIName') ?? '',
      type: types.get(number)?.text('RTROIInterpretedType') ?? '',
      colour: colour?.length === 3 ? (colour as [number, number, number]) : undefined,
      contours: (contours?.items('ContourSequence') ?? []).map((contour) => {
        const found = contourOf(contour);
        left -= found.pointsMm.length;
        if (left < 0) throw new ImagingError('imaging.structures-unsupported', 'the contours have too many points');
        return found;
      }),
    };
  });
  const reference = data.item('ReferencedFrameOfReferenceSequence');
  const series = reference?.item('RTReferencedStudySequence')?.item('RTReferencedSeriesSequence');
  return {
    structures,
    frameOfReferenceUid: reference?.text('FrameOfReferenceUID') ?? data.text('FrameOfReferenceUID'),
    referencedSeriesUid: series?.text('SeriesInstanceUID'),
  };
}

function byNumber(items: readonly Dataset[], keyword: 'ReferencedROINumber'): ReadonlyMap<number, Dataset> {
  return new Map(
    items.flatMap((item) => {
      const number = item.number(keyword);
      return number === undefined ? [] : [[number, item] as const];
    }),
  );
}

function contourOf(item: Dataset): Contour {
  const numbers = item.numbers('ContourData') ?? [];
  if (numbers.length % 3 !== 0) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'the points of a contour are not triples');
  }
  return { kind: item.text('ContourGeometricType') ?? 'CLOSED_PLANAR', pointsMm: Float64Array.from(numbers) };
}
