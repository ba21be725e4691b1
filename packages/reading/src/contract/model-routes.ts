/** The part of the table of routes that is about models. */
import { z } from 'zod';
import * as schemas from './model-schemas.ts';
import { doneSchema, projectParams, versionParams } from './reading-schemas.ts';
import type { RouteContract } from './route-contract.ts';

const bytes = 'application/octet-stream';
const project = '/projects/:project';
const model = `${project}/models/:model`;
const session = `${project}/tasks/:task/session`;
const { modelParams, sessionParams } = schemas;

export const modelRoutes = {
  listModels: {
    ...{ method: 'GET', path: `${project}/models`, summary: 'The models of a project, champions first.' },
    ...{ params: projectParams, answer: z.array(schemas.modelSchema).readonly() },
  },
  putModel: {
    ...{ method: 'POST', path: `${project}/models`, summary: 'Put a model on the shelf, as the zip of its files.' },
    ...{ params: projectParams, query: schemas.newModelQuery, body: 'file', answer: schemas.modelSchema },
  },
  modelFile: {
    ...{ method: 'GET', path: `${model}/files/:file`, summary: 'A file of a model.' },
    ...{ params: schemas.modelFileParams, answer: bytes },
  },
  retireModel: {
    ...{ method: 'POST', path: `${model}/retire`, summary: 'Have a model propose no more.' },
    ...{ params: modelParams, answer: doneSchema },
  },
  promoteModel: {
    ...{ method: 'POST', path: `${model}/promote`, summary: 'Make an interactive model the champion, untried.' },
    ...{ params: modelParams, answer: doneSchema },
  },
  tryModel: {
    ...{ method: 'POST', path: `${model}/trial`, summary: 'Measure a candidate against the champion.' },
    ...{ params: modelParams, body: schemas.trialBody, answer: schemas.worksSchema },
  },
  listTrials: {
    ...{ method: 'GET', path: `${project}/trials`, summary: 'How candidates did, the latest first.' },
    ...{ params: projectParams, answer: z.array(schemas.trialSchema).readonly() },
  },
  validation: {
    ...{ method: 'GET', path: `${project}/validation`, summary: 'On what candidates are measured.' },
    ...{ params: projectParams, answer: schemas.validationSchema.nullable() },
  },
  freezeValidation: {
    ...{ method: 'POST', path: `${project}/validation`, summary: 'Set approved cases aside to measure models on.' },
    ...{ params: projectParams, body: schemas.validationBody, answer: schemas.validationSchema },
  },
  askProposals: {
    ...{ method: 'POST', path: `${project}/proposals`, summary: 'Have labels proposed, now or at night.' },
    ...{ params: projectParams, body: schemas.proposalsBody, answer: schemas.worksSchema },
  },
  askProposal: {
    ...{ method: 'POST', path: `${project}/cases/:case/propose`, summary: 'Have a label proposed for a case at once.' },
    ...{ params: schemas.caseParams, body: schemas.proposeBody, answer: schemas.proposeSchema },
  },
  proposal: {
    ...{ method: 'GET', path: `${project}/versions/:version/proposal`, summary: 'How sure the model was.' },
    ...{ params: versionParams, answer: schemas.proposalSchema },
  },
  heat: {
    ...{ method: 'GET', path: `${project}/versions/:version/heat`, summary: 'Where it was unsure, 0 to 255, as runs.' },
    ...{ params: versionParams, answer: bytes },
  },
  listWork: {
    ...{ method: 'GET', path: `${project}/work`, summary: 'What models do, have to do, and have done.' },
    ...{ params: projectParams, answer: z.array(schemas.workSchema).readonly() },
  },
  work: {
    ...{ method: 'GET', path: `${project}/work/:work`, summary: 'How far a work is.' },
    ...{ params: schemas.workParams, answer: schemas.workSchema },
  },
  cancelWork: {
    ...{ method: 'POST', path: `${project}/work/:work/cancel`, summary: 'End a work.' },
    ...{ params: schemas.workParams, answer: doneSchema },
  },
  openSession: {
    ...{ method: 'POST', path: session, summary: 'Ready an image for prompts.' },
    ...{ params: sessionParams.omit({ session: true }), body: schemas.openSessionBody, answer: schemas.sessionSchema },
  },
  prompt: {
    ...{ method: 'POST', path: `${session}/:session/prompts`, summary: 'What the network would change.' },
    ...{ params: sessionParams, body: schemas.promptBody, answer: schemas.promptSchema },
  },
  sessionHeartbeat: {
    ...{ method: 'POST', path: `${session}/:session/heartbeat`, summary: 'A sign of life.' },
    ...{ params: sessionParams, answer: schemas.sessionSchema },
  },
  closeSession: {
    ...{ method: 'POST', path: `${session}/:session/close`, summary: 'End a session.' },
    ...{ params: sessionParams, answer: doneSchema },
  },
} as const satisfies Record<string, RouteContract>;
