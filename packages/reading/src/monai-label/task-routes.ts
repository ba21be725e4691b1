/** `/train`, `/scoring` and `/batch/infer`: work whose state is asked for afterwards. */
import { z } from 'zod';
import { ReadingError } from '../reading-error.ts';
import type { TaskAnswer, TaskKind } from './background-tasks.ts';
import { diceBetweenTags } from './dice-scoring.ts';
import {
  type AddRoute,
  checked,
  jsonOf,
  type MonaiContext,
  type MonaiHandler,
  queryOf,
  truth,
} from './monai-context.ts';

const statusQuery = z.object({ all: truth.default(false), check_if_running: truth.default(false) });
export const runQuery = z.object({ run_sync: truth.default(false), enqueue: truth.default(false) });
const tagsSchema = z.looseObject({ y: z.string().max(200).optional(), y_pred: z.string().max(200).optional() });

export function taskRoutes(add: AddRoute, context: MonaiContext): void {
  add('GET /train/', statusHandler(context, 'train'));
  add('DELETE /train/', () => context.tasks.stop('train') ?? null);
  // There are no trainers: nothing is begun, and nothing failed.
  add('POST /train/', async (turn) => {
    await jsonOf(turn);
    return {};
  });
  add('POST /train/:model', async (turn) => {
    const request = { ...(await jsonOf(turn)), model: turn.params['model'] };
    return context.tasks.begin('train', request, () => wishToTrain(context, turn)).ended;
  });
  add('GET /scoring/', statusHandler(context, 'scoring'));
  add('DELETE /scoring/', () => context.tasks.stop('scoring') ?? null);
  add('POST /scoring/', async (turn) => {
    const params = await jsonOf(turn);
    const result = scoring(context, turn.asker, { ...params, ...(params['dice'] as object | undefined) });
    return { dice: { result: result.answer, detail: null } };
  });
  add('POST /scoring/:method', async (turn) => {
    if (turn.params['method'] !== 'dice')
      throw new ReadingError('reading.not-found', 'There is no such scoring method.');
    const { run_sync: isWaitedFor } = queryOf(runQuery, turn);
    const task = scoring(context, turn.asker, await jsonOf(turn));
    return isWaitedFor ? (await task.ended).result : task.answer;
  });
}

function scoring(
  { datastore, room, tasks }: MonaiContext,
  asker: Parameters<MonaiHandler>[0]['asker'],
  params: object,
) {
  const tags = checked(tagsSchema, params, 'body');
  return tasks.begin('scoring', { method: 'dice', ...tags }, ({ say, signal }) =>
    diceBetweenTags({ datastore, room }, asker, { say, signal, tags: tagsOf(tags) }),
  );
}

function tagsOf({ y, y_pred }: z.output<typeof tagsSchema>): { y?: string; y_pred?: string } {
  return { ...(y === undefined ? {} : { y }), ...(y_pred === undefined ? {} : { y_pred }) };
}

/** A hospital trains in jobs that several take part in: that somebody wants a model trained is written down, no more. */
async function wishToTrain(
  { datastore, room }: MonaiContext,
  { asker, params }: Parameters<MonaiHandler>[0],
): Promise<never> {
  await room.wishForTraining(asker, datastore.project, params['model']!.slice(0, 200));
  const message =
    'Nothing is trained by this. Models are trained in jobs that several hospitals take part in. That you want it was written down for who leads the project.';
  throw new ReadingError('reading.trains-elsewhere', message);
}

/** Not found if there is none: clients take that for "not running". */
export function statusHandler({ tasks }: MonaiContext, kind: TaskKind): MonaiHandler {
  return (turn): TaskAnswer | readonly TaskAnswer[] => {
    const { all, check_if_running: isRunning } = queryOf(statusQuery, turn);
    const answer = isRunning ? tasks.running(kind) : tasks.all(kind).at(-1);
    if (answer === undefined) throw new ReadingError('reading.not-found', 'No work of this kind is there.');
    return all && !isRunning ? tasks.all(kind) : answer;
  };
}
