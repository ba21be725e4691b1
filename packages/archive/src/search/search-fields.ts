/** The fields by which series are searched, counted and split. Every DICOM keyword the archive has seen is one, too. */
import type { DatabaseSync } from 'node:sqlite';
import { catalogueAttributes } from '../catalogue-query.ts';
import type { Phase } from '../derive/phase-guess.ts';
import type { SeriesState } from '../store/series-entry.ts';
import { isSyntheticSql } from '../store/synthetic-series.ts';
import { QueryError } from './query-error.ts';
import type { Word } from './query-parser.ts';

export type FieldType = 'text' | 'number' | 'date' | 'time-ms' | 'boolean';

export interface SearchField {
  readonly name: string;
  readonly type: FieldType;
  /** Over `series`, `study` and `subject`; of a field with several values, over what `from` names. */
  readonly sql: string;
  /** A field with several values a series: where they lie. */
  readonly from?: string;
  /** Where there are no others. */
  readonly values?: readonly string[];
  readonly description: string;
}

const field = (name: string, type: FieldType, sql: string, description: string): SearchField => ({
  ...{ name, type, sql, description },
});

const oneOf = (name: string, sql: string, values: readonly string[], description: string): SearchField => ({
  ...{ name, type: 'text', sql, values, description },
});

const many = (name: string, sql: string, from: string, description: string): SearchField => ({
  ...{ name, type: 'text', sql, from, description },
});

const phases: readonly Phase[] = ['unenhanced', 'corticomedullary', 'nephrographic', 'excretory'];
const states: readonly SeriesState[] = ['arriving', 'settled', 'described', 'unreadable'];

export const searchFields: readonly SearchField[] = [
  field('subject', 'text', 'subject.PatientID', 'the subject’s pseudonym'),
  oneOf('sex', 'subject.PatientSex', ['M', 'F', 'O'], 'M, F or O'),
  field('age', 'number', 'study.age_years', 'years, at the study'),
  field('study', 'text', 'study.StudyInstanceUID', 'Study Instance UID'),
  field('studyDate', 'date', 'study.StudyDate', '2026-03-01, as de-identified'),
  field('studyDescription', 'text', 'study.StudyDescription', ''),
  field('accession', 'text', 'study.AccessionNumber', 'the accession number’s pseudonym'),
  oneOf('format', 'study.format', ['dicom', 'file'], 'dicom, or file for NIfTI and NRRD'),
  field('series', 'text', 'series.SeriesInstanceUID', 'Series Instance UID'),
  field('description', 'text', 'series.SeriesDescription', 'of the series'),
  field('protocol', 'text', 'series.ProtocolName', ''),
  field('modality', 'text', 'series.Modality', 'CT, MR, SEG …'),
  field('bodyPart', 'text', 'series.BodyPartExamined', ''),
  field('vendor', 'text', 'series.vendor', 'the maker’s short name: GE, Siemens, Philips, Canon …'),
  field('model', 'text', 'series.ManufacturerModelName', ''),
  field('kernel', 'text', 'series.kernel', 'convolution kernel'),
  field('kvp', 'number', 'series.kvp', 'kV'),
  field('contrast', 'boolean', 'series.contrast', 'whether a contrast agent was given'),
  oneOf('phase', 'series.phase', phases, 'unenhanced, corticomedullary, nephrographic or excretory'),
  field('slices', 'number', 'series.slices', ''),
  field('sliceThickness', 'number', 'series.slice_thickness_mm', 'mm'),
  field('sliceSpacing', 'number', 'series.slice_spacing_mm', 'mm between slice centres'),
  field('pixelSpacing', 'number', 'series.pixel_spacing_mm', 'mm, the coarser of the two'),
  field('coverage', 'number', 'series.coverage_mm', 'mm along the slice axis'),
  field('instances', 'number', 'series.instance_count', ''),
  field('received', 'time-ms', 'series.arrived_ms', '2026-03-01, when its last instance came'),
  oneOf('state', 'series.state', states, 'arriving, settled, described or unreadable'),
  field('labelled', 'boolean', '(series.label_count > 0)', 'whether it has a segmentation'),
  field(
    'tumourVolume',
    'number',
    '(SELECT max(tumour_ml) FROM label WHERE label.series_id = series.id)',
    'ml, in its largest segmentation',
  ),
  field('failed', 'boolean', '(series.failed_count > 0)', 'whether a finding makes it unfit'),
  field('duplicate', 'boolean', '(series.duplicate_of IS NOT NULL)', 'whether an earlier series shows the same'),
  field('synthetic', 'boolean', isSyntheticSql, 'whether it says that it was made artificially'),
  many('tag', 'tag.name', 'tag WHERE tag.series_id = series.id', ''),
  many('finding', 'finding.code', 'finding WHERE finding.series_id = series.id', 'a finding’s code'),
  many(
    'segment',
    "json_extract(segment.value, '$.name')",
    'label JOIN json_each(label.segments) segment WHERE label.series_id = series.id',
    'the name of a segment',
  ),
  many(
    'cohort',
    'cohort.name',
    `cohort JOIN cohort_version ON cohort_version.cohort_id = cohort.id
     JOIN cohort_member ON cohort_member.version_id = cohort_version.id AND cohort_member.exclusion IS NULL
     WHERE cohort_member.series_id = series.id AND cohort_version.version =
       (SELECT max(version) FROM cohort_version newest WHERE newest.cohort_id = cohort.id)`,
    'a cohort whose newest version it belongs to',
  ),
];

const byName = new Map(searchFields.map((known) => [known.name.toLowerCase(), known]));

/** @throws QueryError `archive.query-field-unknown` */
export function fieldNamed(database: DatabaseSync, { text, position }: Word): SearchField {
  const known = byName.get(text.toLowerCase());
  if (known !== undefined) return known;
  const attribute = catalogueAttributes[text as keyof typeof catalogueAttributes];
  if (attribute !== undefined && !attribute.computed && attribute.level !== 'instance') {
    const isPatients = text.startsWith('Patient') && text !== 'PatientAge';
    const type = attribute.vr === 'DA' ? 'date' : attribute.vr === 'IS' ? 'number' : 'text';
    return field(text, type, `${isPatients ? 'subject' : attribute.level}."${text}"`, '');
  }
  const row = database.prepare('SELECT id FROM attribute WHERE keyword = ?').get(text);
  if (row === undefined) {
    throw new QueryError('archive.query-field-unknown', 'There is no field of this name.', position);
  }
  const id = Number(row['id']);
  const from = `series_attribute WHERE attribute_id = ${id} AND series_attribute.series_id = series.id`;
  return many(text, 'series_attribute.text', from, '');
}
