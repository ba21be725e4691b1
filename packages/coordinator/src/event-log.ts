/**
 * What happened lately, for people who watch: the newest events of the jobs heard of last, in memory, and everyone who
 * listens. What must not be lost is in the ledger, not here.
 */
import type { JobEvent } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';

/** `number` counts the events of a job since the coordinator started; `time` is ISO 8601. */
export type TimedEvent = JobEvent & { readonly time: string; readonly number: number };

interface JobEvents {
  events: TimedEvent[];
  count: number;
  readonly listeners: Set<(event: TimedEvent) => void>;
}

export interface EventLogOptions {
  /** Events of a job. */
  readonly kept?: number;
  /** Jobs whose events are kept; those that someone listens to besides. */
  readonly jobsKept?: number;
  /** ISO 8601. */
  readonly now: () => string;
}

export class EventLog {
  readonly #kept: number;
  readonly #jobsKept: number;
  readonly #now: () => string;
  readonly #jobs = new Map<JobId, JobEvents>();

  constructor({ kept = 5000, jobsKept = 32, now }: EventLogOptions) {
    this.#kept = kept;
    this.#jobsKept = jobsKept;
    this.#now = now;
  }

  add(event: JobEvent): void {
    const job = this.#job(event.jobId);
    job.count += 1;
    const timed: TimedEvent = { ...event, time: this.#now(), number: job.count };
    job.events.push(timed);
    if (job.events.length > 2 * this.#kept) job.events = job.events.slice(-this.#kept);
    for (const listener of job.listeners) listener(timed);
  }

  recent(jobId: JobId): readonly TimedEvent[] {
    return this.#jobs.get(jobId)?.events.slice(-this.#kept) ?? [];
  }

  /** Tells of each event from now on until it is disposed of. */
  listen(jobId: JobId, listener: (event: TimedEvent) => void): Disposable {
    const { listeners } = this.#job(jobId);
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  /** Now the one heard of last. */
  #job(jobId: JobId): JobEvents {
    const job = this.#jobs.get(jobId) ?? { events: [], count: 0, listeners: new Set() };
    this.#jobs.delete(jobId);
    this.#jobs.set(jobId, job);
    for (const [oldest, { listeners }] of this.#jobs) {
      if (this.#jobs.size <= this.#jobsKept) break;
      if (listeners.size === 0 && oldest !== jobId) this.#jobs.delete(oldest);
    }
    return job;
  }
}
