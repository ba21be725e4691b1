/** A tiny made-up study as DICOM files, the same bytes every time; for tests and for `recording/`. */
import { axisAligned, voxelCount } from '../geometry.ts';
import type { Image, LabelMap } from '../volume.ts';
import { readDicomSeries } from './read-ct-series.ts';
import { renalSegments } from './segments.ts';
import { uidOf } from './uid.ts';
import { type CtSeriesMeta, writeDicomSeries } from './write-ct-series.ts';
import { writeDicomSegmentation } from './write-segmentation.ts';

const geometry = axisAligned({ size: [6, 7, 9], spacingMm: [2.5, 0.78125, 0.78125], originMm: [-20.5, 13.25, -301] });

export const exampleImage: Image = {
  geometry,
  voxels: Int16Array.from({ length: voxelCount(geometry) }, (_, at) => ((at * 7919) % 1500) - 900),
};

/** Slices 0, 4 and 5 are empty; no segment has a pixel in all others. */
export const exampleLabels: LabelMap = {
  geometry,
  voxels: Uint8Array.from({ length: voxelCount(geometry) }, (_, at) => {
    const z = Math.floor(at / 63);
    return z === 0 || z > 3 || at % 5 > 2 ? 0 : ((at * 31 + z) % z) + 1;
  }),
};

export const exampleMeta: CtSeriesMeta = {
  seriesInstanceUid: uidOf('example', 'series'),
  frameOfReferenceUid: uidOf('example', 'frame'),
  seriesDescription: 'Made up',
  patient: { id: 'EXAMPLE-1', name: 'Müller^Example', birthDate: '', sex: 'O' },
  study: {
    instanceUid: uidOf('example', 'study'),
    id: '1',
    date: '20260102',
    time: '030405',
    accessionNumber: '',
    referringPhysician: '',
    description: 'Made up',
  },
  acquisition: {
    manufacturer: 'Consilium',
    model: 'Example',
    kvp: 120,
    kernel: 'B30f',
    sliceThicknessMm: 2.5,
    contrastAgent: undefined,
    comments: 'SYNTHETIC',
  },
};

export async function exampleStudy(): Promise<{
  readonly ct: readonly Uint8Array[];
  readonly segmentation: Uint8Array;
}> {
  const ct = writeDicomSeries(exampleImage, exampleMeta);
  const segments = renalSegments({ algorithmType: 'AUTOMATIC', algorithmName: 'Example' });
  const segmentation = writeDicomSegmentation(exampleLabels, segments, (await readDicomSeries(ct)).series, {
    seriesInstanceUid: uidOf('example', 'segmentation series'),
    sopInstanceUid: uidOf('example', 'segmentation'),
    contentDate: '20260102',
    contentTime: '030405',
    contentCreator: 'Example^Reader',
  });
  return { ct, segmentation };
}
