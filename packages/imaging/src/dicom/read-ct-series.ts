/**
 * The instances of one CT series to one volume in HU.
 *
 * What makes a volume wrong in a way nobody would see is refused: slices missing, of another size or orientation, or
 * several volumes in one series. What is harmless or representable is done and reported as a finding.
 */
import { dot, geometryOfSteps, norm, scaled, subtract } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Geometry, Image, Triple } from '../volume.ts';
import { type CtSlice, largestPossibleHu, normalOf, parseCtSlice, writeHu } from './ct-slice.ts';
import { acquisitionOf, patientOf, type SeriesInfo, studyOf } from './series-info.ts';

export type SeriesFinding =
  /** A scout image was in the series and left out. */
  | { readonly kind: 'localizer-left-out'; readonly count: number }
  /** The same slice was there more than once. */
  | { readonly kind: 'duplicate-left-out'; readonly count: number }
  /** Slices are sheared against each other, and so is the geometry: resample onto `upright(geometry)`. */
  | { readonly kind: 'gantry-tilt'; readonly degrees: number }
  /** Slice positions are off an even spacing by at most this much. */
  | { readonly kind: 'spacing-uneven'; readonly deviationMm: number }
  /** Pixels outside the scanner's field of view became air. */
  | { readonly kind: 'padding-replaced'; readonly voxels: number }
  /** Rescale slope or intercept is not stated; stored values were taken for HU. */
  | { readonly kind: 'rescale-missing' }
  /** One slice only; the spacing between slices is its stated thickness, or 1 mm. */
  | { readonly kind: 'single-slice' };

export interface DicomSeries {
  readonly image: Image;
  readonly series: SeriesInfo;
  readonly findings: readonly SeriesFinding[];
}

/** Of the spacing between slices: a position may be off by so much. */
const unevenShareMax = 0.05;
/** Rounding of positions written with few digits. */
const positionRoundingMm = 0.01;

/**
 * @param files the bytes of each instance, in any order.
 * @throws ImagingError `imaging.series-*`, `imaging.dicom-*`, `imaging.transfer-syntax-unsupported`
 */
export function readDicomSeries(files: readonly Uint8Array[]): DicomSeries {
  const findings: SeriesFinding[] = [];
  const parsed = files.map(parseCtSlice);
  const slices = withoutDuplicates(sorted(withoutLocalizers(parsed, findings)), findings);
  const geometry = geometryOf(slices, findings);
  const image: Image = { geometry, voxels: huOf(slices, findings) };
  return { image, series: seriesInfoOf(slices, geometry), findings };
}

function withoutLocalizers(slices: readonly CtSlice[], findings: SeriesFinding[]): readonly CtSlice[] {
  const kept = slices.filter((slice) => !slice.isLocalizer);
  if (kept.length === 0) throw new ImagingError('imaging.series-empty', 'the series has no CT slice');
  if (kept.length < slices.length) findings.push({ kind: 'localizer-left-out', count: slices.length - kept.length });
  const first = kept[0]!;
  for (const slice of kept) {
    if (slice.seriesInstanceUid !== first.seriesInstanceUid) {
      throw new ImagingError('imaging.series-mixed', 'the files belong to more than one series');
    }
    const { rows, columns } = slice.format;
    const sameSize = rows === first.format.rows && columns === first.format.columns;
    const sameSpacing = [0, 1].every((axis) => near(slice.pixelSpacingMm[axis]!, first.pixelSpacingMm[axis]!, 1e-4));
    const turn = Math.max(
      norm(subtract(slice.rowAxis, first.rowAxis)),
      norm(subtract(slice.columnAxis, first.columnAxis)),
    );
    if (!sameSize || !sameSpacing || turn > 1e-3) {
      throw new ImagingError('imaging.series-slices-differ', 'the slices differ in size, spacing or orientation');
    }
  }
  return kept;
}

/** By position along the normal of the slices. */
function sorted(slices: readonly CtSlice[]): readonly CtSlice[] {
  const normal = normalOf(slices[0]!);
  return slices.toSorted((a, b) => dot(normal, a.positionMm) - dot(normal, b.positionMm));
}

function withoutDuplicates(slices: readonly CtSlice[], findings: SeriesFinding[]): readonly CtSlice[] {
  const normal = normalOf(slices[0]!);
  const kept: CtSlice[] = [];
  for (const slice of slices) {
    const last = kept.at(-1);
    if (last === undefined || dot(normal, subtract(slice.positionMm, last.positionMm)) > positionRoundingMm) {
      kept.push(slice);
    } else if (!samePixels(slice, last)) {
      throw new ImagingError('imaging.series-positions-repeat', 'two different slices lie at the same position');
    }
  }
  if (kept.length < slices.length) findings.push({ kind: 'duplicate-left-out', count: slices.length - kept.length });
  return kept;
}

function samePixels(a: CtSlice, b: CtSlice): boolean {
  if (norm(subtract(a.positionMm, b.positionMm)) > positionRoundingMm) return false;
  const [first, second] = [a, b].map((slice) => {
    const hu = new Float32Array(slice.format.rows * slice.format.columns);
    writeHu(slice, hu);
    return hu;
  }) as [Float32Array, Float32Array];
  return first.every((hu, at) => hu === second[at]);
}

