/**
 * Every route of the native interface, with what it is asked and what it answers. Routes, OpenAPI document, client and the
 * test of who may ask are made from this one table.
 */
import { z } from 'zod';
import { appAnswer, appListAnswer, protocolBody, toolAnswer, toolBody } from './app-schemas.ts';
import { modelRoutes } from './model-routes.ts';
import { protocolSchema } from './protocol-schema.ts';
import * as schemas from './reading-schemas.ts';
import type { RouteContract } from './route-contract.ts';

export type { RouteContract } from './route-contract.ts';

const { caseParams, layerParams, projectParams, taskParams, versionParams } = schemas;
const bytes = 'application/octet-stream';
const project = '/projects/:project';
const task = `${project}/tasks/:task`;
const beside = `${project}/cases/:case/series`;
const protocolAnswer = z.object({ version: z.number(), protocol: protocolSchema });
const versionNumber = z.object({ version: z.number() });

const projects = {
  me: { method: 'GET', path: '/me', summary: 'Who asks.', answer: schemas.askerSchema },
  listProjects: {
    method: 'GET',
    path: '/projects',
    summary: 'Projects of who asks.',
    answer: z.array(schemas.projectEntrySchema).readonly(),
  },
  createProject: {
    ...{ method: 'PUT', path: project, summary: 'Make a project with its first protocol, or from an app.' },
    ...{ params: projectParams, body: protocolBody, answer: versionNumber },
  },
  protocol: {
    ...{ method: 'GET', path: `${project}/protocol`, summary: 'A version of the protocol, or the newest.' },
    ...{ params: projectParams, query: schemas.protocolQuery, answer: protocolAnswer },
  },
  reviseProtocol: {
    ...{
      method: 'POST',
      path: `${project}/protocol`,
      summary: 'Add a version of the protocol, or an app’s; tasks keep theirs.',
    },
    ...{ params: projectParams, body: protocolBody, answer: versionNumber },
  },
  listApps: { method: 'GET', path: '/apps', summary: 'From what projects can be made.', answer: appListAnswer },
  projectApp: {
    ...{
      method: 'GET',
      path: `${project}/app`,
      summary: 'The app that a project comes from, as it was then; or null.',
    },
    ...{ params: projectParams, answer: appAnswer.nullable() },
  },
  runTool: {
    ...{ method: 'POST', path: `${project}/cases/:case/tool`, summary: 'What a tool finds around what is marked.' },
    ...{ params: caseParams, body: toolBody, answer: toolAnswer },
  },
  addCases: {
    ...{ method: 'POST', path: `${project}/cases`, summary: 'Make cases of series, with their tasks.' },
    ...{ params: projectParams, body: schemas.newCasesSchema, answer: z.array(schemas.caseMadeSchema).readonly() },
  },
  propose: {
    ...{
      method: 'POST',
      path: `${project}/cases/:case/proposal`,
      summary: 'A model’s label, with which drawing begins.',
    },
    ...{ params: caseParams, query: schemas.proposalQuery, body: 'file', answer: schemas.versionNameSchema },
  },
} as const satisfies Record<string, RouteContract>;

