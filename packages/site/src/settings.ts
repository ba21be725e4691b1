/** What a site is told when it starts: `site.yaml` in its directory, in a rehearsal written by the command. */
import { identifierKindSchema, privacySchema, siteIdSchema } from '@consilium/protocol';
import { z } from 'zod';
import { filterSpecSchema } from './filters/filter-spec.ts';
import { type PolicySettings, policySettingsSchema, type SiteRules } from './policy/policy-request.ts';
import { SiteError } from './site-error.ts';

const privacySettingsSchema = z.strictObject({
  /** Whose taking part is hidden: a patient, with all cases. */
  unit: z.literal('patient').default('patient'),
  /** All jobs together may cost so much; no limit if it is not given. */
  epsilonMax: z.number().positive().optional(),
  /** Of the (ε, δ) that is counted: well below one in the number of patients. */
  deltaMax: z.number().positive().max(0.1).default(1e-5),
  /** Train in no job that offers no privacy. */
  required: z.boolean().default(false),
  /** Jobs that offer less noise get so much. */
  noiseMultiplierMin: z.number().min(0).default(0),
  /** DP-SGD: jobs that would have a patient take part more often get so much. */
  samplingRateMax: z.number().positive().max(1).default(1),
  /** What jobs that offer no privacy are trained with all the same; jobs that offer another kind are refused. */
  impose: privacySchema.optional(),
  /**
   * Where a job has sites share the noise of their sum: among so many at most. Beyond one this site relies on others to add
   * their part, and not to tell it.
   */
  noiseSharedAmongMax: z.int().min(1).default(1),
});
export type PrivacySettings = z.infer<typeof privacySettingsSchema>;

const cohortSchema = z.strictObject({
  name: z.string().min(1),
  /** Default: the newest when the site first looks. A project names one. */
  version: z.int().min(1).optional(),
  /** A split drawn in the archive, of parts train, validation and test; without, the site draws. */
  split: z.string().min(1).optional(),
});
export type ArchiveCohort = z.infer<typeof cohortSchema>;

const shareSchema = z
  .strictObject({ part: z.int().min(1), of: z.int().min(2) })
  .refine(({ of, part }) => part <= of, 'must be one of its parts');
export type PatientShare = z.infer<typeof shareSchema>;

const placeShape = {
  directory: z.string().min(1),
  /** The directory is an archive, and the cases are this cohort of it. */
  cohort: cohortSchema.optional(),
};

const caseDirectorySchema = z.strictObject({
  ...placeShape,
  /**
   * Other labels of the same cases, by a name that an experiment may ask for: where cases of the same names lie whose labels
   * are those. Such as `manual` and `assisted`.
   */
  labelSets: z
    .record(z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/), z.strictObject(placeShape))
    .optional(),
  /**
   * What predictions are tested against, where it is not the label that is trained on: where cases of the same names lie whose
   * labels are that, such as the consensus of several readers. A case that is not there is tested against its label.
   */
  reference: z.strictObject(placeShape).optional(),
  /** Only some of the patients: in a rehearsal that makes several hospitals of one. */
  share: shareSchema.optional(),
});
/** Where cases lie. */
export type CaseDirectory = z.infer<typeof caseDirectorySchema>;

const sourceSchema = z.strictObject({ siteId: siteIdSchema, ...caseDirectorySchema.shape });

const overlapLimitsSchema = z.strictObject({
  /** By what patients may be compared with those of other sites; by nothing that is not named. */
  identifiers: z.array(identifierKindSchema).default([]),
  /** Who gave the patients their numbers, where the images do not say: as the project has agreed to write it. */
  issuer: z.string().min(1).optional(),
  /** With fewer patients the site takes no part. */
  patientsMin: z.int().min(1).default(5),
  /** All other sites together may try so many identifiers, in all jobs: each could be a guess. */
  identifiersMax: z.int().min(0).default(50_000),
  /** The key of the archive's identity map, where it is not in the archive. */
  identityKeyFile: z.string().min(1).optional(),
});
export type OverlapLimits = z.infer<typeof overlapLimitsSchema>;

/** By site: the fingerprint of its key, as its people read it on the telephone. */
const peersSchema = z.record(
  siteIdSchema,
  z.string().regex(/^\s*(?:[0-9a-f]{4}[\s:]*){16}$/i, 'must be a fingerprint of 64 hexadecimal digits'),
);

/** Kinds of groups of cases, of which a test may tell. */
export const groupKinds = ['phase', 'vendor', 'kernel', 'sex', 'age'] as const;
export type GroupKind = (typeof groupKinds)[number];
const testGroupsSchema = z.array(z.enum(groupKinds)).max(groupKinds.length);

