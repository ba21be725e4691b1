/**
 * The instances of one CT series to one volume in HU: `readVolumes` for those who have one series and need one volume, so
 * that whatever stands in the way of that is an error.
 */
import { ImagingError, type ImagingErrorCode } from '../imaging-error.ts';
import type { Image } from '../volume.ts';
import { type InstanceSource, inMemory } from './instance-source.ts';
import { type DicomVolumes, loadVolume, type NoVolume, type ReadVolumesOptions, readVolumes } from './read-volumes.ts';
import type { SeriesInfo } from './series-info.ts';
import type { NoVolumeReason, SeriesFinding } from './stack-finding.ts';

export interface DicomSeries {
  readonly image: Image;
  readonly series: SeriesInfo;
  readonly findings: readonly SeriesFinding[];
}

/**
 * @param files the bytes of each instance, or where to read them, in any order.
 * @throws ImagingError `imaging.series-*`, `imaging.dicom-*`, `imaging.pixels-*`, `imaging.transfer-syntax-unsupported`
 */
export async function readDicomSeries(
  files: readonly (Uint8Array | InstanceSource)[],
  options: ReadVolumesOptions = {},
): Promise<DicomSeries> {
  const sources = files.map((file) => (file instanceof Uint8Array ? inMemory(file) : file));
  const found = await readVolumes(sources, options);
  const volume = found.volumes[0];
  const obstacle = found.others.map(({ reason }) => errorOf(reason)).find((error) => error !== undefined);
  if (obstacle !== undefined) throw obstacle;
  checkOneSeries(found);
  if (volume === undefined) throw new ImagingError('imaging.series-empty', 'the series has no CT slice');
  if (volume.series.modality !== 'CT') throw new ImagingError('imaging.dicom-not-ct', 'the series is not a CT');
  if (found.volumes.length > 1) throw severalVolumes(found);
  const { image, series, findings } = await loadVolume(volume, sources, options);
  return { image, series, findings: [...leftOut(found.others), ...findings] };
}

function checkOneSeries({ volumes, others }: DicomVolumes): void {
  const series = [...volumes.map((volume) => volume.series), ...others.flatMap((other) => other.series ?? [])];
  if (series.some(({ instanceUid }) => instanceUid !== series[0]!.instanceUid)) {
    throw new ImagingError('imaging.series-mixed', 'the files belong to more than one series');
  }
}

function severalVolumes({ volumes }: DicomVolumes): ImagingError {
  const isSplit = volumes.some(({ findings }) => findings.some(({ kind }) => kind === 'series-split'));
  return isSplit
    ? new ImagingError('imaging.series-positions-repeat', 'the series holds several volumes in one place')
    : new ImagingError('imaging.series-slices-differ', 'the slices differ in size, spacing or orientation');
}

function leftOut(others: readonly NoVolume[]): readonly SeriesFinding[] {
  const count = (isScout: boolean): number =>
    others
      .filter(({ reason }) => (reason.kind === 'localizer') === isScout)
      .reduce((sum, { sources }) => sum + sources.length, 0);
  return [
    ...(count(true) > 0 ? [{ kind: 'localizer-left-out', count: count(true) } as const] : []),
    ...(count(false) > 0 ? [{ kind: 'others-left-out', count: count(false) } as const] : []),
  ];
}

/** Undefined: may be left out of a CT series. */
function errorOf(reason: NoVolumeReason): ImagingError | undefined {
  const plain = plainErrors[reason.kind];
  if (plain !== undefined) return new ImagingError(...plain);
  switch (reason.kind) {
    case 'unreadable':
    case 'pixels-not-read':
      return reason.error;
    case 'slices-missing':
      return new ImagingError('imaging.series-slices-missing', 'slices are missing between the first and the last', {
        detail: `after slices ${reason.after.map((index) => index + 1).join(', ')}`,
      });
    default:
      return undefined;
  }
}

const plainErrors: Readonly<Partial<Record<NoVolumeReason['kind'], readonly [ImagingErrorCode, string]>>> = {
  'not-an-image': ['imaging.dicom-pixels-missing', 'a file of the series holds no pixels'],
  segmentation: ['imaging.dicom-not-ct', 'the series is not a CT'],
  'modality-not-read': ['imaging.dicom-not-ct', 'the series is not a CT'],
  colour: ['imaging.dicom-pixels-unsupported', 'the pixels are coloured'],
  'no-geometry': ['imaging.dicom-attribute-missing', 'the file does not state where in the patient its pixels lie'],
  'spacing-uneven': ['imaging.series-spacing-uneven', 'the slices are not evenly spaced'],
  'slices-shifted': ['imaging.series-spacing-uneven', 'the slices are shifted against each other'],
  'positions-repeat': ['imaging.series-positions-repeat', 'two different slices lie at the same position'],
  'too-large': ['imaging.volume-too-large', 'the series has more voxels than are read'],
};
