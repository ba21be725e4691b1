/**
 * The images of series, some slices at a time: of a DICOM series only the files of the slices that are asked for are read, so
 * that the first are there long before the last.
 */
import { readFile } from 'node:fs/promises';
import { type Catalogue, fileSource } from '@consilium/archive';
import {
  decodeNifti,
  type Geometry,
  type Image,
  type InstanceSource,
  loadVolume,
  readVolumes,
  type SeriesInfo,
} from '@consilium/imaging';
import { ReadingError } from '../reading-error.ts';

export interface SeriesVolume {
  readonly geometry: Geometry;
  /** Undefined for a series that came as NIfTI or NRRD. */
  readonly series: SeriesInfo | undefined;
  /** Voxels of slices `from` to `to` (outside), as int16: HU, or what the scanner stored. */
  slices(from: number, to: number): Promise<Int16Array>;
}

/** Series whose headers, or voxels where they came as one file, are kept at hand. */
const keptMax = 4;

export class SeriesVolumes {
  readonly #catalogue: Pick<Catalogue, 'filesOf'>;
  readonly #kept = new Map<string, Promise<SeriesVolume>>();

  constructor(catalogue: Pick<Catalogue, 'filesOf'>) {
    this.#catalogue = catalogue;
  }

  /** @throws ArchiveError `archive.series-unknown`; ReadingError `reading.series-unfit` if it is no single volume */
  open(seriesInstanceUid: string): Promise<SeriesVolume> {
    const kept = this.#kept.get(seriesInstanceUid);
    const volume = kept ?? this.#read(seriesInstanceUid);
    this.#kept.delete(seriesInstanceUid);
    this.#kept.set(seriesInstanceUid, volume);
    volume.catch(() => this.#kept.delete(seriesInstanceUid));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break;
      this.#kept.delete(oldest);
    }
    return volume;
  }

  async #read(seriesInstanceUid: string): Promise<SeriesVolume> {
    const { format, paths } = this.#catalogue.filesOf(seriesInstanceUid);
    return format === 'nifti' ? niftiVolume(await readFile(paths[0]!)) : dicomVolume(paths);
  }
}

async function dicomVolume(paths: readonly string[]): Promise<SeriesVolume> {
  const sources = await Promise.all(paths.map(fileSource));
  const { volumes } = await readVolumes(sources);
  const volume = volumes[0];
  if (volume === undefined || volumes.length > 1) {
    const message = 'The series is not one volume, so that labels would have no single grid to lie on.';
    throw new ReadingError('reading.series-unfit', message, { detail: `${volumes.length} volumes` });
  }
  return {
    geometry: volume.geometry,
    series: volume.series,
    slices: async (from, to) => {
      const wanted = [...new Set(volume.slices.slice(from, to).map(({ source }) => source))];
      const some = await imageOf(wanted.map((source) => sources[source]!));
      const isThese = some?.length === (to - from) * volume.geometry.size[1] * volume.geometry.size[2];
      // Frames of one file, and slices that are one volume only among the others.
      return int16Of(isThese ? some : part((await loadVolume(volume, sources)).image, from, to));
    },
  };
}

/** Undefined if the files alone are no single volume. */
async function imageOf(sources: readonly InstanceSource[]): Promise<Image['voxels'] | undefined> {
  const { volumes } = await readVolumes(sources);
  return volumes.length === 1 ? (await loadVolume(volumes[0]!, sources)).image.voxels : undefined;
}

function niftiVolume(bytes: Uint8Array): SeriesVolume {
  const { geometry, voxels } = decodeNifti(bytes);
  const image = { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
  return { geometry, series: undefined, slices: async (from, to) => int16Of(part(image, from, to)) };
}

function part({ geometry: { size }, voxels }: Image, from: number, to: number): Image['voxels'] {
  return voxels.subarray(from * size[1] * size[2], to * size[1] * size[2]);
}

function int16Of(voxels: Image['voxels']): Int16Array {
  if (voxels instanceof Int16Array) return voxels;
  return Int16Array.from(voxels, (value) => Math.max(-32_768, Math.min(32_767, Math.round(value))));
}
