/**
 * Segmentations out of the archive and in again, for programs in which people draw: on the grid of their series, as DICOM
 * SEG, NIfTI or NRRD. What comes in is put on the series' grid and kept as NIfTI, so that nothing of its header stays.
 */
import {
  decodeNifti,
  decodeNrrdSegmentation,
  encodeNifti,
  encodeNrrd,
  type Geometry,
  ImagingError,
  type LabelMap,
  readDicomSegmentation,
  readVolumes,
  resampleLabels,
  toLabelMap,
  uidOf,
  writeDicomSegmentation,
} from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import type { Catalogue, SeriesDetails } from '../catalogue.ts';
import { fileSource } from '../file-source.ts';
import type { ContentDirectory } from '../store/content-directory.ts';
import type { DrawnLabels } from '../store/drawn-labels.ts';
import type { Label, LabelProvenance } from '../store/label-store.ts';
import { placementOn } from './grid-placement.ts';
import { codedSegments } from './segment-codes.ts';

export interface LabelExchangeParts {
  readonly catalogue: Catalogue;
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  readonly drawn: DrawnLabels;
  /** What numbers mean that come without names. */
  readonly labelNames: Readonly<Record<string, string>>;
}

type ExchangeFormat = 'dicom-seg' | 'nifti' | 'nrrd';

export interface LabelFacts {
  readonly kind: LabelProvenance['kind'];
  /** The program that drew it, or helped. */
  readonly algorithm?: string | undefined;
  /** What numbers mean, of a file that does not say it. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

interface ReadLabels {
  readonly labels: LabelMap;
  /** Undefined: the file does not say. */
  readonly names: Readonly<Record<string, string>> | undefined;
  readonly drawnBy?: Pick<LabelProvenance, 'kind' | 'algorithm'>;
}

export class LabelExchange {
  readonly #parts: LabelExchangeParts;

  constructor(parts: LabelExchangeParts) {
    this.#parts = parts;
  }

  /**
   * The newest segmentation on a series' grid, or one by its number, as a file.
   * @throws ArchiveError `archive.series-unknown`, `archive.label-unknown`, `archive.series-not-dicom` (for `dicom-seg`),
   *   `archive.instance-damaged`
   */
  async export(
    seriesInstanceUid: string,
    { format, labelId }: { readonly format: ExchangeFormat; readonly labelId?: number | undefined },
  ): Promise<Uint8Array> {
    const series = this.#parts.catalogue.seriesDetails(seriesInstanceUid);
    const label = series.labels.find(({ id, isOnGrid }) => isOnGrid && (labelId === undefined || id === labelId));
    if (label === undefined || series.geometry === undefined) {
      throw new ArchiveError('archive.label-unknown', 'The series has no such segmentation on its grid.');
    }
    const kept = await (label.format === 'dicom-seg' ? this.#parts.instances : this.#parts.labels).get(label.sha256);
    if (format === 'dicom-seg' && label.format === 'dicom-seg') return kept;
    const labels = await onGrid(kept, label, series.geometry);
    if (format === 'nifti') return encodeNifti(labels);
    const { segments, ...coded } = codedSegments(labels, label);
    if (format === 'nrrd') {
      return encodeNrrd(coded.labels, { segments: segments.map((one) => ({ name: one.label, colour: undefined })) });
    }
    return this.#segmentation(series, label, { labels: coded.labels, segments });
  }

  /**
   * Takes in a segmentation of a series; the series is looked at again then.
   * @param bytes DICOM SEG, NIfTI or NRRD, on the series' voxels, whatever the order of its axes.
   * @throws ArchiveError `archive.series-unknown`, `archive.label-off-grid`, `archive.label-unreadable`,
   *   `archive.disk-full`, `archive.not-writable`
   */
  async import(seriesInstanceUid: string, bytes: Uint8Array, facts: LabelFacts): Promise<string> {
    const { geometry } = this.#parts.catalogue.seriesDetails(seriesInstanceUid);
    if (geometry === undefined) throw offGrid();
    const read = await this.#read(bytes, geometry);
    const names = read.names ?? facts.names ?? this.#parts.labelNames;
    const { kind, algorithm } = read.drawnBy ?? facts;
    return this.#parts.drawn.keepNifti(seriesInstanceUid, {
      bytes: encodeNifti(read.labels),
      provenance: { kind, algorithm, sopInstanceUid: undefined, segmentNames: names },
      // Counted when the series is looked at.
      segments: [],
    });
  }

  async #segmentation(
    series: SeriesDetails,
    label: Label,
    { labels, segments }: ReturnType<typeof codedSegments>,
  ): Promise<Uint8Array> {
    if (series.format !== 'dicom') {
      const message = 'The series did not come as DICOM: there is nothing that a DICOM segmentation could refer to.';
      throw new ArchiveError('archive.series-not-dicom', message);
    }
    const { paths } = this.#parts.catalogue.filesOf(series.seriesInstanceUid);
    const { volumes } = await readVolumes(await Promise.all(paths.map(fileSource)));
    const largest = volumes.toSorted((a, b) => b.slices.length - a.slices.length)[0];
    if (largest === undefined) throw offGrid();
    const made = new Date(label.createdMs).toISOString();
    return writeDicomSegmentation(labels, segments, largest.series, {
      seriesInstanceUid: uidOf('exported label series', series.seriesInstanceUid, label.sha256),
      sopInstanceUid: uidOf('exported label', series.seriesInstanceUid, label.sha256),
      contentDate: made.slice(0, 10).replaceAll('-', ''),
      contentTime: made.slice(11, 19).replaceAll(':', ''),
      seriesDescription: 'Segmentation',
    });
  }

  async #read(bytes: Uint8Array, geometry: Geometry): Promise<ReadLabels> {
    try {
      const read = await readLabels(bytes, geometry);
      return { ...read, labels: onto(read.labels, geometry) };
    } catch (error) {
      if (!(error instanceof ImagingError)) throw error;
      const message = 'The file cannot be read as a segmentation.';
      throw new ArchiveError('archive.label-unreadable', message, { detail: `${error.code}: ${error.message}` });
    }
  }
}

