export type { Admission, Door, Origin } from './admission.ts';
export { Archive, type ArchivePorts } from './archive.ts';
export type { ArchiveClock } from './archive-clock.ts';
export { ArchiveError } from './archive-error.ts';
export type { ArchiveEvent } from './archive-events.ts';
export { type ArchiveReader, openArchiveForReading } from './archive-reader.ts';
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
export type { CohortMember, CohortReader, Cohorts, CohortVersion } from './cohort/cohorts.ts';
export type { NewSplit, Split } from './cohort/splits.ts';
export type { Phase } from './derive/phase-guess.ts';
export { DicomwebArchive } from './dicomweb/dicomweb-archive.ts';
export { DicomwebClient, type DicomwebRemote } from './dicomweb/dicomweb-client.ts';
export type { Authorization, DicomwebOptions, Need } from './dicomweb/dicomweb-options.ts';
export { dicomwebRoutes } from './dicomweb/dicomweb-routes.ts';
export { type DicomwebSettings, dicomwebSettingsSchema } from './dicomweb/dicomweb-settings.ts';
export type { DimseRemote } from './dimse/association-request.ts';
export {
  type DicomSettings,
  dicomSettingsSchema,
  type RemotesSettings,
  remotesSettingsSchema,
} from './dimse/dicom-settings.ts';
export { DimseArchive, type DimseArchiveOptions } from './dimse/dimse-archive.ts';
export {
  DimseClient,
  type Identifier,
  type QueryRetrieveLevel,
  type RetrieveOptions,
  type RetrieveProgress,
} from './dimse/dimse-client.ts';
export type { Peer } from './dimse/peer.ts';
export {
  type PullOptions,
  type PullProgress,
  type PullResult,
  type PullTarget,
  pull,
  type RemoteArchive,
  type RemoteInstance,
} from './dimse/pull.ts';
export { StorageServer, type StorageServerOptions, type TlsIdentity } from './dimse/storage-server.ts';
export type { StorageEvent } from './dimse/storage-session.ts';
export { fileSource } from './file-source.ts';
export type { ImportReport } from './intake/import-ledger.ts';
export type { Intake } from './intake/intake.ts';
export type { Facet, Histogram } from './search/facets.ts';
export { QueryError } from './search/query-error.ts';
export { type FieldType, type SearchField, searchFields } from './search/search-fields.ts';
export {
  ArchiveService,
  consoleTokenFile,
  type ExtensionContext,
  type ServiceExtension,
  type ServiceOptions,
  serviceAddressFile,
} from './service/archive-service.ts';
export { type EventStreamOptions, sendEvents } from './service/event-stream.ts';
export {
  readServiceSettings,
  type ServiceSettings,
  serviceSettingsFile,
  serviceSettingsOf,
} from './service/service-settings.ts';
export type { Finding, Note } from './store/annotations.ts';
export { CommitGroup } from './store/commit-group.ts';
export { ContentDirectory } from './store/content-directory.ts';
export { makeDirectory } from './store/durable-file.ts';
export { readIdentities } from './store/identity-reader.ts';
export type { Label, LabelProvenance, LabelSegment } from './store/label-store.ts';
export type { QuarantinedFile } from './store/quarantine.ts';
export { parseSecret } from './store/secret-file.ts';
export type { SeriesEntry, SeriesState } from './store/series-entry.ts';
