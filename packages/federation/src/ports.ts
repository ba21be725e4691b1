/** What a job needs of the world. The simulator, a rehearsal and production differ only in these. */
import type { Contribution, Failure, SiteId, Task, TaskProgress } from '@consilium/protocol';
import type { Store } from './store.ts';

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export type TaskReply =
  /** Every blob that the contribution names is in the store already. */
  | { readonly kind: 'contribution'; readonly contribution: Contribution }
  | { readonly kind: 'failure'; readonly failure: Failure }
  /** The site cannot be reached, or its process ended, before it answered. */
  | { readonly kind: 'lost'; readonly code: string; readonly message: string }
  /** `signal` aborted first. */
  | { readonly kind: 'aborted' };

/**
 * A line to one site, however it is made: a child process, a TLS connection, a simulation. A site does one task at a
 * time; further tasks wait in the order they came.
 */
export interface SiteConnection {
  readonly siteId: SiteId;
  /**
   * Has the site do the task. Connects (or starts the site) again first if it was lost. Rejects only for errors of our
   * own side, such as a full disk.
   */
  perform(
    task: Task,
    options: { readonly signal: AbortSignal; readonly onProgress?: (progress: TaskProgress) => void },
  ): Promise<TaskReply>;
}

export interface Ports {
  readonly clock: Clock;
  readonly store: Store;
  readonly sites: ReadonlyMap<SiteId, SiteConnection>;
}
