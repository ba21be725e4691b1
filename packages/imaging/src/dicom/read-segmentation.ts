/**
 * A DICOM Segmentation (PS3.3 A.51: BINARY, FRACTIONAL or LABELMAP) onto a volume's grid.
 *
 * Frames may come in any order and empty ones may be missing. Where the frames' pixels lie on the grid's voxels they are
 * copied; otherwise the segmentation is put together on its own grid and resampled.
 */
import { add, cross, dot, geometryOfSteps, norm, scaled, subtract, voxelCount, voxelOf } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import { resampleLabels } from '../resample.ts';
import type { Geometry, LabelMap, Triple } from '../volume.ts';
import type { Dataset } from './dataset.ts';
import { sopClasses } from './dictionary.ts';
import { parsePart10 } from './part10.ts';
import type { PixelFormat } from './pixel-format.ts';
import { PixelDecoder, PixelReader } from './pixel-reader.ts';
import { type SegmentInfo, segmentOf } from './segments.ts';

export interface DicomSegmentation {
  /** Segment numbers on the grid asked for; where segments overlap, the highest number. */
  readonly labels: LabelMap;
  readonly segments: readonly SegmentInfo[];
  readonly type: SegmentationType;
  /** Pixels of the file that more than one segment claims. */
  readonly overlapPixels: number;
  /** Pixels of segments that lie outside the grid asked for and were lost (counted only where no resampling was needed). */
  readonly outsidePixels: number;
  readonly frameOfReferenceUid: string | undefined;
  readonly referencedSeriesUid: string | undefined;
}

export type SegmentationType = 'BINARY' | 'FRACTIONAL' | 'LABELMAP';

export interface ReadSegmentationOptions {
  /** Of a FRACTIONAL segmentation: the share of the largest possible value from which a pixel belongs. Default one half. */
  readonly fractionMin?: number;
  readonly decoder?: PixelDecoder;
}

/** Share of a voxel by which a frame's pixels may be off the grid's voxels. */
const offGridMax = 0.02;
/** Of a segmentation that has to be resampled. */
const gridVoxelsMax = 2 ** 28;

/**
 * @param onto the grid the labels are wanted on; undefined: the frames' own.
 * @throws ImagingError `imaging.segmentation-*`, `imaging.segments-invalid`, `imaging.dicom-*`, `imaging.pixels-*`,
 *   `imaging.transfer-syntax-unsupported`
 */
export async function readDicomSegmentation(
  bytes: Uint8Array,
  onto?: Geometry,
  options: ReadSegmentationOptions = {},
): Promise<DicomSegmentation> {
  const file = parsePart10(bytes);
  const { data } = file;
  const type = typeOf(data);
  const pixels = new PixelReader(file, options.decoder ?? sharedDecoder);
  const { format } = pixels;
  const bits = { BINARY: [1], FRACTIONAL: [8], LABELMAP: [8, 16] }[type];
  if (!bits.includes(format.bitsAllocated) || format.samplesPerPixel !== 1) {
    throw new ImagingError('imaging.segmentation-unsupported', 'the pixels do not fit the type of segmentation');
  }
  // A LABELMAP may describe its background as segment 0.
  const described = data.items('SegmentSequence').filter((item) => item.number('SegmentNumber') !== 0);
  const segments = described.map(segmentOf);
  const frames = framesOf(data, format, type);
  const fits = onto !== undefined && frames.every((frame) => isOnGrid(frame, format, onto));
  const canvas = new Canvas(fits ? onto : ownGrid(frames, format));
  const least = type === 'FRACTIONAL' ? fractionLimit(data, options.fractionMin ?? 0.5) : 1;
  for (const [index, frame] of frames.entries()) {
    const values = (await pixels.frame(index)).values as Uint8Array | Uint16Array;
    canvas.paint(frame, (at) => labelOf(values[at]!, frame.segment, least));
  }
  const painted: LabelMap = { geometry: canvas.grid, voxels: canvas.voxels };
  return {
    labels: fits || onto === undefined ? painted : resampleLabels(painted, onto),
    segments,
    type,
    overlapPixels: canvas.overlapPixels,
    outsidePixels: canvas.outsidePixels,
    frameOfReferenceUid: data.text('FrameOfReferenceUID'),
    referencedSeriesUid: data.item('ReferencedSeriesSequence')?.text('SeriesInstanceUID'),
  };
}

