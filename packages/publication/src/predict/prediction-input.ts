/** What is segmented: the CT volume in a DICOM series or study, or a NIfTI image. */
import {
  type DicomVolume,
  decodeNifti,
  type Image,
  loadVolume,
  readVolumes,
  type SeriesInfo,
} from '@consilium/imaging';
import type { FileTree } from '../file-tree.ts';
import { PublicationError } from '../publication-error.ts';

export interface PredictionInput {
  readonly image: Image;
  /** Undefined for NIfTI: then there is nothing that a DICOM segmentation could refer to. */
  readonly series: SeriesInfo | undefined;
  /** CT volumes among the files. */
  readonly volumes: number;
  /** Kinds of what was noticed about the series. */
  readonly findings: readonly string[];
}

/**
 * The volume of most slices, unless a series is named.
 * @throws PublicationError `publication.input-not-found`, `publication.input-ambiguous`;
 *   ImagingError `imaging.nifti-*`, `imaging.dicom-*`
 */
export async function readPredictionInput(
  files: FileTree,
  {
    seriesInstanceUid,
    signal,
  }: { readonly seriesInstanceUid?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<PredictionInput> {
  const nifti = [...files].filter(([path]) => /\.nii(?:\.gz)?$/i.test(path));
  if (nifti.length > 1) {
    throw new PublicationError(
      'publication.input-ambiguous',
      'There are several NIfTI images in that place. Name one of them.',
    );
  }
  const [one] = nifti;
  if (one !== undefined) {
    const { geometry, voxels } = decodeNifti(await one[1].read());
    const image = { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
    return { image, series: undefined, volumes: 1, findings: [] };
  }
  const sources = [...files.values()];
  const options = signal === undefined ? {} : { signal };
  const { volumes } = await readVolumes(sources, options);
  const ct = volumes.filter(({ series }) => series.modality === 'CT');
  const chosen = largest(ct.filter(({ series }) => [undefined, series.instanceUid].includes(seriesInstanceUid)));
  if (chosen === undefined) {
    throw new PublicationError(
      'publication.input-not-found',
      'There is no CT volume among the files: neither a DICOM series whose slices fit together nor a NIfTI image.',
    );
  }
  const { image, series, findings } = await loadVolume(chosen, sources, options);
  return { image, series, volumes: ct.length, findings: findings.map(({ kind }) => kind) };
}

function largest(volumes: readonly DicomVolume[]): DicomVolume | undefined {
  return volumes.toSorted((one, other) => other.slices.length - one.slices.length)[0];
}
