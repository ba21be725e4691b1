/** A model that answers prompts: opened when the first is made, kept while there are more, its answer shown before it counts. */
import { type Asked, encodeRuns } from '@consilium/reading/api';
import { ServiceError } from '../../parts/service-error.ts';
import { openPrompts, postPrompt } from '../reading-asking.ts';
import type { Pointed, Scribble, Suggestion } from './pointed.ts';
import { base64Of, deltaOf, type TaskSession } from './task-session.ts';

type Triple = readonly [number, number, number];
type WireScribble = Asked<'prompt'>['body']['scribbles'][number];

export class PromptSession {
  readonly #task: TaskSession;
  #id: Promise<string> | undefined;

  constructor(task: TaskSession) {
    this.#task = task;
  }

  /** @throws ServiceError also while strokes wait: the model answers on what the reading room has. */
  async ask(structure: number, { box, clicks, lasso, scribbles }: Pointed): Promise<Suggestion> {
    if (!(await this.#task.queue.settle())) {
      throw (
        this.#task.queue.error ??
        new ServiceError({ code: 'console.unreachable', message: 'The service did not answer.', status: 0 })
      );
    }
    const body = {
      ...{ leaseId: this.#task.leaseId, structure, clicks, scribbles: scribbles.map(wireScribble) },
      ...(box === undefined ? {} : { box }),
      ...(lasso === undefined ? {} : { lasso }),
    };
    const answer = await this.#post(body).catch((error: unknown) => {
      // A session ends by itself when nobody points for a while.
      if (!(error instanceof ServiceError && error.code === 'reading.session-unknown')) throw error;
      this.#id = undefined;
      return this.#post(body);
    });
    const { change, latencyMs, model } = answer;
    return { change: change === null ? undefined : deltaOf(change), model, latencyMs };
  }

  close(): void {
    const id = this.#id;
    this.#id = undefined;
    void id?.then((session) => postPrompt('closeSession', { ...this.#task.name, session })).catch(() => {});
  }

  async #post(body: unknown) {
    this.#id ??= openPrompts(this.#task.name, this.#task.leaseId).then(({ id }) => id);
    this.#id.catch(() => {
      this.#id = undefined;
    });
    return postPrompt('prompt', { ...this.#task.name, session: await this.#id }, body);
  }
}

/** As runs of the box around it. */
function wireScribble({ isForeground, voxels }: Scribble): WireScribble {
  const along = (axis: 0 | 1 | 2) => voxels.map((voxel) => voxel[axis]);
  const first: Triple = [Math.min(...along(0)), Math.min(...along(1)), Math.min(...along(2))];
  const last: Triple = [Math.max(...along(0)), Math.max(...along(1)), Math.max(...along(2))];
  const [depth, rows, columns] = [0, 1, 2].map((axis) => last[axis]! - first[axis]! + 1) as [number, number, number];
  const mask = new Uint8Array(depth * rows * columns);
  for (const [z, y, x] of voxels) mask[((z - first[0]) * rows + y - first[1]) * columns + x - first[2]] = 1;
  return { isForeground, first: [...first], last: [...last], runs: base64Of(encodeRuns(mask)) };
}
