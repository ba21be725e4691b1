/** Reads a case's files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileSource } from '@consilium/archive';
import {
  decodeNifti,
  type Image,
  type Keyword,
  type LabelMap,
  parsePart10,
  readDicomSegmentation,
  readDicomSeries,
  toLabelMap,
} from '@consilium/imaging';
import type { Case, CaseSource } from '@consilium/training';
import type { CaseFiles, FoundCase, ImageFiles, SegmentationFile } from './found-case.ts';
import { classesOfNames, classesOfSegments } from './segment-class.ts';
import { SiteError } from './site-error.ts';

/** Which label it is: its file's SHA-256 and, of one that was drawn in a reading room, the version that was approved there. */
export interface LabelName {
  readonly label: string;
  readonly version?: string;
}

export interface NamedSource extends CaseSource {
  /** Of the label, as it is on the disk. @throws SiteError `site.label-missing`, and what reading the file throws */
  labelName(): Promise<LabelName>;
}

async function labelNameOf({ files, name }: FoundCase): Promise<LabelName> {
  if (files.kind === 'unlabelled') throw labelMissing(name);
  const bytes = await readFile(files.label.path);
  const label = createHash('sha256').update(bytes).digest('hex');
  // The reading room writes the version there.
  const said =
    files.label.format === 'dicom-seg'
      ? parsePart10(bytes).data.text('ContentDescription' satisfies Keyword)
      : undefined;
  return said !== undefined && /^[0-9a-f]{64}$/.test(said) ? { label, version: said } : { label };
}

/**
 * A found case, read when it is needed. Its hash covers every byte of its files and what is said of the numbers of its
 * segmentation, so that what has changed is prepared anew;
 * of a file that cannot be read the hash covers nothing, and `load` says why.
 */
export function caseSource(found: FoundCase): NamedSource {
  const { files, name, phase } = found;
  let hashed: Promise<string> | undefined;
  return {
    id: name,
    ...(phase === undefined ? {} : { phase }),
    contentSha256: () => {
      hashed ??= hashOf(files);
      return hashed;
    },
    labelName: () => labelNameOf(found),
    load: async () => ({ ...(await readCase(name, files)), ...(phase === undefined ? {} : { phase }) }),
  };
}

async function hashOf(files: CaseFiles): Promise<string> {
  const hash = createHash('sha256');
  for (const path of pathsOf(files)) hash.update(await readFile(path).catch(() => new Uint8Array()));
  const names = files.kind === 'labelled' ? files.label.segmentNames : undefined;
  if (names !== undefined) hash.update(JSON.stringify(names));
  return hash.digest('hex');
}

function pathsOf(files: CaseFiles): string[] {
  if (files.kind === 'unlabelled') return [];
  const images = files.image.kind === 'dicom' ? files.image.slices : [files.image.path];
  return [...images, files.label.path, ...(files.reference === undefined ? [] : [files.reference.path])];
}

/** @throws SiteError, ImagingError: the case cannot be used. */
async function readCase(id: string, files: CaseFiles): Promise<Case> {
  if (files.kind === 'unlabelled') throw labelMissing(id);
  const image = await readImage(files.image);
  const label = await readSegmentation(files.label, image);
  if (files.reference === undefined) return { id, image, label };
  return { id, image, label, reference: await readSegmentation(files.reference, image) };
}

async function readImage(files: ImageFiles): Promise<Image> {
  if (files.kind === 'nifti') return readNifti(files.path, asImage);
  const slices = await Promise.all(files.slices.map((path) => readable(path, fileSource)));
  const { image } = await naming(dirname(files.slices[0]!), () => readDicomSeries(slices));
  return image;
}

async function readNifti<T>(path: string, use: (volume: ReturnType<typeof decodeNifti>) => T): Promise<T> {
  return naming(path, async () => use(decodeNifti(await readBytes(path))));
}

async function readSegmentation(
  { format, path, segmentNames }: SegmentationFile,
  { geometry }: Image,
): Promise<LabelMap> {
  if (format === 'nifti') {
    const labels = await readNifti(path, toLabelMap);
    return segmentNames === undefined ? labels : classesOfNames(labels, segmentNames);
  }
  const bytes = await readBytes(path);
  return naming(path, async () => {
    const { labels, segments } = await readDicomSegmentation(bytes, geometry);
    return classesOfSegments(labels, segments);
  });
}

/** An image of bytes becomes one of 16 bits; the values stay. */
function asImage({ geometry, voxels }: ReturnType<typeof decodeNifti>): Image {
  return { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
}

const readBytes = (path: string): Promise<Uint8Array> => readable(path, () => readFile(path));

/** @throws SiteError `site.case-unreadable` */
async function readable<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path);
  } catch (error) {
    throw new SiteError('site.case-unreadable', 'A file of a case cannot be read.', {
      detail: `${path}: ${(error as Error).message}`,
    });
  }
}

/** Notes the file in the error's local detail, so that the site's log names it. */
async function naming<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error) error.cause = new Error(`in ${path}`, { cause: error.cause });
    throw error;
  }
}

function labelMissing(detail: string): SiteError {
  return new SiteError('site.label-missing', 'A case has an image but no segmentation beside it.', { detail });
}
