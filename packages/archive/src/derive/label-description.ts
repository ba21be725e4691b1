/** What a segmentation shows on the grid of a series. */
import {
  decodeNifti,
  type Geometry,
  type Image,
  type LabelMap,
  readDicomSegmentation,
  sameGrid,
  toLabelMap,
} from '@consilium/imaging';
import type { LabelFormat, LabelProvenance, LabelSegment } from '../store/label-store.ts';

export interface LabelDescription {
  readonly segments: readonly LabelSegment[];
  readonly isOnGrid: boolean;
  readonly volumeMl: number;
  readonly tumourMl: number;
  /** Of a DICOM SEG: who or what drew it. */
  readonly drawnBy: Pick<LabelProvenance, 'kind' | 'algorithm'> | undefined;
  /** Median of the kidneys' voxels without masses; undefined where none are named or the grids differ. */
  readonly kidneyHu: number | undefined;
}

/** A tolerance for headers that state fewer digits. */
const gridToleranceMm = 0.05;
const kidneyName = /kidney|renal parenchyma|niere|rein/i;
const massName = /tumou?r|neoplasm|mass|lesion|carcinoma|cancer|\brcc\b|cyst/i;
const tumourName = /tumou?r|neoplasm|mass|lesion|carcinoma|cancer|\brcc\b/i;

/**
 * @param names of the segments' numbers, for formats that state none.
 * @throws ImagingError `imaging.segmentation-*`, `imaging.nifti-*`, `imaging.label-not-a-class` and others
 */
export async function describeLabel(
  file: { readonly bytes: Uint8Array; readonly format: LabelFormat; readonly names: Readonly<Record<string, string>> },
  image: Image,
): Promise<LabelDescription> {
  const read =
    file.format === 'dicom-seg' ? await readSeg(file.bytes, image.geometry) : readNifti(file, image.geometry);
  const counts = new Float64Array(256);
  for (const value of read.labels.voxels) counts[value]!++;
  const voxelMl = read.labels.geometry.spacingMm.reduce((product, mm) => product * mm, 1) / 1000;
  const segments = [...counts.entries()].flatMap(([number, count]): LabelSegment[] => {
    const name = read.nameOf(number);
    if (number === 0 || (count === 0 && name === undefined)) return [];
    return [{ number, name: name ?? `segment ${number}`, volumeMl: count * voxelMl }];
  });
  const sum = (some: readonly LabelSegment[]): number => some.reduce((total, { volumeMl }) => total + volumeMl, 0);
  return {
    segments,
    isOnGrid: read.isOnGrid,
    volumeMl: sum(segments),
    tumourMl: sum(segments.filter(({ name }) => tumourName.test(name))),
    drawnBy: read.drawnBy,
    kidneyHu: read.isOnGrid ? kidneyHuOf(image, read.labels, segments) : undefined,
  };
}

interface ReadLabel {
  readonly labels: LabelMap;
  readonly isOnGrid: boolean;
  readonly nameOf: (number: number) => string | undefined;
  readonly drawnBy: LabelDescription['drawnBy'];
}

/** A segmentation whose frames leave empty slices out lies on the grid all the same. */
async function readSeg(bytes: Uint8Array, geometry: Geometry): Promise<ReadLabel> {
  const { labels, segments, outsidePixels } = await readDicomSegmentation(bytes, geometry);
  const names = new Map(segments.map(({ number, label }) => [number, label]));
  const first = segments[0];
  const kinds = { MANUAL: 'manual', SEMIAUTOMATIC: 'semiautomatic', AUTOMATIC: 'automatic' } as const;
  return {
    labels,
    isOnGrid: outsidePixels === 0,
    nameOf: (number) => names.get(number),
    drawnBy: first && { kind: kinds[first.algorithmType], algorithm: first.algorithmName },
  };
}

function readNifti(
  { bytes, names }: { bytes: Uint8Array; names: Readonly<Record<string, string>> },
  geometry: Geometry,
): ReadLabel {
  const labels = toLabelMap(decodeNifti(bytes));
  return {
    labels,
    isOnGrid: sameGrid(labels.geometry, geometry, gridToleranceMm),
    nameOf: (number) => names[String(number)],
    drawnBy: undefined,
  };
}

function kidneyHuOf(image: Image, labels: LabelMap, segments: readonly LabelSegment[]): number | undefined {
  const kidneys = new Set(
    segments.filter(({ name }) => kidneyName.test(name) && !massName.test(name)).map(({ number }) => number),
  );
  // HU are whole numbers nearly always: a histogram gives the median without sorting.
  const histogram = new Uint32Array(4096);
  let count = 0;
  for (const [at, value] of labels.voxels.entries()) {
    if (!kidneys.has(value)) continue;
    histogram[Math.max(0, Math.min(4095, Math.round(image.voxels[at]!) + 1024))]!++;
    count++;
  }
  if (count === 0) return undefined;
  let below = 0;
  const bin = histogram.findIndex((inBin) => {
    below += inBin;
    return below * 2 >= count;
  });
  return bin - 1024;
}