const workerSettingsSchema = z.object({
  siteId: siteIdSchema,
  /**
   * Where the cases lie. A hospital has one source, its own; a rehearsal's pooled site has those of all hospitals, each
   * under its hospital's name, so that its split is theirs.
   */
  sources: z.array(sourceSchema).min(1),
  /** The site's own files: cache of prepared cases, split, record of test results, pictures, log. */
  workDirectory: z.string().min(1),
  /** Decides the split. */
  seed: z.int(),
  /** Of the numerical runtime. */
  threads: z.int().min(1),
  privacy: privacySettingsSchema.optional(),
  peers: peersSchema.optional(),
  overlap: overlapLimitsSchema.optional(),
  /** What is done to whatever leaves, in this order. */
  filters: z.array(filterSpecSchema).max(20).optional(),
  /** No smaller group of patients is told of. */
  minimumCount: z.int().min(1).optional(),
  /** See the site's settings. */
  testGroups: testGroupsSchema.optional(),
  /** Makes the noise of private training the same each time, for rehearsals and tests: such noise protects nobody. */
  noiseSeed: z.int().optional(),
});
/** What the worker needs to know. */
export type WorkerSettings = z.infer<typeof workerSettingsSchema>;

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day like 19:30');

const limitsSchema = z.strictObject({
  /** Tasks that run side by side, each in a process of its own. */
  tasksAtOnce: z.int().min(1).max(64).default(1),
  /** What takes long begins only in these hours, local time, over midnight if `from` is later than `to`. */
  hours: z
    .strictObject({ from: timeOfDay, to: timeOfDay })
    .refine(({ from, to }) => from !== to, 'must begin and end at different times')
    .optional(),
  /** A task begins only while so much memory of the machine is free. */
  freeMemoryMb: z.int().min(0).default(0),
});
export type SiteLimits = z.infer<typeof limitsSchema>;

const siteSettingsSchema = z.strictObject({
  siteId: siteIdSchema,
  /** `https://coordinator.example.org`, with a port if it is not 443. */
  coordinator: z.url({ protocol: /^https$/ }),
  /** `http://user:password@proxy.example.org:3128`: the hospital's proxy, if connections must go through one. */
  proxy: z.url({ protocol: /^http$/ }).optional(),
  /** The directory of the cases, a cohort of an archive, or in a rehearsal what several hospitals have. */
  data: z.union([z.string().min(1), caseDirectorySchema, z.array(sourceSchema).min(1)]),
  /** Decides which patients train, validate and test. */
  seed: z.int().default(1),
  /** Of the numerical runtime; default: all cores but one. */
  threads: z.int().min(1).optional(),
  limits: limitsSchema.prefault({}),
  /** What jobs may spend of the patients' privacy. */
  privacy: privacySettingsSchema.optional(),
  /** The only sites that this one talks to where sites talk to each other; default: all that the project has admitted. */
  peers: peersSchema.optional(),
  /** Whether, and how, patients may be compared with those of other sites. */
  overlap: overlapLimitsSchema.optional(),
  /** What is done to whatever leaves, in this order, whatever a job says. */
  filters: z.array(filterSpecSchema).max(20).optional(),
  /** Of which kinds a test tells in which group each case is; none unless the site says so. */
  testGroups: testGroupsSchema.optional(),
  /** What policies speak of; the policies themselves are in `policy/*.cedar`. */
  policy: policySettingsSchema.optional(),
  secureAggregation: z
    .strictObject({
      /** Train in no job in which the coordinator sees this site's weights. */
      required: z.boolean().default(false),
      /** The weights of so many sites must be in every sum, at least: with two, each knows the other's. */
      thresholdMin: z.int().min(2).default(2),
    })
    .prefault({}),
  /** Serve Prometheus metrics on this port of 127.0.0.1. */
  metricsPort: z.int().min(1).max(65535).optional(),
});
export type SiteSettings = z.infer<typeof siteSettingsSchema>;
export type SiteSettingsInput = z.input<typeof siteSettingsSchema>;

/** The site's limits to what jobs may learn of its patients; the defaults where it has set none. */
export function privacySettingsOf({ privacy }: Pick<WorkerSettings, 'privacy'>): PrivacySettings {
  return privacy ?? privacySettingsSchema.parse({});
}

/** The site's limits to comparing patients; the defaults, which allow nothing, where it has set none. */
export function overlapLimitsOf({ overlap }: Pick<WorkerSettings, 'overlap'>): OverlapLimits {
  return overlap ?? overlapLimitsSchema.parse({});
}

/** What policies speak of; the defaults where the site has said nothing. */
export function siteRulesOf({ policy, privacy }: Pick<SiteSettings, 'policy' | 'privacy'>): SiteRules {
  const settings: PolicySettings = policy ?? policySettingsSchema.parse({});
  return { ...settings, requiresPrivacy: (privacy?.required ?? false) && privacy?.impose === undefined };
}

/** All the places where a site's cases lie. */
export function sourcesOf({ data, siteId }: SiteSettings): WorkerSettings['sources'] {
  if (typeof data === 'string') return [{ siteId, directory: data }];
  return Array.isArray(data) ? data : [{ siteId, ...data }];
}

/** @throws SiteError `site.bad-settings`, naming the field. */
export function parseSiteSettings(received: unknown): SiteSettings {
  return parsed(siteSettingsSchema, received);
}

/** @throws SiteError `site.bad-settings`, naming the field. */
export function parseWorkerSettings(received: unknown): WorkerSettings {
  return parsed(workerSettingsSchema, received);
}

function parsed<T>(schema: z.ZodType<T>, received: unknown): T {
  const { data, error } = schema.safeParse(received);
  if (data !== undefined) return data;
  const { path, message } = error!.issues[0]!;
  throw new SiteError('site.bad-settings', `The site's settings are wrong at "${path.join('.')}": ${message}.`, {
    lasting: true,
  });
}
