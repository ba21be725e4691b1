/** What the annotator asks of the reading room: every answer is of the type that the reading room's own table says. */
import type { Answer, Asked, RouteName } from '@consilium/reading/api';
import { queryOptions } from '@tanstack/react-query';
import { askAt, askStream } from '../parts/service-client.ts';

const root = '/reading/v1';
const pathOf = (...parts: readonly string[]) => parts.map((part) => `/${encodeURIComponent(part)}`).join('');

/** Which task of which project. */
export interface TaskName {
  readonly project: string;
  readonly taskId: string;
}

export type Task = Answer<'task'>;
export type Lease = Answer<'open'>;
export type Model = Answer<'listModels'>[number];
export type Trial = Answer<'listTrials'>[number];
export type WireStroke = Answer<'draft'>['strokes'][number];

function question<N extends RouteName>(_name: N, key: readonly unknown[], route: string) {
  return queryOptions({ queryKey: key, queryFn: ({ signal }) => askAt<Answer<N>>(root + route, { signal }) });
}

export const me = question('me', ['me'], '/me');
export const projects = question('listProjects', ['projects'], '/projects');
export const tasks = (project: string) =>
  question('listTasks', ['tasks', project], `/projects${pathOf(project)}/tasks?limit=500`);
export const task = ({ project, taskId }: TaskName) =>
  question('task', ['task', project, taskId], `/projects${pathOf(project)}/tasks${pathOf(taskId)}`);
export const protocol = (project: string, version: number) =>
  question('protocol', ['protocol', project, version], `/projects${pathOf(project)}/protocol?version=${version}`);
export const reviews = ({ project, taskId }: TaskName) =>
  question('listReviews', ['reviews', project, taskId], `/projects${pathOf(project)}/tasks${pathOf(taskId)}/reviews`);

export const app = (project: string) => question('projectApp', ['app', project], `/projects${pathOf(project)}/app`);
export const models = (project: string) =>
  question('listModels', ['models', project], `/projects${pathOf(project)}/models`);
export const trials = (project: string) =>
  question('listTrials', ['trials', project], `/projects${pathOf(project)}/trials`);
export const validation = (project: string) =>
  question('validation', ['validation', project], `/projects${pathOf(project)}/validation`);
export const version = (project: string, id: string) =>
  question('version', ['version', project, id], `/projects${pathOf(project)}/versions${pathOf(id)}`);
export const proposal = (project: string, id: string) =>
  question('proposal', ['proposal', project, id], `/projects${pathOf(project)}/versions${pathOf(id)}/proposal`);

type TaskPost =
  | 'open'
  | 'heartbeat'
  | 'draw'
  | 'submit'
  | 'choose'
  | 'skip'
  | 'withdraw'
  | 'takeReview'
  | 'leaveReview'
  | 'decide';
const postPaths: Readonly<Record<TaskPost, string>> = {
  ...{
    open: 'open',
    heartbeat: 'heartbeat',
    draw: 'strokes',
    submit: 'submit',
    choose: 'choose',
    skip: 'skip',
    withdraw: 'withdraw',
  },
  ...{ takeReview: 'review', leaveReview: 'review/leave', decide: 'review/decide' },
};

/** @throws ServiceError */
export function postTask<N extends TaskPost>(
  name: N,
  { project, taskId }: TaskName,
  body: unknown = {},
  signal?: AbortSignal,
): Promise<Answer<N>> {
  const address = `${root}/projects${pathOf(project)}/tasks${pathOf(taskId)}/${postPaths[name]}`;
  return askAt<Answer<N>>(address, { method: 'POST', body, ...(signal === undefined ? {} : { signal }) });
}

/** @throws ServiceError */
export function openNext(project: string): Promise<Answer<'openNext'>> {
  return askAt(`${root}/projects${pathOf(project)}/next`, { method: 'POST' });
}