function geometryOf(slices: readonly CtSlice[], findings: SeriesFinding[]): Geometry {
  const first = slices[0]!;
  const { rows, columns } = first.format;
  const normal = scaled(normalOf(first), 1 / norm(normalOf(first)));
  const size: Triple = [slices.length, rows, columns];
  const inPlane = [
    scaled(first.columnAxis, first.pixelSpacingMm[0]),
    scaled(first.rowAxis, first.pixelSpacingMm[1]),
  ] as const;
  if (slices.length === 1) {
    findings.push({ kind: 'single-slice' });
    const thicknessMm = first.file.data.number('SliceThickness') ?? 0;
    return geometryOfSteps(size, first.positionMm, [scaled(normal, thicknessMm > 0 ? thicknessMm : 1), ...inPlane]);
  }
  checkEvenSpacing(slices, findings);
  const step = scaled(subtract(slices.at(-1)!.positionMm, first.positionMm), 1 / (slices.length - 1));
  // Rounded positions must not make an upright stack look sheared.
  const sheared =
    norm(subtract(step, scaled(normal, dot(step, normal)))) * (slices.length - 1) > 2 * positionRoundingMm;
  if (sheared) {
    const degrees = (Math.acos(Math.min(1, dot(step, normal) / norm(step))) * 180) / Math.PI;
    findings.push({ kind: 'gantry-tilt', degrees });
  }
  const slice = sheared ? step : scaled(normal, dot(step, normal));
  return geometryOfSteps(size, first.positionMm, [slice, ...inPlane]);
}

/** Each position against the even spacing between the first and the last; gaps against the smallest. */
function checkEvenSpacing(slices: readonly CtSlice[], findings: SeriesFinding[]): void {
  const normal = normalOf(slices[0]!);
  const heights = slices.map(({ positionMm }) => dot(normal, positionMm));
  const gaps = heights.slice(1).map((height, index) => height - heights[index]!);
  const typical = gaps.toSorted((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)]!;
  const off = Math.max(...gaps.map((gap) => Math.abs(gap - typical)));
  if (off > Math.max(unevenShareMax * typical, 2 * positionRoundingMm)) {
    const unit = Math.min(...gaps);
    const whole = gaps.every((gap) => near(gap / unit, Math.round(gap / unit), unevenShareMax));
    throw whole
      ? new ImagingError('imaging.series-slices-missing', 'slices are missing between the first and the last', {
          detail: `after slices ${gaps.flatMap((gap, index) => (gap > 1.5 * unit ? [index + 1] : [])).join(', ')}`,
        })
      : new ImagingError('imaging.series-spacing-uneven', 'the slices are not evenly spaced');
  }
  const even = (heights.at(-1)! - heights[0]!) / gaps.length;
  const deviationMm = Math.max(...heights.map((height, index) => Math.abs(height - heights[0]! - index * even)));
  if (deviationMm > unevenShareMax * even + positionRoundingMm) {
    throw new ImagingError('imaging.series-spacing-uneven', 'the slices are not evenly spaced');
  }
  if (deviationMm > positionRoundingMm) findings.push({ kind: 'spacing-uneven', deviationMm });
}

function huOf(slices: readonly CtSlice[], findings: SeriesFinding[]): Float32Array | Int16Array {
  const { rows, columns } = slices[0]!.format;
  const whole = slices.every((slice) => {
    return Number.isInteger(slice.slope) && Number.isInteger(slice.intercept) && largestPossibleHu(slice) <= 32767;
  });
  // Every slice's pixels are in memory already, so this is at most a few times the input.
  const voxels = whole
    ? new Int16Array(slices.length * rows * columns)
    : new Float32Array(slices.length * rows * columns);
  let replaced = 0;
  for (const [z, slice] of slices.entries()) {
    replaced += writeHu(slice, voxels.subarray(z * rows * columns, (z + 1) * rows * columns));
  }
  if (replaced > 0) findings.push({ kind: 'padding-replaced', voxels: replaced });
  if (slices.some(({ hasRescale }) => !hasRescale)) findings.push({ kind: 'rescale-missing' });
  return voxels;
}

function seriesInfoOf(slices: readonly CtSlice[], geometry: Geometry): SeriesInfo {
  const { data } = slices[0]!.file;
  return {
    instanceUid: slices[0]!.seriesInstanceUid,
    number: data.number('SeriesNumber'),
    description: data.text('SeriesDescription') ?? '',
    modality: data.text('Modality') ?? '',
    frameOfReferenceUid: data.text('FrameOfReferenceUID') ?? '',
    patient: patientOf(data),
    study: studyOf(data),
    acquisition: acquisitionOf(data),
    geometry,
    instances: slices.map((slice) => ({
      sopClassUid: slice.file.data.requiredText('SOPClassUID'),
      sopInstanceUid: slice.sopInstanceUid,
    })),
  };
}

function near(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance;
}
