/**
 * What is decided about: who asks for what, of which patients, when. A request is plain data, so that examples of it can be
 * written by hand; Cedar's form of it is made here, and only here.
 */
import { z } from 'zod';

const count = z.int().min(0);

export const PolicyAction = {
  Train: 'train',
  Evaluate: 'evaluate',
  Fingerprint: 'fingerprint',
  Prepare: 'prepare',
  Statistics: 'statistics',
  Overlap: 'overlap',
} as const;
export type PolicyAction = (typeof PolicyAction)[keyof typeof PolicyAction];
const policyActionSchema = z.enum(Object.values(PolicyAction));

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

/** The defaults make an unremarkable request of which an example says only what it is about. */
export const policyRequestSchema = z.strictObject({
  action: policyActionSchema,
  member: z
    .strictObject({
      name: z.string().default('anna'),
      keyFingerprint: z.string().default(''),
      institution: z.string().nullable().default(null),
    })
    .nullable()
    .prefault({}),
  job: z
    .strictObject({
      name: z.string().default('job'),
      kind: z.enum(['train', 'survey', 'overlap']).default('train'),
      digest: z.string().default(''),
      reviews: count.default(0),
      strategy: z.string().default('fed-avg'),
      privacy: z.enum(['none', 'dp-sgd', 'noisy-update']).default('none'),
      secureAggregation: z.boolean().default(false),
      sumOfSites: count.default(1),
      noiseSharedAmong: count.default(1),
      sites: count.default(3),
      rounds: count.default(100),
      stepsPerRound: count.default(250),
      parameters: count.default(1_000_000),
    })
    .prefault({}),
  patients: count.default(100),
  hour: z.int().min(0).max(23).default(12),
  minute: z.int().min(0).max(59).default(0),
  weekday: z.enum(weekdays).default('monday'),
  approval: z.enum(['none', 'approved', 'refused']).default('none'),
  epsilon: z
    .strictObject({ asked: z.number().min(0).default(0), left: z.number().nullable().default(null) })
    .prefault({}),
  split: z.enum(['', 'validation', 'test']).default(''),
  /** What is asked for; the site's own minimum holds where that is larger. */
  minimumCount: count.default(5),
});
export type PolicyRequest = z.infer<typeof policyRequestSchema>;
export type PolicyRequestInput = z.input<typeof policyRequestSchema>;

/** What site.yaml says of it. */
export const policySettingsSchema = z.strictObject({
  /** Policies that come with Consilium and do not hold here, by their names. */
  without: z.array(z.string().min(1)).default([]),
  /** A job learns from so many patients, or not at all. */
  minimumPatients: z.int().min(1).default(3),
  /** No smaller group of patients is told of in statistics. */
  minimumCount: z.int().min(1).default(3),
  /** What a person has to approve, once for each job that differs. */
  approve: z.array(policyActionSchema).default([]),
  /** Members who look at jobs, by the fingerprints of their keys, and how many of them have to have signed. */
  reviewers: z
    .strictObject({
      needed: z.int().min(0).default(1),
      fingerprints: z.array(
        z.string().regex(/^\s*(?:[0-9a-f]{4}[\s:]*){16}$/i, 'must be a fingerprint of 64 hexadecimal digits'),
      ),
    })
    .optional(),
  /** Who works where: institutions, and the names of their members. */
  institutions: z.record(z.string().min(1), z.array(z.string().min(1))).default({}),
});
export type PolicySettings = z.infer<typeof policySettingsSchema>;

/** What of the site's settings policies speak of. */
export interface SiteRules extends PolicySettings {
  readonly requiresPrivacy: boolean;
}

/** As Cedar takes it. */
export function cedarCallOf(request: PolicyRequest, site: SiteRules) {
  const { action, member, job, patients, epsilon } = request;
  const { hour, minute, weekday, approval, split } = request;
  const uid = (type: string, id: string) => ({ type, id });
  const told = action === 'statistics' || action === 'overlap';
  const principal = uid('Member', member?.name ?? 'nobody');
  const institutions = member?.institution == null ? [] : [uid('Institution', member.institution)];
  const attrs = (fields: object) => ({ ...fields });
  const siteAttributes = {
    minimumPatients: site.minimumPatients,
    minimumCount: site.minimumCount,
    requiredReviews: site.reviewers?.needed ?? 0,
    requiresPrivacy: site.requiresPrivacy,
  };
  return {
    principal,
    action: uid('Action', action),
    resource: uid('Job', job.name),
    context: {
      site: { __entity: uid('Site', 'this') },
      cohort: { __entity: uid('Cohort', 'this') },
      ...{ hour, minute, weekday, approval, split },
      wantsApproval: site.approve.includes(action),
      epsilon: {
        asked: decimal(epsilon.asked, Math.ceil),
        left: decimal(epsilon.left ?? 0, Math.floor),
        limited: epsilon.left !== null,
      },
      smallestGroup: told ? Math.max(request.minimumCount, site.minimumCount) : 0,
    },
    entities: [
      {
        uid: principal,
        attrs: attrs({
          role: member === null ? 'nobody' : 'member',
          keyFingerprint: (member?.keyFingerprint ?? '').replaceAll(' ', ''),
        }),
        parents: institutions,
      },
      ...institutions.map((each) => ({ uid: each, attrs: {}, parents: [] })),
      { uid: uid('Job', job.name), attrs: attrs({ ...job, signed: member !== null }), parents: [] },
      { uid: uid('Cohort', 'this'), attrs: { patients }, parents: [] },
      { uid: uid('Site', 'this'), attrs: attrs(siteAttributes), parents: [] },
    ],
  };
}

/** Cedar's decimals have four digits after the point: what is asked is rounded up, what is left down. */
function decimal(value: number, round: (value: number) => number) {
  return { __extn: { fn: 'decimal', arg: (round(Math.min(value, 1e9) * 1e4) / 1e4).toFixed(4) } };
}
