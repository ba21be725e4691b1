/** A cohort's series and segmentations as files, for training. */
import type { DatabaseSync } from 'node:sqlite';
import type { Phase } from '../derive/phase-guess.ts';
import type { ContentDirectory } from '../store/content-directory.ts';
import type { LabelFormat, LabelSegment } from '../store/label-store.ts';

type CaseImage =
  /** The instances of a series, in order of InstanceNumber. */
  { readonly kind: 'dicom'; readonly slices: readonly string[] } | { readonly kind: 'nifti'; readonly path: string };

interface CohortLabel {
  readonly format: LabelFormat;
  readonly path: string;
  /** Segment's number to its name. */
  readonly segmentNames: Readonly<Record<string, string>>;
}

export interface CohortCase {
  /** The series' UID: unique in the archive. */
  readonly name: string;
  /** The pseudonym. */
  readonly patientId: string;
  readonly image: CaseImage;
  /** On the image's grid; undefined only in a cohort that does not require labels. */
  readonly label: CohortLabel | undefined;
  /** Of contrast enhancement, as the catalogue has it now; undefined if it is not known. */
  readonly phase: Phase | undefined;
  /** Of the split that was asked for; undefined for patients it does not know. */
  readonly part: string | undefined;
}

export interface CaseFilesOptions {
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  /** Patient's pseudonym to part. */
  readonly parts: ReadonlyMap<string, string> | undefined;
}

export function casesOfVersion(
  database: DatabaseSync,
  versionId: number,
  { instances, labels, parts }: CaseFilesOptions,
): readonly CohortCase[] {
  const rows = database
    .prepare(
      `SELECT series_id, SeriesInstanceUID, PatientID, study.format AS format, label_id, phase
       FROM cohort_member JOIN series ON series.id = series_id JOIN study ON study.id = study_id
       JOIN subject ON subject.id = subject_id WHERE version_id = ? AND exclusion IS NULL ORDER BY series_id`,
    )
    .all(versionId);
  const contents = database.prepare(
    'SELECT lower(hex(sha256)) AS sha256 FROM instance WHERE series_id = ? ORDER BY InstanceNumber, id',
  );
  const labelRow = database.prepare('SELECT format, segments, lower(hex(sha256)) AS sha256 FROM label WHERE id = ?');
  return rows.map((row) => {
    const paths = contents.all(row['series_id']!).map(({ sha256 }) => instances.pathOf(String(sha256)));
    const found = row['label_id'] === null ? undefined : labelRow.get(row['label_id']!);
    const format = found && (String(found['format']) as LabelFormat);
    const kept = format === 'dicom-seg' ? instances : labels;
    return {
      name: String(row['SeriesInstanceUID']),
      patientId: String(row['PatientID']),
      image: row['format'] === 'file' ? { kind: 'nifti', path: paths[0]! } : { kind: 'dicom', slices: paths },
      label: format && {
        ...{ format, path: kept.pathOf(String(found!['sha256'])) },
        segmentNames: namesOf(JSON.parse(String(found!['segments']))),
      },
      phase: row['phase'] === null ? undefined : (String(row['phase']) as Phase),
      part: parts?.get(String(row['PatientID'])),
    };
  });
}

function namesOf(segments: readonly LabelSegment[]): Readonly<Record<string, string>> {
  return Object.fromEntries(segments.map(({ number, name }) => [String(number), name]));
}
