/**
 * The interface between a coordinator and its pages: every route with who may ask, what it is asked and what it answers.
 * Under `/api/v1`; JSON both ways unless a route says otherwise; errors as `{ code, message }`. Routes, the table of needs,
 * the pages' client and the test of who may ask are made from this one table. Pure: what a browser may see of this package.
 */
import type { Permission } from '@consilium/people/api';
import { z } from 'zod';
import * as job from './web/job-schemas.ts';
import { publicationSchema } from './web/publication-schema.ts';

export type { JobEntry, JobRound } from './web/job-schemas.ts';
export { licences, type Publication, publicationSchema } from './web/publication-schema.ts';

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'must be 1 to 64 of a-z, 0-9, ".", "_", "-"');
const count = z.int().min(0);
const casesSchema = z.object({ train: count, validation: count, test: count });

const siteSchema = z.object({
  siteId: z.string(),
  state: z.enum(['pending', 'admitted', 'revoked']),
  isConnected: z.boolean(),
  /** Since it was last heard of; null if it is not admitted. */
  silentSeconds: z.number().nullable(),
  /** As it has told in the newest survey of fingerprints; null if it has not. */
  cases: casesSchema.nullable(),
  tasks: z.array(z.object({ jobId: z.string(), kind: z.string(), round: z.number().nullable() })),
});

const overviewSchema = z.object({
  project: z.string(),
  /** Where sites reach the coordinator. */
  origin: z.string(),
  sites: z.array(siteSchema),
  /** How many jobs are in each state. */
  jobs: z.record(z.string(), z.number()),
  /** Keys that wait to be admitted. */
  waiting: z.number(),
  /** Logs of sites that are not what they were. */
  alarms: z.number(),
  /** Of the finished training jobs, the highest validation score. */
  best: z.object({ jobId: z.string(), score: z.number() }).nullable(),
});

const matrixSchema = z.object({
  sites: z.array(z.string()),
  models: z.array(
    z.object({
      name: z.string(),
      /** The survey that asked. */
      askedBy: z.string(),
      /** The job whose weights were tested, if it is one of this coordinator. */
      jobId: z.string().nullable(),
      split: z.string(),
      /** Mean Dice at each of `sites`; null: not tested there, or no case. */
      scores: z.array(z.number().nullable()),
      cases: z.array(z.number()),
    }),
  ),
});

const fingerprintsSchema = z
  .object({
    askedBy: z.string(),
    sites: z.array(
      z.object({
        siteId: z.string(),
        cases: casesSchema,
        fingerprint: z.unknown(),
        /** What the site tells beyond it; absent from sites of before. */
        description: z.unknown().optional(),
      }),
    ),
  })
  .nullable();

const privacySchema = z.object({
  /** At which every ε stands. */
  delta: z.number(),
  sites: z.array(
    z.object({
      siteId: z.string(),
      /** Of all its private trainings together, at least; the site’s own ledger counts. null: unbounded. */
      epsilon: z.number().nullable(),
      jobs: z.array(z.object({ jobId: z.string(), trainings: z.number(), epsilon: z.number().nullable() })),
    }),
  ),
  /** Tasks that people at sites have to decide about. */
  waiting: z.array(z.object({ siteId: z.string(), jobId: z.string(), task: z.string(), since: z.string() })),
  /** What sites have not allowed, or had no budget for. */
  refusals: z.array(
    z.object({ siteId: z.string(), jobId: z.string(), round: z.number(), code: z.string(), message: z.string() }),
  ),
  /** Who stands for each job, as it was signed. */
  signed: z.array(
    z.object({
      jobId: z.string(),
      signatures: z.array(z.object({ as: z.string(), member: z.string(), signedAt: z.string() })),
    }),
  ),
});

