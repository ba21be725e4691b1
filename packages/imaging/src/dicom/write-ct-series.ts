/** A volume in HU to a CT series: one CT Image Storage instance a slice (PS3.3 A.3). */
import { checkVolume, worldOf } from '../geometry.ts';
import type { Image } from '../volume.ts';
import { sopClasses } from './dictionary.ts';
import { type DicomRecord, decimal, decimals, encodePart10 } from './encode.ts';
import type { AcquisitionInfo, PatientInfo, StudyInfo } from './series-info.ts';

export interface CtSeriesMeta {
  readonly seriesInstanceUid: string;
  readonly frameOfReferenceUid: string;
  readonly seriesNumber?: number;
  readonly seriesDescription?: string;
  readonly patient: PatientInfo;
  readonly study: StudyInfo;
  readonly acquisition: AcquisitionInfo;
  /** UID of slice z. Default: the series' UID, a dot and z + 1. */
  readonly sopInstanceUid?: (z: number) => string;
}

/** Stored value = HU + 1024, signed 16 bits. */
const intercept = -1024;

/**
 * The files in order of z. HU are rounded to whole numbers. Reading them back gives z along the rows' axis cross the
 * columns' (for a canonical volume: to the head, as here).
 */
export function writeDicomSeries(image: Image, meta: CtSeriesMeta): Uint8Array[] {
  checkVolume(image);
  const shared = sharedAttributes(image, meta);
  return Array.from({ length: image.geometry.size[0] }, (_, z) =>
    encodePart10({
      ...shared,
      SOPInstanceUID: meta.sopInstanceUid?.(z) ?? `${meta.seriesInstanceUid}.${z + 1}`,
      InstanceNumber: z + 1,
      ImagePositionPatient: decimals(worldOf(image.geometry, [z, 0, 0])),
      PixelData: storedSlice(image, z),
    }),
  );
}

function sharedAttributes({ geometry }: Image, meta: CtSeriesMeta): DicomRecord {
  const { acquisition } = meta;
  const [, rows, columns] = geometry.size;
  return {
    ...patientAttributes(meta.patient),
    ...studyAttributes(meta.study),
    SOPClassUID: sopClasses.ctImage,
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    SyntheticData: acquisition.isSynthetic ? 'YES' : undefined,
    Modality: 'CT',
    Manufacturer: acquisition.manufacturer,
    ManufacturerModelName: acquisition.model,
    SeriesInstanceUID: meta.seriesInstanceUid,
    SeriesNumber: meta.seriesNumber ?? 1,
    SeriesDescription: meta.seriesDescription,
    PatientComments: acquisition.comments,
    ContrastBolusAgent: acquisition.contrastAgent,
    SliceThickness: decimal(acquisition.sliceThicknessMm ?? geometry.spacingMm[0]),
    KVP: acquisition.kvp === undefined ? '' : decimal(acquisition.kvp),
    ConvolutionKernel: acquisition.kernel,
    PatientPosition: 'HFS',
    Laterality: '',
    AcquisitionNumber: 1,
    ContentDate: meta.study.date,
    ContentTime: meta.study.time,
    FrameOfReferenceUID: meta.frameOfReferenceUid,
    PositionReferenceIndicator: '',
    ImageOrientationPatient: decimals([...geometry.axes[2], ...geometry.axes[1]]),
    PixelSpacing: decimals([geometry.spacingMm[1], geometry.spacingMm[2]]),
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    WindowCenter: '50',
    WindowWidth: '400',
    RescaleIntercept: String(intercept),
    RescaleSlope: '1',
    RescaleType: 'HU',
  };
}

export function patientAttributes(patient: PatientInfo): DicomRecord {
  return {
    PatientName: patient.name,
    PatientID: patient.id,
    PatientBirthDate: patient.birthDate,
    PatientSex: patient.sex,
  };
}

export function studyAttributes(study: StudyInfo): DicomRecord {
  return {
    StudyInstanceUID: study.instanceUid,
    StudyID: study.id,
    StudyDate: study.date,
    StudyTime: study.time,
    AccessionNumber: study.accessionNumber,
    ReferringPhysicianName: study.referringPhysician,
    StudyDescription: study.description === '' ? undefined : study.description,
  };
}

function storedSlice({ geometry, voxels }: Image, z: number): Uint8Array {
  const count = geometry.size[1] * geometry.size[2];
  const view = new DataView(new ArrayBuffer(count * 2));
  for (let at = 0; at < count; at++) {
    const hu = Math.round(voxels[z * count + at]!) - intercept;
    view.setInt16(at * 2, Math.min(Math.max(hu, -32768), 32767), true);
  }
  return new Uint8Array(view.buffer);
}
