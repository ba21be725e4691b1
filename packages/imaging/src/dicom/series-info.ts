/** What is known of a series besides its pixels: enough to reference it from a segmentation and to describe it. */
import type { Geometry } from '../volume.ts';
import type { Dataset } from './dataset.ts';

export interface PatientInfo {
  readonly id: string;
  readonly name: string;
  /** YYYYMMDD or empty. */
  readonly birthDate: string;
  /** M, F, O or empty. */
  readonly sex: string;
}

export interface StudyInfo {
  /** Empty where the file does not state it. */
  readonly instanceUid: string;
  readonly id: string;
  /** YYYYMMDD or empty. */
  readonly date: string;
  /** HHMMSS or empty. */
  readonly time: string;
  readonly accessionNumber: string;
  readonly referringPhysician: string;
  readonly description: string;
}

export interface AcquisitionInfo {
  readonly manufacturer: string;
  readonly model: string;
  readonly kvp: number | undefined;
  readonly kernel: string | undefined;
  readonly sliceThicknessMm: number | undefined;
  readonly contrastAgent: string | undefined;
  /** Comments on the patient or image. */
  readonly comments: string | undefined;
  /** Whether it was made artificially: Synthetic Data (0008,001C) is YES. */
  readonly isSynthetic?: boolean;
}

export interface SeriesInfo {
  readonly instanceUid: string;
  readonly number: number | undefined;
  readonly description: string;
  readonly modality: string;
  readonly frameOfReferenceUid: string;
  readonly patient: PatientInfo;
  readonly study: StudyInfo;
  readonly acquisition: AcquisitionInfo;
  /** The grid of the volume whose slices `instances` are, in order of z. */
  readonly geometry: Geometry;
  readonly instances: readonly InstanceReference[];
}

export interface InstanceReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export function patientOf(data: Dataset): PatientInfo {
  return {
    id: data.text('PatientID') ?? '',
    name: data.text('PatientName') ?? '',
    birthDate: data.text('PatientBirthDate') ?? '',
    sex: data.text('PatientSex') ?? '',
  };
}

export function studyOf(data: Dataset): StudyInfo {
  return {
    instanceUid: data.text('StudyInstanceUID') ?? '',
    id: data.text('StudyID') ?? '',
    date: data.text('StudyDate') ?? '',
    time: data.text('StudyTime') ?? '',
    accessionNumber: data.text('AccessionNumber') ?? '',
    referringPhysician: data.text('ReferringPhysicianName') ?? '',
    description: data.text('StudyDescription') ?? '',
  };
}

export function acquisitionOf(data: Dataset): AcquisitionInfo {
  return {
    manufacturer: data.text('Manufacturer') ?? '',
    model: data.text('ManufacturerModelName') ?? '',
    kvp: data.number('KVP'),
    kernel: data.text('ConvolutionKernel'),
    sliceThicknessMm: data.number('SliceThickness'),
    contrastAgent: data.text('ContrastBolusAgent'),
    comments: data.text('PatientComments') ?? data.text('ImageComments'),
    ...(data.text('SyntheticData') === 'YES' ? { isSynthetic: true } : {}),
  };
}
