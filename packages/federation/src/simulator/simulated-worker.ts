/** The worker of a simulated site: takes a while, then answers as a simulated site does, or fails as it is told to. */
import type { Random } from '@consilium/numerics';
import type { Contribution, Failure, JobId, SiteId, Task, TaskProgress } from '@consilium/protocol';
import type { Clock } from '../ports.ts';
import type { Worker } from '../site-agent.ts';
import type { BlobStore } from '../store.ts';
import type { LocalState } from './local-state.ts';
import { type Mishap, SimulatedSite } from './simulated-site.ts';

export interface WorkerOptions {
  readonly siteId: SiteId;
  readonly clock: Clock;
  readonly blobs: BlobStore;
  readonly random: Random;
  readonly cases: number;
  readonly target: number;
  /** What it keeps from round to round for a job, on disk. */
  readonly stateOf: (jobId: JobId) => LocalState;
  readonly mishap: (task: Task) => Mishap | undefined;
}

/** A failure that is meant to be told. */
export class TaskFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export class SimulatedWorker implements Worker {
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  async perform(
    task: Task,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (progress: TaskProgress) => void },
  ): Promise<Contribution> {
    const { stateOf, ...options } = this.#options;
    onProgress({ kind: 'case', done: 1, of: 2 });
    const site = new SimulatedSite({ ...options, state: stateOf(task.jobId) });
    const reply = await site.perform(task, { signal });
    switch (reply.kind) {
      case 'contribution':
        return reply.contribution;
      case 'failure':
        throw new TaskFailure(reply.failure);
      case 'lost':
        throw new TaskFailure({ code: reply.code, message: reply.message, lasting: false, worthRetrying: true });
      case 'aborted':
        throw signal.reason;
    }
  }
}
