/** What the volume of a series is: its grid, what was noticed while reading it, and what it can be recognised by. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  decodeNifti,
  type Geometry,
  type Image,
  ImagingError,
  loadVolume,
  type NoVolumeReason,
  readVolumes,
  type SeriesFinding,
} from '@consilium/imaging';
import { fileSource } from '../file-source.ts';
import type { Severity } from '../store/annotations.ts';
import { thumbnailOf } from './thumbnail.ts';
import { signatureOf, voxelBytes } from './volume-signature.ts';

export interface VolumeFinding {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
}

export interface SeriesDescription {
  readonly geometry: Geometry;
  /** From the first slice's outer face to the last's. */
  readonly coverageMm: number;
  readonly pixelDigest: string;
  readonly signature: Int16Array;
  readonly thumbnail: Uint8Array;
  readonly findings: readonly VolumeFinding[];
}

export type DescribedSeries =
  | { readonly kind: 'volume'; readonly image: Image; readonly description: SeriesDescription }
  /** Reports, plans, segmentations: nothing to be read as a volume, and nothing wrong. */
  | { readonly kind: 'no-volume' }
  | { readonly kind: 'unreadable'; readonly finding: VolumeFinding };

export interface SeriesFiles {
  readonly format: 'dicom' | 'file';
  readonly modality: string;
  readonly paths: readonly string[];
}

/** Never throws for what is the fault of the files. */
export async function describeSeries({ format, modality, paths }: SeriesFiles): Promise<DescribedSeries> {
  try {
    const read = format === 'dicom' ? await readDicom(paths) : await readNifti(paths[0]!);
    if (!('image' in read)) return read;
    const { image, findings } = read;
    const { geometry } = image;
    const { size, spacingMm } = geometry;
    const description: SeriesDescription = {
      geometry,
      coverageMm: size[0] * spacingMm[0],
      pixelDigest: createHash('sha256').update(size.join()).update(voxelBytes(image)).digest('hex'),
      signature: signatureOf(image),
      thumbnail: thumbnailOf(image, modality),
      findings,
    };
    return { kind: 'volume', image, description };
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
    return { kind: 'unreadable', finding: { code: error.code, severity: 'failed', message: error.message } };
  }
}

type ReadSeries =
  | { readonly image: Image; readonly findings: readonly VolumeFinding[] }
  | Exclude<DescribedSeries, { kind: 'volume' }>;

/** Of a series with several volumes the largest. */
async function readDicom(paths: readonly string[]): Promise<ReadSeries> {
  const sources = await Promise.all(paths.map(fileSource));
  const { volumes, others } = await readVolumes(sources);
  const largest = volumes.toSorted((a, b) => b.slices.length - a.slices.length)[0];
  if (largest === undefined) return withoutVolume(others.map(({ reason }) => reason));
  const { image, findings } = await loadVolume(largest, sources);
  const left = others.map(({ reason }) => reason.kind).filter((kind) => kind !== 'localizer');
  return {
    image,
    findings: [
      ...findings.map(findingOf),
      ...(volumes.length > 1 ? [several] : []),
      ...[...new Set(left)].map((kind) => reasonFinding(kind, 'warning')),
    ],
  };
}

function withoutVolume(reasons: readonly NoVolumeReason[]): ReadSeries {
  const harmless = ['not-an-image', 'segmentation'];
  const reason = reasons.find(({ kind }) => !harmless.includes(kind));
  if (reason === undefined) return { kind: 'no-volume' };
  if (reason.kind === 'unreadable' || reason.kind === 'pixels-not-read') throw reason.error;
  return { kind: 'unreadable', finding: reasonFinding(reason.kind, notImages.has(reason.kind) ? 'note' : 'failed') };
}

async function readNifti(path: string): Promise<ReadSeries> {
  const { geometry, voxels } = decodeNifti(await readFile(path));
  return {
    image: { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels },
    findings: [],
  };
}

/** Pictures beside the study rather than parts of it. */
const notImages: ReadonlySet<string> = new Set(['localizer', 'secondary-capture', 'screen-save', 'modality-not-read']);

const several: VolumeFinding = {
  code: 'volume.several',
  severity: 'failed',
  message: 'The series holds several volumes: which one a segmentation belongs to is not known.',
};

const notes: ReadonlySet<string> = new Set([
  'duplicate-left-out',
  'localizer-left-out',
  'others-left-out',
  'padding-replaced',
  'slices-overlap',
  'derived-image',
  'identifiers-missing',
]);

function findingOf({ kind }: SeriesFinding): VolumeFinding {
  const message = findingMessages[kind] ?? 'Something was noticed while the volume was read.';
  return { code: `volume.${kind}`, severity: notes.has(kind) ? 'note' : 'warning', message };
}

function reasonFinding(kind: NoVolumeReason['kind'], severity: Severity): VolumeFinding {
  return { code: `volume.${kind}`, severity, message: reasonMessages[kind] ?? 'Images of it make no volume.' };
}

const findingMessages: Readonly<Record<string, string>> = {
  'duplicate-left-out': 'The same slice was there more than once.',
  'localizer-left-out': 'A scout image was left out.',
  'others-left-out': 'Images that are no part of the volume were left out.',
  'gantry-tilt': 'The slices are sheared against each other: the gantry was tilted.',
  'spacing-uneven': 'The slices are not quite evenly spaced.',
  'slices-overlap': 'The slices are thicker than the distance between them.',
  'slices-apart': 'There are gaps between the slices.',
  'padding-replaced': 'Pixels outside the field of view became air.',
  'rescale-missing': 'Slope and intercept are not stated: the values may not be HU.',
  'rescale-varies': 'Each slice has its own slope.',
  'not-hounsfield': 'The values are stated to be something other than HU.',
  'single-slice': 'There is one slice only.',
  'series-split': 'Several volumes lie in one series.',
  'acquisition-varies': 'Kernel, tube voltage or thickness differ between slices.',
  'burned-in-annotation': 'The header says that text is burned into the pixels.',
  'lossy-compression': 'The pixels went through a lossy compression.',
  'identifiers-missing': 'UIDs are not stated.',
  'derived-image': 'It was computed from other images.',
};

const reasonMessages: Readonly<Record<string, string>> = {
  localizer: 'It is a scout image.',
  'secondary-capture': 'It is a picture of a screen or a scanned document.',
  'screen-save': 'It is a picture of a screen.',
  'modality-not-read': 'Its modality is not read as a volume.',
  colour: 'Its pixels are coloured.',
  'no-geometry': 'It does not state where in the patient its pixels lie.',
  'slices-missing': 'Slices are missing between the first and the last.',
  'spacing-uneven': 'The slices are not evenly spaced.',
  'slices-shifted': 'The slices are shifted against each other.',
  'positions-repeat': 'Different slices lie in the same place, and nothing tells which belong together.',
  'too-large': 'The volume has more voxels than are read.',
};