const tasks = {
  listTasks: {
    ...{ method: 'GET', path: `${project}/tasks`, summary: 'Tasks that who asks may see, the most urgent first.' },
    ...{ params: projectParams, query: schemas.taskQuery, answer: z.array(schemas.taskSchema).readonly() },
  },
  task: { method: 'GET', path: task, summary: 'A task.', params: taskParams, answer: schemas.taskSchema },
  openNext: {
    ...{ method: 'POST', path: `${project}/next`, summary: 'Open the next task; null if there is none.' },
    ...{ params: projectParams, answer: schemas.leaseSchema.nullable() },
  },
  open: {
    method: 'POST',
    path: `${task}/open`,
    summary: 'Open a task.',
    params: taskParams,
    answer: schemas.leaseSchema,
  },
  heartbeat: {
    ...{ method: 'POST', path: `${task}/heartbeat`, summary: 'A sign of life.' },
    ...{ params: taskParams, body: schemas.leaseBody, answer: schemas.untilSchema },
  },
  draft: {
    ...{ method: 'GET', path: `${task}/draft`, summary: 'What was drawn since the last version, stroke by stroke.' },
    ...{ params: taskParams, query: schemas.sinceQuery, answer: schemas.draftSchema },
  },
  draw: {
    ...{ method: 'POST', path: `${task}/strokes`, summary: 'Keep strokes; durable when answered.' },
    ...{ params: taskParams, body: schemas.drawBody, answer: schemas.lastSeqSchema },
  },
  submit: {
    ...{ method: 'POST', path: `${task}/submit`, summary: 'Hand in what was drawn.' },
    ...{ params: taskParams, body: schemas.submitBody, answer: schemas.keptSchema },
  },
  upload: {
    ...{ method: 'POST', path: `${task}/versions`, summary: 'Keep a label that was drawn elsewhere.' },
    ...{ params: taskParams, query: schemas.uploadQuery, body: 'file', answer: schemas.keptSchema },
  },
  choose: {
    ...{
      method: 'POST',
      path: `${task}/choose`,
      summary: 'Of versions that could not be merged, the one that counts.',
    },
    ...{ params: taskParams, body: schemas.chooseBody, answer: schemas.doneSchema },
  },
  skip: {
    ...{ method: 'POST', path: `${task}/skip`, summary: 'Give a task back.' },
    ...{ params: taskParams, body: schemas.reasonBody, answer: schemas.doneSchema },
  },
  withdraw: {
    method: 'POST',
    path: `${task}/withdraw`,
    summary: 'Take a submission back.',
    params: taskParams,
    answer: schemas.doneSchema,
  },
  assign: {
    ...{ method: 'POST', path: `${task}/assign`, summary: 'Give a task to a person, or to the pool.' },
    ...{ params: taskParams, body: schemas.assignBody, answer: schemas.doneSchema },
  },
} as const satisfies Record<string, RouteContract>;

const reviews = {
  takeReview: {
    method: 'POST',
    path: `${task}/review`,
    summary: 'Take a task to review.',
    params: taskParams,
    answer: schemas.doneSchema,
  },
  leaveReview: {
    method: 'POST',
    path: `${task}/review/leave`,
    summary: 'Leave a review to others.',
    params: taskParams,
    answer: schemas.doneSchema,
  },
  decide: {
    ...{ method: 'POST', path: `${task}/review/decide`, summary: 'Approve, or ask for changes.' },
    ...{ params: taskParams, body: schemas.decisionBody, answer: schemas.doneSchema },
  },
  listReviews: {
    ...{ method: 'GET', path: `${task}/reviews`, summary: 'What reviewers said.' },
    ...{ params: taskParams, answer: z.array(schemas.reviewSchema).readonly() },
  },
  reopen: {
    ...{ method: 'POST', path: `${task}/reopen`, summary: 'Have what was approved drawn anew.' },
    ...{ params: taskParams, body: schemas.reasonBody, answer: schemas.doneSchema },
  },
  lock: {
    method: 'POST',
    path: `${task}/lock`,
    summary: 'Close a task for good.',
    params: taskParams,
    answer: schemas.doneSchema,
  },
} as const satisfies Record<string, RouteContract>;

