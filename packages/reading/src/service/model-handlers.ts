/** Answers what is asked about models, proposals and prompts. */
import type { Answer } from '../contract/route-table.ts';
import { readModelFile } from '../models/model-file.ts';
import type { ModelEntry } from '../models/model-shelf.ts';
import { clicksOf } from '../models/prompt-clicks.ts';
import type { PromptSession } from '../models/prompt-sessions.ts';
import { changeAnswer, workAnswer } from './answers.ts';
import type { ReadingContext, Some } from './reading-context.ts';

export function modelHandlers({
  room: { models },
}: ReadingContext): Some<
  | ('listModels' | 'putModel' | 'modelFile' | 'retireModel' | 'promoteModel' | 'tryModel' | 'listTrials')
  | ('validation' | 'freezeValidation')
> {
  const { shelf, trials } = models;
  return {
    listModels: ({ params }) => shelf.list(params.project).map(modelAnswer),
    putModel: async ({ asker, body, params, query: { job, kind, name, round, structures } }) => {
      const origin = { ...(job === undefined ? {} : { job }), ...(round === undefined ? {} : { round }) };
      const mapping = structures === undefined ? {} : { structures };
      const files = await readModelFile(body);
      return modelAnswer(await shelf.put(asker, params.project, { name, kind, files, origin, ...mapping }));
    },
    modelFile: async ({ params: { file, model, project } }) =>
      (await shelf.files(shelf.get(project, model))).get(file)!,
    retireModel: async ({ asker, params }) => {
      await shelf.retire(asker, params.project, params.model);
      return {};
    },
    promoteModel: async ({ asker, params }) => {
      await shelf.promote(asker, params.project, params.model);
      return {};
    },
    tryModel: async ({ asker, body, params }) => ({
      work: [await trials.ask(asker, params.project, { digest: params.model, ...body })],
    }),
    listTrials: ({ params }) =>
      trials.list(params.project).map(({ against, ...trial }) => ({ ...trial, against: against ?? null })),
    validation: ({ params }) => trials.validationSet(params.project) ?? null,
    freezeValidation: ({ asker, body, params }) => trials.freeze(asker, params.project, body.cases),
  };
}

export function proposalHandlers({
  room: { models },
}: ReadingContext): Some<'askProposals' | 'askProposal' | 'proposal' | 'heat' | 'listWork' | 'work' | 'cancelWork'> {
  const { proposals } = models;
  return {
    askProposals: async ({ asker, body: { cases, model, ...wanted }, params }) => ({
      work: await proposals.ask(asker, params.project, {
        ...{ ...wanted, ...(cases === undefined ? {} : { cases }) },
        ...(model === undefined ? {} : { digest: model }),
      }),
    }),
    askProposal: async ({ asker, body: { model }, params: { case: caseId, project } }) => {
      const digest = model === undefined ? {} : { digest: model };
      const asked = await proposals.askFor(asker, project, { caseId, ...digest });
      return asked.kind === 'there' ? { version: asked.version, work: null } : { version: null, work: asked.work };
    },
    proposal: ({ asker, params }) => {
      const { disagreement, ...entry } = proposals.get(asker, params.project, params.version);
      return { ...entry, disagreement: disagreement ?? null };
    },
    heat: ({ asker, params }) => proposals.heat(asker, params.project, params.version),
    listWork: ({ asker, params }) => models.work(asker, params.project).map(workAnswer),
    work: ({ asker, params }) => workAnswer(models.workOf(asker, params.project, params.work)),
    cancelWork: async ({ asker, params }) => {
      await models.cancel(asker, params.project, params.work);
      return {};
    },
  };
}

export function promptHandlers({
  room: { models },
}: ReadingContext): Some<'openSession' | 'prompt' | 'sessionHeartbeat' | 'closeSession'> {
  const { sessions } = models;
  const nameOf = ({ project, task }: { project: string; task: string }) => ({ project, taskId: task });
  return {
    openSession: async ({ asker, body: { leaseId, model }, params }) =>
      sessionAnswer(await sessions.open(asker, { ...nameOf(params), leaseId, digest: model })),
    prompt: async ({ asker, body: { leaseId, scribbles, ...asked }, params }) => {
      const drawn = scribbles.map(({ runs, ...one }) => ({
        ...one,
        runs: new Uint8Array(Buffer.from(runs, 'base64')),
      }));
      const prompt = clicksOf({ ...asked, box: asked.box, lasso: asked.lasso, scribbles: drawn });
      const session = { ...nameOf(params), session: params.session };
      const { delta, ...answer } = await sessions.prompt(asker, { ...session, leaseId, prompt });
      return { ...answer, change: delta === undefined ? null : changeAnswer(delta) } as Answer<'prompt'>;
    },
    sessionHeartbeat: ({ asker, params }) =>
      sessionAnswer(sessions.heartbeat(asker, { ...nameOf(params), session: params.session })),
    closeSession: async ({ asker, params }) => {
      await sessions.close(asker, { ...nameOf(params), session: params.session });
      return {};
    },
  };
}

function modelAnswer({ files: _files, project: _project, promotedMs, ...entry }: ModelEntry): Answer<'putModel'> {
  return { ...entry, promotedMs: promotedMs ?? null };
}

function sessionAnswer({ offered, ...session }: PromptSession): Answer<'openSession'> {
  return { ...session, offered: offered ?? null };
}