async function readLabels(bytes: Uint8Array, geometry: Geometry): Promise<ReadLabels> {
  const head = (start: number, end: number): string => Buffer.from(bytes.subarray(start, end)).toString('latin1');
  if (head(0, 4) === 'NRRD') {
    const { labels, segments } = decodeNrrdSegmentation(bytes);
    const isNamed = segments.some(({ name }) => name !== '');
    return { labels, names: isNamed ? namesOf(segments.map(({ name }, index) => [index + 1, name])) : undefined };
  }
  if (head(128, 132) !== 'DICM') return { labels: toLabelMap(decodeNifti(bytes)), names: undefined };
  const own = await readDicomSegmentation(bytes);
  if (placementOn(own.labels.geometry, geometry) === 'off') throw offGrid();
  const { labels, segments } = await readDicomSegmentation(bytes, geometry);
  const kinds = { MANUAL: 'manual', SEMIAUTOMATIC: 'semiautomatic', AUTOMATIC: 'automatic' } as const;
  const first = segments[0];
  return {
    labels,
    names: namesOf(segments.map(({ number, label }) => [number, label])),
    ...(first && { drawnBy: { kind: kinds[first.algorithmType], algorithm: first.algorithmName } }),
  };
}

/** In the order of the series' axes. */
function onto(labels: LabelMap, geometry: Geometry): LabelMap {
  if (placementOn(labels.geometry, geometry) !== 'same') throw offGrid();
  return resampleLabels(labels, geometry);
}

/** A segmentation of the archive that lies on the grid. */
async function onGrid(bytes: Uint8Array, { format }: Label, geometry: Geometry): Promise<LabelMap> {
  if (format === 'dicom-seg') return (await readDicomSegmentation(bytes, geometry)).labels;
  return { geometry, voxels: toLabelMap(decodeNifti(bytes)).voxels };
}

function namesOf(entries: readonly (readonly [number, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.map(([number, name]) => [String(number), name]));
}

function offGrid(): ArchiveError {
  const message =
    'The segmentation does not lie on the voxels of the series: it was drawn on another one, or resampled.';
  return new ArchiveError('archive.label-off-grid', message);
}