const memberSchema = z.object({
  role: z.enum(['site', 'member']),
  id: z.string(),
  state: z.enum(['pending', 'admitted', 'revoked']),
  /** Of its key: what people compare before it is admitted. */
  fingerprint: z.string(),
});
const whomSchema = z.strictObject({ role: z.enum(['site', 'member']), id: name });
const auditEntrySchema = z.object({
  number: z.number(),
  time: z.string(),
  actor: z.object({ kind: z.string(), id: z.string() }),
  action: z.string(),
  subjects: z.array(z.object({ kind: z.string(), id: z.string() })).readonly(),
  outcome: z.enum(['allowed', 'done', 'refused', 'failed']),
  code: z.string().optional(),
  reason: z.string().optional(),
});

const experimentEntrySchema = z.object({
  id: z.string(),
  name: z.string(),
  question: z.string(),
  synthetic: z.boolean(),
  configurations: z.number(),
  runs: z.number(),
  /** ISO 8601. */
  storedAt: z.string(),
});

/** What has happened, in the stream of `GET /events`: what the pages show of it has to be asked for again. */
export type ProjectNews =
  | { readonly kind: 'job'; readonly jobId: string; readonly event: string; readonly progress?: TaskStep }
  | { readonly kind: 'members' | 'sites' | 'experiments' | 'publication' };

/** How far a site is with a task. */
export interface TaskStep {
  readonly siteId: string;
  readonly round: number;
  readonly done: number;
  readonly of: number;
}

export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under the prefix; parameters as `:name`. */
  readonly path: string;
  readonly needs: Permission;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** JSON, or the media type of a text. */
  readonly answer: z.ZodType | 'text/csv' | 'text/event-stream';
}

const jobParams = z.object({ jobId: name });
const experimentParams = z.object({ id: name });
const jobAct = { params: jobParams, needs: 'project.control', answer: job.statusSchema } as const;