const labels = {
  listVersions: {
    ...{ method: 'GET', path: `${project}/versions`, summary: 'Label versions that who asks may see.' },
    ...{ params: projectParams, query: schemas.versionsQuery, answer: z.array(schemas.versionSchema).readonly() },
  },
  version: {
    ...{ method: 'GET', path: `${project}/versions/:version`, summary: 'A label version.' },
    ...{ params: versionParams, answer: schemas.versionSchema },
  },
  versionRuns: {
    ...{ method: 'GET', path: `${project}/versions/:version/layers/:layer`, summary: 'Its voxels, as runs.' },
    ...{ params: layerParams, answer: bytes },
  },
  versionFile: {
    ...{ method: 'GET', path: `${project}/versions/:version/file`, summary: 'As a file for other programs.' },
    ...{ params: versionParams, query: schemas.exportQuery, answer: bytes },
  },
  volume: {
    ...{ method: 'GET', path: `${project}/cases/:case/volume`, summary: 'The image’s grid, and its chunks.' },
    ...{ params: caseParams, answer: schemas.volumeSchema },
  },
  chunk: {
    ...{ method: 'GET', path: `${project}/cases/:case/volume/:chunk`, summary: 'Some slices of the image.' },
    ...{ params: schemas.chunkParams, answer: bytes },
  },
  listBeside: {
    ...{
      method: 'GET',
      path: beside,
      summary: 'Series of the same study and of earlier ones, to be looked at beside.',
    },
    ...{ params: caseParams, answer: z.array(schemas.besideSchema).readonly() },
  },
  besideVolume: {
    ...{ method: 'GET', path: `${beside}/:series/volume`, summary: 'The grid of one of them, and its chunks.' },
    ...{ params: schemas.besideParams, answer: schemas.besideVolumeSchema },
  },
  besideChunk: {
    ...{ method: 'GET', path: `${beside}/:series/volume/:chunk`, summary: 'Some of its slices.' },
    ...{ params: schemas.besideChunkParams, answer: bytes },
  },
  agreement: {
    ...{ method: 'GET', path: `${project}/cases/:case/agreement`, summary: 'How the readers of a case agree.' },
    ...{ params: caseParams, answer: z.array(schemas.pairSchema).readonly() },
  },
  disagreement: {
    ...{
      method: 'GET',
      path: `${project}/cases/:case/disagreement`,
      summary: 'Where they disagree, 0 to 255, as runs.',
    },
    ...{ params: caseParams, answer: bytes },
  },
  agreementSummary: {
    ...{ method: 'GET', path: `${project}/agreement`, summary: 'How a project’s readers agree.' },
    ...{ params: projectParams, answer: z.array(schemas.summarySchema).readonly() },
  },
  measures: {
    ...{ method: 'GET', path: `${project}/measures`, summary: 'Time, edits, what became of proposals.' },
    ...{ params: projectParams, query: schemas.measuresQuery, answer: schemas.measuresSchema },
  },
  events: {
    ...{ method: 'GET', path: `${project}/events`, summary: 'What happened.' },
    ...{ params: projectParams, query: schemas.eventsQuery, answer: z.array(schemas.eventSchema).readonly() },
  },
  eventStream: {
    ...{ method: 'GET', path: `${project}/events/stream`, summary: 'What happens, as server-sent events.' },
    ...{ params: projectParams, query: schemas.eventsQuery, answer: 'text/event-stream' },
  },
  openapi: { method: 'GET', path: '/openapi.json', summary: 'This document.', answer: z.json() },
} as const satisfies Record<string, RouteContract>;

export const routeTable = { ...projects, ...tasks, ...reviews, ...labels, ...modelRoutes } as const;

export type RouteName = keyof typeof routeTable;
type Parsed<R, Part extends string> = R extends { readonly [key in Part]: infer S }
  ? S extends z.ZodType
    ? z.output<S>
    : never
  : undefined;

/** What a route is asked, once it is checked. */
export interface Asked<N extends RouteName> {
  readonly params: Parsed<(typeof routeTable)[N], 'params'>;
  readonly query: Parsed<(typeof routeTable)[N], 'query'>;
  readonly body: (typeof routeTable)[N] extends { readonly body: 'file' }
    ? Uint8Array
    : Parsed<(typeof routeTable)[N], 'body'>;
}

/** What a route answers, if that is JSON. */
export type Answer<N extends RouteName> = (typeof routeTable)[N]['answer'] extends z.ZodType
  ? z.output<(typeof routeTable)[N]['answer']>
  : never;
