/** A case as whoever holds it hands it over, read when it is its turn; and what the numbers of its segmentation mean. */
import {
  decodeNifti,
  type Image,
  type InstanceSource,
  type LabelMap,
  readDicomSegmentation,
  readDicomSeries,
  type SeriesInfo,
  segmentNamed,
  toLabelMap,
} from '@consilium/imaging';
import type { ContrastPhase } from '@consilium/training';

interface DatasetLabel {
  readonly format: 'dicom-seg' | 'nifti';
  readonly source: InstanceSource;
  /** Number to name; of DICOM the file says it itself. */
  readonly segmentNames: Readonly<Record<string, string>>;
  readonly sha256: string;
  readonly kind: 'manual' | 'automatic' | 'semiautomatic' | 'unknown';
  /** The program that drew it, or helped. */
  readonly algorithm: string | undefined;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Name to millilitres. */
  readonly volumesMl: Readonly<Record<string, number>>;
}

export interface DatasetCase {
  /** The patient's pseudonym. */
  readonly patientId: string;
  readonly image:
    | { readonly kind: 'dicom'; readonly instances: readonly InstanceSource[] }
    | { readonly kind: 'nifti'; readonly source: InstanceSource };
  readonly label: DatasetLabel | undefined;
  readonly phase: ContrastPhase | undefined;
  /** Of the split, such as `train`. */
  readonly part: string | undefined;
  /** Voxel edges `[z, y, x]`, mm. */
  readonly spacingMm: readonly number[] | undefined;
}

export interface LoadedCase {
  readonly image: Image;
  readonly series: SeriesInfo | undefined;
  /** Numbers of the data set's classes; undefined without a label. */
  readonly labels: LabelMap | undefined;
}

/** Class number, from 1, to its name: the same for every case of the data set. */
export type ClassTable = readonly { readonly value: number; readonly name: string }[];

const knownTypes: Readonly<Record<string, string>> = {
  '64033007': 'kidney',
  '108369006': 'tumour',
  '367643001': 'cyst',
};

/** What a segment's name stands for: readers write it in many ways. */
function className(name: string): string {
  const { type } = segmentNamed(name, { number: 1, algorithmType: 'MANUAL' });
  return knownTypes[type.value] ?? name.trim().toLowerCase();
}

/** Kidney, tumour, cyst, then others in order of their names. */
export function classTable(cases: readonly DatasetCase[]): ClassTable {
  const names = new Set(cases.flatMap(({ label }) => Object.values(label?.segmentNames ?? {}).map(className)));
  const first = Object.values(knownTypes).filter((name) => names.has(name));
  const others = [...names].filter((name) => !first.includes(name)).sort();
  return [...first, ...others].map((name, index) => ({ value: index + 1, name }));
}

/** @throws ImagingError */
export async function loadCase({ image: files, label }: DatasetCase, classes: ClassTable): Promise<LoadedCase> {
  const { image, series } = await loadImage(files);
  if (label === undefined) return { image, series, labels: undefined };
  const bytes = await label.source.read();
  if (label.format === 'nifti') {
    const { voxels } = toLabelMap(decodeNifti(bytes));
    const labels = { geometry: image.geometry, voxels };
    return { image, series, labels: renumbered(labels, label.segmentNames, classes) };
  }
  const { labels, segments } = await readDicomSegmentation(bytes, image.geometry);
  const names = Object.fromEntries(segments.map(({ number, label: name }) => [String(number), name]));
  return { image, series, labels: renumbered(labels, names, classes) };
}

async function loadImage(files: DatasetCase['image']): Promise<Pick<LoadedCase, 'image' | 'series'>> {
  if (files.kind === 'dicom') return readDicomSeries(files.instances);
  const { geometry, voxels } = decodeNifti(await files.source.read());
  const image = { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
  return { image, series: undefined };
}

/** Numbers without a name become background. */
function renumbered(labels: LabelMap, names: Readonly<Record<string, string>>, classes: ClassTable): LabelMap {
  const values = new Uint8Array(256);
  for (const [number, name] of Object.entries(names)) {
    values[Number(number)] = classes.find((one) => one.name === className(name))?.value ?? 0;
  }
  return { geometry: labels.geometry, voxels: labels.voxels.map((number) => values[number]!) };
}
