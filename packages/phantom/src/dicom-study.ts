/**
 * A study as DICOM: a CT series and two segmentations of it, the site's and the true one. No real person, date or
 * machine is in it; Synthetic Data (0008,001C), descriptions and comments say that it is synthetic. UIDs follow from seed, site and number.
 */
import {
  type CtSeriesMeta,
  type LabelMap,
  renalSegments,
  type SeriesInfo,
  uidOf,
  writeDicomSegmentation,
  writeDicomSeries,
} from '@consilium/imaging';
import type { PhantomInfo, PhantomStudy } from './study.ts';

/** A file of a study: its path below the study's directory, and what it holds. */
export type StudyFile = readonly [path: string, bytes: Uint8Array];

/** A patient who never was has no date: every phantom is scanned on the same day. */
const scanDate = '20000101';
const scanTime = '120000';
const ctImageStorage = '1.2.840.10008.5.1.4.1.1.2';

export function dicomFiles({ image, label, reference, info }: PhantomStudy): StudyFile[] {
  const meta = seriesMeta(info);
  const slices = writeDicomSeries(image, meta);
  const series: SeriesInfo = {
    ...meta,
    instanceUid: meta.seriesInstanceUid,
    number: meta.seriesNumber,
    description: meta.seriesDescription,
    modality: 'CT',
    geometry: image.geometry,
    instances: slices.map((_, z) => ({ sopClassUid: ctImageStorage, sopInstanceUid: meta.sopInstanceUid(z) })),
  };
  const digits = String(slices.length).length;
  return [
    ...slices.map((bytes, z): StudyFile => [`ct/${String(z + 1).padStart(Math.max(3, digits), '0')}.dcm`, bytes]),
    ['seg.dcm', segmentation(label, series, { info, drawn: 'site' })],
    ['reference.seg.dcm', segmentation(reference, series, { info, drawn: 'reference' })],
  ];
}

function seriesMeta(info: PhantomInfo): Required<CtSeriesMeta> {
  const seriesInstanceUid = uidFor(info, 'ct');
  return {
    seriesInstanceUid,
    frameOfReferenceUid: uidFor(info, 'frame-of-reference'),
    seriesNumber: 1,
    seriesDescription: `SYNTHETIC phantom, ${info.phase}`,
    patient: {
      id: info.patientId,
      name: 'Nobody^Nobody',
      birthDate: '',
      sex: info.sex === 'female' ? 'F' : 'M',
    },
    study: {
      instanceUid: uidFor(info, 'study'),
      id: String(info.studyIndex),
      date: scanDate,
      time: scanTime,
      accessionNumber: '',
      referringPhysician: '',
      description: 'SYNTHETIC phantom of the abdomen',
    },
    acquisition: {
      manufacturer: info.manufacturer,
      model: info.model,
      kvp: info.kvp,
      kernel: info.kernel,
      sliceThicknessMm: info.sliceThicknessMm,
      contrastAgent: info.phase === 'unenhanced' ? undefined : 'SIMULATED iodinated contrast',
      isSynthetic: true,
      comments: `SYNTHETIC patient made by ${info.generator}; not for diagnosis`,
    },
    sopInstanceUid: (z) => `${seriesInstanceUid}.${z + 1}`,
  };
}

function segmentation(
  labels: LabelMap,
  series: SeriesInfo,
  { info, drawn }: { readonly info: PhantomInfo; readonly drawn: 'site' | 'reference' },
): Uint8Array {
  const algorithmName = drawn === 'site' ? 'Simulated labelling habit' : 'Phantom truth';
  const segments = renalSegments({ algorithmType: 'AUTOMATIC', algorithmName });
  return writeDicomSegmentation(labels, segments, series, {
    seriesInstanceUid: uidFor(info, 'seg', drawn),
    sopInstanceUid: uidFor(info, 'seg', drawn, 'instance'),
    seriesNumber: drawn === 'site' ? 100 : 101,
    seriesDescription: drawn === 'site' ? 'SYNTHETIC labels of the site' : 'SYNTHETIC truth',
    contentLabel: drawn === 'site' ? 'SITE' : 'REFERENCE',
    contentDescription: 'SYNTHETIC phantom',
    contentDate: scanDate,
    contentTime: scanTime,
    softwareVersion: info.generator,
  });
}

function uidFor({ seed, siteIndex, studyIndex, detail }: PhantomInfo, ...what: readonly string[]): string {
  return uidOf('phantom', seed, siteIndex, studyIndex, detail, ...what);
}
