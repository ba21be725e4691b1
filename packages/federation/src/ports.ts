/** What a job needs of the world. The simulator, a rehearsal and production differ only in these. */
import type { Contribution, Failure, JobId, SiteId, Task, TaskId, TaskProgress, Verdict } from '@consilium/protocol';
import type { FiniteChunks } from './finite-chunks.ts';
import type { Store } from './store.ts';

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The reason of an abort after which sites go on with what they do: a restart, a pause, a round that goes on without them. */
export const leaving = Symbol('leaving');

export type TaskReply =
  | {
      readonly kind: 'contribution';
      /** Every blob that it names is in the store. */
      readonly contribution: Contribution;
      /** Called once what was decided about it is durable. The site keeps its contribution until then. */
      readonly acknowledge: (verdict: Verdict) => void;
    }
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** The site has been away for too long, or its process ended, before it answered. */
  | { readonly kind: 'lost'; readonly code: string; readonly message: string }
  /** `signal` aborted first. */
  | { readonly kind: 'aborted' };

export interface PerformOptions {
  /** Ends the site's work; aborted with `leaving`, it lets the site finish, to be asked for the same task again later. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TaskProgress) => void;
}

/** A line to one site, however it is made: a TLS connection, a simulation. How many tasks it does at once is its affair. */
export interface SiteConnection {
  readonly siteId: SiteId;
  /** Has the site do the task. Rejects only for errors of our own side, such as a full disk. */
  perform(task: Task, options: PerformOptions): Promise<TaskReply>;
  /** Ends what the site was left to go on with (`leaving`): a task, or all those of a job. */
  abandon?(work: JobId | TaskId): void;
}

export interface Ports {
  readonly clock: Clock;
  readonly store: Store;
  /** Of chunks that arrived. */
  readonly finiteChunks?: FiniteChunks;
  readonly sites: ReadonlyMap<SiteId, SiteConnection>;
}
