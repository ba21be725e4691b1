/** A series as it is listed: what it states and what was derived from its volume. */
import type { Geometry } from '@consilium/imaging';
import type { Phase } from '../derive/phase-guess.ts';

export type SeriesState = 'arriving' | 'settled' | 'described' | 'unreadable';

export interface SeriesEntry {
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  /** The pseudonym. */
  readonly patientId: string;
  readonly format: 'dicom' | 'file';
  readonly number: number | undefined;
  readonly description: string | undefined;
  readonly modality: string | undefined;
  readonly bodyPart: string | undefined;
  readonly studyDate: string | undefined;
  readonly instances: number;
  readonly sizeBytes: number;
  readonly state: SeriesState;
  /** Why it cannot be read as a volume. */
  readonly stateCode: string | undefined;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  readonly kernel: string | undefined;
  readonly kvp: number | undefined;
  readonly hasContrast: boolean | undefined;
  readonly phase: Phase | undefined;
  /** What the phase was guessed from. */
  readonly phaseSource: 'description' | 'labels' | 'person' | undefined;
  readonly geometry: Geometry | undefined;
  readonly sliceThicknessMm: number | undefined;
  /** Along the slice axis, from the first slice's outer face to the last's. */
  readonly coverageMm: number | undefined;
  /** The earlier series of the same subject that shows the same. */
  readonly duplicateOf: string | undefined;
  readonly labelCount: number;
  readonly findingCount: number;
  /** Findings that make it unfit for training. */
  readonly failedCount: number;
}

/** To be followed by WHERE and ORDER BY. */
export const seriesEntrySql = `
  SELECT series.*, StudyInstanceUID, StudyDate, study.format AS format, PatientID,
    (SELECT first.SeriesInstanceUID FROM series first WHERE first.id = series.duplicate_of) AS duplicate_uid
  FROM series JOIN study ON study.id = series.study_id JOIN subject ON subject.id = study.subject_id`;

export function seriesEntryOf(row: Record<string, unknown>): SeriesEntry {
  const text = (name: string): string | undefined => {
    const value = row[name];
    return value === null || value === '' ? undefined : String(value);
  };
  const number = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  const geometry = text('geometry');
  return {
    seriesInstanceUid: String(row['SeriesInstanceUID']),
    studyInstanceUid: String(row['StudyInstanceUID']),
    patientId: String(row['PatientID']),
    format: row['format'] === 'file' ? 'file' : 'dicom',
    number: number('SeriesNumber'),
    description: text('SeriesDescription'),
    modality: text('Modality'),
    bodyPart: text('BodyPartExamined'),
    studyDate: text('StudyDate'),
    instances: Number(row['instance_count']),
    sizeBytes: Number(row['size_bytes']),
    state: text('state') as SeriesState,
    stateCode: text('state_code'),
    vendor: text('vendor'),
    model: text('ManufacturerModelName'),
    kernel: text('kernel'),
    kvp: number('kvp'),
    hasContrast: row['contrast'] === null ? undefined : row['contrast'] === 1,
    phase: text('phase') as Phase | undefined,
    phaseSource: text('phase_source') as SeriesEntry['phaseSource'],
    geometry: geometry === undefined ? undefined : (JSON.parse(geometry) as Geometry),
    sliceThicknessMm: number('slice_thickness_mm'),
    coverageMm: number('coverage_mm'),
    duplicateOf: text('duplicate_uid'),
    labelCount: Number(row['label_count']),
    findingCount: Number(row['finding_count']),
    failedCount: Number(row['failed_count']),
  };
}