export const routes = {
  overview: {
    ...{ method: 'GET', path: '/overview', needs: 'project.read', summary: 'Sites, jobs and what waits.' },
    answer: overviewSchema,
  },
  events: {
    ...{ method: 'GET', path: '/events', needs: 'project.read', summary: 'What happens, as it happens.' },
    answer: 'text/event-stream',
  },
  jobs: {
    ...{ method: 'GET', path: '/jobs', needs: 'project.read', summary: 'All jobs, the newest first.' },
    answer: z.array(job.entrySchema),
  },
  job: {
    ...{ method: 'GET', path: '/jobs/:jobId', needs: 'project.read', summary: 'A job with its rounds.' },
    ...{ params: jobParams, answer: job.detailsSchema },
  },
  jobMetrics: {
    ...{ method: 'GET', path: '/jobs/:jobId/metrics.csv', needs: 'project.read', summary: 'Its numbers, RFC 4180.' },
    ...{ params: jobParams, answer: 'text/csv' },
  },
  pause: { method: 'POST', path: '/jobs/:jobId/pause', summary: 'Pause a job.', ...jobAct },
  resume: { method: 'POST', path: '/jobs/:jobId/resume', summary: 'Have a job go on.', ...jobAct },
  abort: { method: 'POST', path: '/jobs/:jobId/abort', summary: 'End a job for good.', ...jobAct },
  matrix: {
    ...{ method: 'GET', path: '/matrix', needs: 'project.read', summary: 'Models across sites.' },
    answer: matrixSchema,
  },
  fingerprints: {
    ...{ method: 'GET', path: '/fingerprints', needs: 'project.read', summary: 'What sites have told of their data.' },
    answer: fingerprintsSchema,
  },
  privacy: {
    ...{ method: 'GET', path: '/privacy', needs: 'project.read', summary: 'What privacy cost; approvals.' },
    answer: privacySchema,
  },
  members: {
    ...{ method: 'GET', path: '/members', needs: 'project.read', summary: 'Who belongs to the project.' },
    answer: z.array(memberSchema),
  },
  invite: {
    ...{ method: 'POST', path: '/invitations', needs: 'project.members', summary: 'Invite a site or a member.' },
    body: whomSchema.extend({ hours: z.number().positive().max(2160).default(72) }),
    /** One line of text, to be handed over to that one. */
    answer: z.object({ invitation: z.string() }),
  },
  admit: {
    ...{ method: 'POST', path: '/members/admit', needs: 'project.members', summary: 'Let in a key that was compared.' },
    ...{ body: whomSchema.extend({ fingerprint: z.string().min(1).max(200) }), answer: memberSchema },
  },
  revoke: {
    ...{ method: 'POST', path: '/members/revoke', needs: 'project.members', summary: 'Let in somebody no more.' },
    ...{ body: whomSchema, answer: memberSchema },
  },
  audit: {
    ...{ method: 'GET', path: '/audit', needs: 'audit.read', summary: 'Who did what, the newest first.' },
    query: z.object({
      last: z.coerce.number().int().min(1).max(1000).default(200),
      action: z.string().max(100).optional(),
      about: z.string().max(200).optional(),
    }),
    answer: z.object({
      entries: z.array(auditEntrySchema),
      /** Of the newest signed head. */
      size: z.number(),
      root: z.string(),
      /** Logs of sites that are not what they were when they were last shown. */
      alarms: z.array(z.object({ origin: z.string(), code: z.string(), time: z.string() })),
      /** What each action means. */
      actions: z.record(z.string(), z.string()),
    }),
  },
  experiments: {
    ...{ method: 'GET', path: '/experiments', needs: 'project.read', summary: 'Experiments, the newest first.' },
    answer: z.array(experimentEntrySchema),
  },
  experiment: {
    ...{ method: 'GET', path: '/experiments/:id', needs: 'project.read', summary: 'The record of an experiment.' },
    ...{ params: experimentParams, answer: z.unknown() },
  },
  putExperiment: {
    ...{ method: 'PUT', path: '/experiments/:id', needs: 'experiment.write', summary: 'Bring in a record.' },
    params: experimentParams,
    /** As `consilium experiment run` leaves it in `experiment.json`; what it says in full, who shows it checks. */
    body: z.looseObject({
      version: z.literal(1),
      experiment: z.looseObject({ name: z.string().max(32), question: z.string().max(2000).default('') }),
      synthetic: z.boolean(),
      configurations: z.array(z.unknown()).min(1).max(10_000),
      runs: z.array(z.unknown()).max(100_000),
    }),
    answer: experimentEntrySchema,
  },
  publication: {
    ...{ method: 'GET', path: '/publication', needs: 'project.read', summary: 'What a publication shall say.' },
    answer: z.object({
      publication: publicationSchema.nullable(),
      /** Where `consilium publish` finds it. */
      file: z.string(),
    }),
  },
  putPublication: {
    ...{ method: 'PUT', path: '/publication', needs: 'project.publish', summary: 'Write what it shall say.' },
    ...{ body: publicationSchema, answer: z.object({ file: z.string() }) },
  },
} as const satisfies Record<string, RouteContract>;

export type RouteName = keyof typeof routes;
type Contract<N extends RouteName> = (typeof routes)[N];
export type Answer<N extends RouteName> = Contract<N>['answer'] extends z.ZodType
  ? z.output<Contract<N>['answer']>
  : string;
type Part<N extends RouteName, K extends 'params' | 'query' | 'body', How extends 'input' | 'output'> =
  Contract<N> extends { readonly [key in K]: infer S extends z.ZodType }
    ? How extends 'input'
      ? z.input<S>
      : z.output<S>
    : undefined;
/** What is asked, as who asks writes it. */
export interface Asked<N extends RouteName> {
  readonly params: Part<N, 'params', 'input'>;
  readonly query: Part<N, 'query', 'input'>;
  readonly body: Part<N, 'body', 'input'>;
}
/** What is asked, as it is read. */
export interface Read<N extends RouteName> {
  readonly params: Part<N, 'params', 'output'>;
  readonly query: Part<N, 'query', 'output'>;
  readonly body: Part<N, 'body', 'output'>;
}