/** @throws ServiceError */
export function postModel<N extends 'tryModel' | 'retireModel'>(
  name: N,
  { digest, project }: { readonly project: string; readonly digest: string },
): Promise<Answer<N>> {
  const act = name === 'tryModel' ? 'trial' : 'retire';
  return askAt(`${root}/projects${pathOf(project)}/models${pathOf(digest)}/${act}`, { method: 'POST', body: {} });
}

/** @throws ServiceError */
export function askDraft({ project, taskId }: TaskName): Promise<Answer<'draft'>> {
  return askAt(`${root}/projects${pathOf(project)}/tasks${pathOf(taskId)}/draft`);
}

/** @throws ServiceError */
export function askVolume(project: string, caseId: string): Promise<Answer<'volume'>> {
  return askAt(`${root}/projects${pathOf(project)}/cases${pathOf(caseId)}/volume`);
}

/** What a tool of the project's app finds. @throws ServiceError */
export function askTool(
  { caseId, project }: { project: string; caseId: string },
  body: Asked<'runTool'>['body'],
): Promise<Answer<'runTool'>> {
  return askAt(`${root}/projects${pathOf(project)}/cases${pathOf(caseId)}/tool`, { method: 'POST', body });
}

/** Deflated slices. @throws ServiceError */
export function askChunk(
  { caseId, project }: { project: string; caseId: string },
  chunk: number,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  return askStream(`${root}/projects${pathOf(project)}/cases${pathOf(caseId)}/volume/${chunk}`, signal);
}

export const besideSeries = (project: string, caseId: string) =>
  question('listBeside', ['beside', project, caseId], `/projects${pathOf(project)}/cases${pathOf(caseId)}/series`);

/** @throws ServiceError */
export function askBesideVolume(
  { caseId, project }: { project: string; caseId: string },
  series: string,
): Promise<Answer<'besideVolume'>> {
  return askAt(`${root}/projects${pathOf(project)}/cases${pathOf(caseId)}/series${pathOf(series)}/volume`);
}

/** Deflated slices. @throws ServiceError */
export function askBesideChunk(
  { caseId, project, series }: { project: string; caseId: string; series: string },
  chunk: number,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  return askStream(
    `${root}/projects${pathOf(project)}/cases${pathOf(caseId)}/series${pathOf(series)}/volume/${chunk}`,
    signal,
  );
}

/** Runs of one layer of a version. @throws ServiceError */
export async function askRuns(project: string, version: string, layer: number): Promise<Uint8Array> {
  const bytes = await askStream(`${root}/projects${pathOf(project)}/versions${pathOf(version)}/layers/${layer}`);
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}

/** Values 0 to 255 of the image's voxels, as runs: how unsure a model was, or how readers disagree. @throws ServiceError */
export async function askHeat(project: string, of: { version: string } | { caseId: string }): Promise<Uint8Array> {
  const path = 'version' in of ? `/versions${pathOf(of.version)}/heat` : `/cases${pathOf(of.caseId)}/disagreement`;
  const bytes = await askStream(`${root}/projects${pathOf(project)}${path}`);
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}

/** @throws ServiceError */
export function openPrompts({ project, taskId }: TaskName, leaseId: string): Promise<Answer<'openSession'>> {
  const address = `${root}/projects${pathOf(project)}/tasks${pathOf(taskId)}/session`;
  return askAt(address, { method: 'POST', body: { leaseId } });
}

type PromptPost = 'prompt' | 'sessionHeartbeat' | 'closeSession';
const promptPaths: Readonly<Record<PromptPost, string>> = {
  ...{ prompt: 'prompts', sessionHeartbeat: 'heartbeat', closeSession: 'close' },
};

/** @throws ServiceError */
export function postPrompt<N extends PromptPost>(
  name: N,
  { project, session, taskId }: TaskName & { session: string },
  body: unknown = {},
): Promise<Answer<N>> {
  const address = `${root}/projects${pathOf(project)}/tasks${pathOf(taskId)}/session${pathOf(session)}/${promptPaths[name]}`;
  return askAt<Answer<N>>(address, { method: 'POST', body });
}
