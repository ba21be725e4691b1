/** Everything about a series that takes long: reading its volume and its segmentations. A function of the files alone. */
import { ImagingError } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import { ContentDirectory } from '../store/content-directory.ts';
import type { LabelFormat } from '../store/label-store.ts';
import { describeLabel, type LabelDescription } from './label-description.ts';
import { describeSeries, type SeriesDescription, type SeriesFiles, type VolumeFinding } from './series-description.ts';

export interface SeriesWork extends SeriesFiles {
  readonly labels: readonly LabelFile[];
}

interface LabelFile {
  /** The content directory it lies in. */
  readonly directory: string;
  readonly sha256: string;
  readonly format: LabelFormat;
  /** Of the segments' numbers, for formats that state none. */
  readonly names: Readonly<Record<string, string>>;
}

export type SeenSeries =
  | {
      readonly kind: 'volume';
      readonly description: SeriesDescription;
      /** In the order of the files; undefined if one cannot be read. */
      readonly labels: readonly (LabelDescription | undefined)[];
    }
  /** Reports, plans, segmentations: nothing to be read as a volume, and nothing wrong. */
  | { readonly kind: 'no-volume' }
  | { readonly kind: 'unreadable'; readonly finding: VolumeFinding };

/** Never rejects: a series that cannot be looked at must not keep the others waiting. */
export async function lookAt({ labels, ...files }: SeriesWork): Promise<SeenSeries> {
  try {
    const described = await describeSeries(files);
    if (described.kind !== 'volume') return described;
    const { description, image } = described;
    const seen: (LabelDescription | undefined)[] = [];
    for (const { directory, sha256, format, names } of labels) {
      const read = ContentDirectory.at(directory).get(sha256);
      seen.push(await read.then((bytes) => describeLabel({ bytes, format, names }, image)).catch(ofFile));
    }
    return { kind: 'volume', description, labels: seen };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { kind: 'unreadable', finding: isMissing ? missing : failed };
  }
}

/** What is the fault of a label's file. */
function ofFile(error: unknown): undefined {
  if (error instanceof ImagingError || error instanceof ArchiveError) return undefined;
  throw error;
}

const missing: VolumeFinding = {
  code: 'archive.instance-damaged',
  severity: 'failed',
  message: 'A stored file of it is missing.',
};

const failed: VolumeFinding = {
  code: 'archive.description-failed',
  severity: 'failed',
  message: 'Looking at it failed by a fault of ours.',
};
