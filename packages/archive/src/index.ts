export type { Admission, Door, Origin } from './admission.ts';
export { Archive, type ArchivePorts } from './archive.ts';
export type { ArchiveClock } from './archive-clock.ts';
export { ArchiveError } from './archive-error.ts';
export type { ArchiveEvent } from './archive-events.ts';
export { type ArchiveSettings, type ArchiveSettingsInput, archiveSettingsSchema } from './archive-settings.ts';
export type { Catalogue, SeriesDetails, StudyEntry, SubjectEntry } from './catalogue.ts';
export type {
  AttributeMatch,
  AttributePage,
  AttributeQuery,
  AttributeSet,
  CatalogueAttribute,
  InstanceCatalogue,
  InstanceSelector,
  QueryLevel,
  StoredInstance,
} from './catalogue-query.ts';
export { catalogueAttributes } from './catalogue-query.ts';
export type { CohortCase } from './cohort/cohort-case.ts';
export type { CohortRules, Exclusion } from './cohort/cohort-rules.ts';
export type { CohortMember, Cohorts, CohortVersion } from './cohort/cohorts.ts';
export type { NewSplit, Split } from './cohort/splits.ts';
export type { Phase } from './derive/phase-guess.ts';
export type { Facet, Histogram } from './search/facets.ts';
export { QueryError } from './search/query-error.ts';
export { type FieldType, type SearchField, searchFields } from './search/search-fields.ts';
export type { Finding, Note } from './store/annotations.ts';
export type { Label, LabelProvenance, LabelSegment } from './store/label-store.ts';
export type { QuarantinedFile } from './store/quarantine.ts';
export type { SeriesEntry, SeriesState } from './store/series-entry.ts';