const sharedDecoder = new PixelDecoder();

function typeOf(data: Dataset): SegmentationType {
  const sopClass = data.text('SOPClassUID');
  if (sopClass !== sopClasses.segmentation && sopClass !== sopClasses.labelMapSegmentation) {
    throw new ImagingError('imaging.segmentation-unsupported', 'the file is not a DICOM Segmentation');
  }
  const type = data.requiredText('SegmentationType');
  if (type !== 'BINARY' && type !== 'FRACTIONAL' && type !== 'LABELMAP') {
    throw new ImagingError('imaging.segmentation-unsupported', 'the type of segmentation is not known');
  }
  return type;
}

/** The smallest stored value that counts; never 0, which means "not at all". */
function fractionLimit(data: Dataset, fractionMin: number): number {
  return Math.max(1, Math.ceil(fractionMin * (data.number('MaximumFractionalValue') ?? 255)));
}

/** @param segment the frame's, or undefined where the pixel names it. */
function labelOf(value: number, segment: number | undefined, least: number): number {
  if (segment !== undefined) return value >= least ? segment : 0;
  if (value > 255) throw new ImagingError('imaging.segments-invalid', 'a segment number is not 1 to 255');
  return value;
}

interface Frame {
  readonly rows: number;
  readonly columns: number;
  /** LPS mm of the first pixel's centre, and from pixel to pixel down a column and along a row. */
  readonly originMm: Triple;
  readonly downMm: Triple;
  readonly alongMm: Triple;
  /** Undefined in a LABELMAP, whose pixels name their segment. */
  readonly segment: number | undefined;
  readonly thicknessMm: number;
}

