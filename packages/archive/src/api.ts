/**
 * The interface between an archive's service and those who ask it: its pages, its commands. Under `/api/v1`; JSON both
 * ways; errors as `{ code, message, position? }`. Pure: what a browser may see of this package.
 */
import { z } from 'zod';
import type { ImportReport } from './intake/import-ledger.ts';
import type { ImportProgress } from './intake/intake.ts';
import type { CatalogueCounts, SearchPage } from './search/search.ts';
import type { SearchField } from './search/search-fields.ts';
import type { PullEntry } from './service/pulls.ts';
import type { AttributeChange, SeriesFacts } from './service/service-facts.ts';

export type { Admission } from './admission.ts';
export type { ArchiveEvent } from './archive-events.ts';
export type { FindingGroup, SeriesDetails, StudyEntry, SubjectEntry } from './catalogue.ts';
export type { CohortRules, Exclusion } from './cohort/cohort-rules.ts';
export type { CohortMember, CohortVersion } from './cohort/cohorts.ts';
export type { ErasedSubject } from './erasure/erasure.ts';
export type { ImportReport } from './intake/import-ledger.ts';
export type { Facet, Histogram } from './search/facets.ts';
export type { CatalogueCounts, SearchPage } from './search/search.ts';
export type { PullEntry } from './service/pulls.ts';
export type { RemoteStudy } from './service/remote-peer.ts';
export type { AttributeChange, SplitFacts } from './service/service-facts.ts';
export type { Finding, Note, Severity } from './store/annotations.ts';
export type { Label } from './store/label-store.ts';
export type { QuarantinedFile } from './store/quarantine.ts';
export type { SeriesEntry } from './store/series-entry.ts';

/** `GET /overview` */
export interface Overview {
  readonly project: string;
  readonly counts: CatalogueCounts;
  /** Of what came in and waits to be looked at. */
  readonly waitingSeries: number;
  readonly quarantined: number;
  readonly findings: { readonly warnings: number; readonly failed: number };
  readonly storage: { readonly instanceBytes: number; readonly freeBytes: number };
  /** Where studies can come from. */
  readonly roads: {
    readonly dicom: { readonly aeTitle: string; readonly port: number; readonly peers: number } | null;
    readonly dicomweb: { readonly path: string; readonly clients: number };
    readonly watched: number;
    readonly remotes: readonly string[];
  };
  readonly imports: readonly ImportEntry[];
  readonly pulls: readonly PullEntry[];
}

/** `GET /imports`. One that is `running` without `progress` was stopped: `POST /imports/:id/go-on` takes it up again. */
export interface ImportEntry extends ImportReport {
  readonly progress: ImportProgress | null;
}

/** `GET /arrivals`: instances stored in each of the last 60 minutes, the oldest first; since the archive was started. */
export interface Arrivals {
  /** When the last of the minutes began. */
  readonly minuteMs: number;
  readonly instances: readonly number[];
}

/** `GET /roads`: all by which studies come and go, in words for whoever connects the other side. */
export interface Roads {
  /** Of the archive, as the settings of a site name it. */
  readonly directory: string;
  readonly dicom: {
    readonly aeTitle: string;
    readonly host: string;
    readonly port: number;
    readonly isEncrypted: boolean;
    readonly peers: readonly {
      readonly name: string;
      readonly aeTitle: string;
      readonly addresses: readonly string[];
    }[];
  } | null;
  readonly dicomweb: {
    /** As seen by others, if the settings say so; else the path at this page's own address. */
    readonly url: string;
    readonly clients: readonly { readonly name: string; readonly may: readonly ('read' | 'store')[] }[];
  };
  readonly watched: readonly { readonly directory: string; readonly afterwards: 'move' | 'delete' }[];
  readonly remotes: readonly { readonly name: string; readonly kind: 'dimse' | 'dicomweb'; readonly address: string }[];
}

/** `GET /reidentifications`, the newest first: who asked for whom. */
export interface Reidentification extends z.infer<typeof reidentifySchema> {
  /** ISO 8601. */
  readonly time: string;
}

/** `GET /studies/:uid` */
export interface StudyDetails {
  readonly series: readonly SeriesFacts[];
  readonly deidentification: readonly AttributeChange[];
}

/** `GET /search?query=&offset=&limit=&sortBy=&descending=` */
export interface SearchAnswer extends SearchPage {
  readonly counts: CatalogueCounts;
}

