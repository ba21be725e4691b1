/** A model that answers clicks: opened when the first click is made, kept while there are more, its answer shown before it counts. */
import type { LabelDelta } from '@consilium/reading/api';
import { ServiceError } from '../../parts/service-error.ts';
import { openPrompts, postPrompt, type WireStroke } from '../reading-asking.ts';
import { deltaOf, type TaskSession } from './task-session.ts';

type Triple = readonly [number, number, number];

export interface Click {
  /** `[z, y, x]` */
  readonly voxel: Triple;
  readonly isForeground: boolean;
}

export interface PromptAnswer {
  /** Undefined if the model would change nothing. */
  readonly change: LabelDelta | undefined;
  readonly model: NonNullable<WireStroke['model']>;
  readonly latencyMs: number;
}

export class PromptSession {
  readonly #task: TaskSession;
  #id: Promise<string> | undefined;

  constructor(task: TaskSession) {
    this.#task = task;
  }

  /** @throws ServiceError also while strokes wait: the model answers on what the reading room has. */
  async ask(structure: number, clicks: readonly Click[]): Promise<PromptAnswer> {
    if (!(await this.#task.queue.settle())) {
      throw (
        this.#task.queue.error ??
        new ServiceError({ code: 'console.unreachable', message: 'The service did not answer.', status: 0 })
      );
    }
    const body = { leaseId: this.#task.leaseId, structure, clicks };
    const answer = await this.#post(body).catch((error: unknown) => {
      // A session ends by itself when nobody clicks for a while.
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