function framesOf(data: Dataset, format: PixelFormat, type: SegmentationType): readonly Frame[] {
  const shared = data.item('SharedFunctionalGroupsSequence');
  const perFrame = data.items('PerFrameFunctionalGroupsSequence');
  if (perFrame.length !== format.frames) {
    throw new ImagingError('imaging.dicom-attribute-invalid', 'the number of frames is not that of their descriptions');
  }
  return perFrame.map((own) => {
    const group = (keyword: Parameters<Dataset['item']>[0]): Dataset | undefined =>
      own.item(keyword) ?? shared?.item(keyword);
    const position = group('PlanePositionSequence');
    const orientation = group('PlaneOrientationSequence');
    const measures = group('PixelMeasuresSequence');
    if (position === undefined || orientation === undefined || measures === undefined) {
      throw new ImagingError(
        'imaging.segmentation-not-in-patient',
        'the frames do not say where in the patient they lie',
      );
    }
    const axes = orientation.requiredNumbers('ImageOrientationPatient', 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const [downMm, alongMm] = measures.requiredNumbers('PixelSpacing', 2) as [number, number];
    const spacing = measures.number('SpacingBetweenSlices') ?? 0;
    return {
      rows: format.rows,
      columns: format.columns,
      originMm: position.requiredTriple('ImagePositionPatient'),
      downMm: scaled([axes[3], axes[4], axes[5]], downMm),
      alongMm: scaled([axes[0], axes[1], axes[2]], alongMm),
      segment: type === 'LABELMAP' ? undefined : segmentNumberOf(group('SegmentIdentificationSequence')),
      thicknessMm: spacing > 0 ? spacing : (measures.number('SliceThickness') ?? 0),
    };
  });
}

function segmentNumberOf(identification: Dataset | undefined): number {
  const number = identification?.number('ReferencedSegmentNumber');
  if (number === undefined || !(number >= 1 && number <= 255)) {
    throw new ImagingError('imaging.segments-invalid', 'a segment number is not 1 to 255');
  }
  return number;
}

/** First pixel and steps of a frame in a grid's indices `[z, y, x]`. */
function indicesOf(frame: Frame, grid: Geometry): { start: Triple; down: Triple; along: Triple } {
  const start = voxelOf(grid, frame.originMm);
  const after = (step: Triple): Triple => subtract(voxelOf(grid, add(frame.originMm, step)), start);
  return { start, down: after(frame.downMm), along: after(frame.alongMm) };
}

/** Whether each pixel of the frame lies on a voxel, neighbours on neighbours. */
function isOnGrid(frame: Frame, format: PixelFormat, grid: Geometry): boolean {
  const { start, down, along } = indicesOf(frame, grid);
  const isWhole = (value: number, slack: number): boolean => Math.abs(value - Math.round(value)) <= slack;
  const isUnitStep = (step: Triple, count: number): boolean =>
    step.every((part) => isWhole(part, offGridMax / count)) &&
    step.reduce((sum, part) => sum + Math.abs(Math.round(part)), 0) === 1;
  return (
    start.every((part) => isWhole(part, offGridMax)) &&
    isUnitStep(down, format.rows) &&
    isUnitStep(along, format.columns)
  );
}

/** The grid of the frames themselves: their planes, at even spacing, those without a frame empty. */
function ownGrid(frames: readonly Frame[], format: PixelFormat): Geometry {
  const first = frames[0]!;
  const normal = unit(cross(first.alongMm, first.downMm));
  const height = (frame: Frame): number => dot(normal, frame.originMm);
  const stacked = frames.toSorted((a, b) => height(a) - height(b));
  const [lowest, highest] = [stacked[0]!, stacked.at(-1)!];
  const extentMm = height(highest) - height(lowest);
  const gaps = stacked.slice(1).map((frame, index) => height(frame) - height(stacked[index]!));
  const smallestMm = Math.min(Number.POSITIVE_INFINITY, ...gaps.filter((gap) => gap > 0.01));
  const spacingMm = smallestMm < Number.POSITIVE_INFINITY ? smallestMm : first.thicknessMm > 0 ? first.thicknessMm : 1;
  const planes = Math.round(extentMm / spacingMm) + 1;
  if (!(planes * format.rows * format.columns <= gridVoxelsMax)) throw unsupportedGrid();
  const step =
    planes > 1 ? scaled(subtract(highest.originMm, lowest.originMm), 1 / (planes - 1)) : scaled(normal, spacingMm);
  const grid = geometryOfSteps([planes, format.rows, format.columns], lowest.originMm, [
    step,
    first.downMm,
    first.alongMm,
  ]);
  if (!frames.every((frame) => isOnPlane(frame, grid))) throw unsupportedGrid();
  return grid;
}

function isOnPlane(frame: Frame, grid: Geometry): boolean {
  const { start, down, along } = indicesOf(frame, grid);
  const off = [start[0] - Math.round(start[0]), start[1], start[2]].map(Math.abs);
  const turn = Math.max(norm(subtract(down, [0, 1, 0])), norm(subtract(along, [0, 0, 1])));
  return Math.max(...off) <= 0.1 && turn <= 1e-3;
}

function unsupportedGrid(): ImagingError {
  return new ImagingError(
    'imaging.segmentation-grid-unsupported',
    'the frames of the segmentation are not parallel planes at an even spacing',
  );
}

/** The labels being put together. */
class Canvas {
  readonly voxels: Uint8Array;
  overlapPixels = 0;
  outsidePixels = 0;
  readonly grid: Geometry;

  constructor(grid: Geometry) {
    this.grid = grid;
    this.voxels = new Uint8Array(voxelCount(grid));
  }

  paint(frame: Frame, valueAt: (at: number) => number): void {
    const { start, down, along } = indicesOf(frame, this.grid);
    const [z0, y0, x0] = rounded(start);
    const [zDown, yDown, xDown] = rounded(down);
    const [zAlong, yAlong, xAlong] = rounded(along);
    const [depth, rows, columns] = this.grid.size;
    for (let row = 0, at = 0; row < frame.rows; row++) {
      for (let column = 0; column < frame.columns; column++, at++) {
        const value = valueAt(at);
        if (value === 0) continue;
        const z = z0 + row * zDown + column * zAlong;
        const y = y0 + row * yDown + column * yAlong;
        const x = x0 + row * xDown + column * xAlong;
        if (z < 0 || y < 0 || x < 0 || z >= depth || y >= rows || x >= columns) this.outsidePixels++;
        else this.set((z * rows + y) * columns + x, value);
      }
    }
  }

  private set(voxel: number, value: number): void {
    const before = this.voxels[voxel]!;
    if (before !== 0) this.overlapPixels++;
    if (value > before) this.voxels[voxel] = value;
  }
}

function rounded(index: Triple): Triple {
  return [Math.round(index[0]), Math.round(index[1]), Math.round(index[2])];
}

function unit(a: Triple): Triple {
  return scaled(a, 1 / norm(a));
}