/** `GET /fields`: what a query may ask for. */
export type FieldAnswer = readonly Pick<SearchField, 'name' | 'type' | 'description'>[];

const text = (max: number) => z.string().trim().min(1).max(max);
const page = { offset: z.coerce.number().int().min(0).default(0) };

export const pageSchema = z.object({ ...page, limit: z.coerce.number().int().min(1).max(1000).default(100) });
export const searchSchema = z.object({
  ...pageSchema.shape,
  query: z.string().max(10_000).default(''),
  sortBy: z.string().max(100).optional(),
  descending: z.stringbool().default(false),
});
export const facetSchema = z.object({ query: z.string().max(10_000).default(''), field: text(100) });
export const histogramSchema = facetSchema.extend({ bins: z.coerce.number().int().min(1).max(200).default(20) });

export const tagSchema = z.object({ tag: text(100) });
export const noteSchema = z.object({ author: text(100).default('data manager'), text: text(10_000) });
export const phaseSchema = z.object({
  phase: z.enum(['unenhanced', 'corticomedullary', 'nephrographic', 'excretory']),
});
export const findingSchema = z.object({
  code: text(100),
  severity: z.enum(['note', 'warning', 'failed']),
  message: text(1000),
  source: text(100).default('data manager'),
});

const names = z
  .string()
  .max(10_000)
  .transform((text) => Object.fromEntries(text.split(',').map((pair) => pair.split('=').map((part) => part.trim()))))
  .pipe(z.record(z.string().regex(/^\d{1,3}$/), text(64)));

export const labelExportSchema = z.object({
  format: z.enum(['dicom-seg', 'nifti', 'nrrd']),
  /** One of the series' labels; default: the newest on its grid. */
  labelId: z.coerce.number().int().optional(),
});
export const labelImportSchema = z.object({
  kind: z.enum(['manual', 'automatic', 'semiautomatic', 'unknown']).default('unknown'),
  algorithm: text(100).optional(),
  /** As `1=kidney,2=tumour`, for files that do not say it. */
  names: names.optional(),
});

/** Of a patient as the hospital knows them: nothing of it is kept but that somebody asked. */
export const pseudonymSchema = z.object({
  patientId: text(64),
  issuer: z.string().max(64).default(''),
  reason: text(1000),
});

/** Kept for good: it must not name the person. */
export const erasureSchema = z.object({ reason: text(1000) });

export const cohortRulesSchema = z.object({
  requireLabel: z.boolean().exactOptional(),
  excludeFailed: z.boolean().exactOptional(),
  excludeDuplicates: z.boolean().exactOptional(),
  perPatient: z.enum(['all', 'one-study', 'one-series']).exactOptional(),
  manual: z.array(z.object({ seriesInstanceUid: text(64), reason: text(1000) })).exactOptional(),
});
export const previewSchema = z.object({ query: z.string().max(10_000), rules: cohortRulesSchema.default({}) });
const cohortName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be of a-z, 0-9 and "-"');
export const freezeSchema = previewSchema.extend({ name: cohortName });
export const versionSchema = z.object({ version: z.coerce.number().int().min(1).exactOptional() });
export const splitSchema = z.object({
  split: cohortName,
  name: cohortName,
  version: z.int().min(1).exactOptional(),
  shares: z.record(cohortName, z.number().positive()).default({ train: 0.7, validation: 0.1, test: 0.2 }),
  stratifyBy: z.array(text(100)).default([]),
  seed: text(100).default('1'),
});
export const extendSchema = z.object({ name: cohortName, version: z.int().min(1).exactOptional() });

export const importSchema = z.object({
  path: text(4096),
  /** Files that state no study and series are taken for one series a folder. */
  oneSeriesAFolder: z.boolean().default(false),
});
export const pullSchema = z.object({ studyInstanceUid: text(64), seriesInstanceUid: text(64).exactOptional() });
export const remoteQuerySchema = z.object({
  patientId: z.string().max(64).optional(),
  patientName: z.string().max(200).optional(),
  studyDate: z.string().max(17).optional(),
  accessionNumber: z.string().max(16).optional(),
  modality: z.string().max(16).optional(),
  description: z.string().max(64).optional(),
});
export const reidentifySchema = z.object({
  level: z.enum(['subject', 'study', 'series']),
  pseudonym: text(64),
  /** Who asks and why: written down. */
  reason: text(1000),
});
