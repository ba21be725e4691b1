/**
 * What happened lately, for people who watch: the newest events of the jobs heard of last, in memory, and everyone who
 * listens. What a store keeps of other jobs, and of the time before a restart, is read when it is asked for. What must not
 * be lost is in the ledger, not here.
 */
import type { JobEvent } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import type { EventStore } from './event-store.ts';
import type { TimedEvent } from './timed-event.ts';

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
  /** Is disposed of with the log. */
  readonly store?: Pick<EventStore, 'add' | 'recent' | typeof Symbol.dispose>;
  /** Told when the store fails. Work goes on without it. */
  readonly onError?: (error: unknown) => void;
}

export class EventLog implements Disposable {
  readonly #kept: number;
  readonly #jobsKept: number;
  readonly #now: () => string;
  readonly #store: EventLogOptions['store'];
  readonly #onError: (error: unknown) => void;
  readonly #jobs = new Map<JobId, JobEvents>();

  constructor({ kept = 5000, jobsKept = 32, now, store, onError = () => {} }: EventLogOptions) {
    this.#kept = kept;
    this.#jobsKept = jobsKept;
    this.#now = now;
    this.#store = store;
    this.#onError = onError;
  }

  add(event: JobEvent): void {
    const job = this.#job(event.jobId);
    job.count += 1;
    const timed: TimedEvent = { ...event, time: this.#now(), number: job.count };
    job.events.push(timed);
    this.#attempt(() => this.#store?.add(timed));
    if (job.events.length > 2 * this.#kept) job.events = job.events.slice(-this.#kept);
    for (const listener of job.listeners) listener(timed);
  }

  recent(jobId: JobId): readonly TimedEvent[] {
    return (this.#jobs.get(jobId) ?? this.#stored(jobId)).events.slice(-this.#kept);
  }

  /** Tells of each event from now on until it is disposed of. */
  listen(jobId: JobId, listener: (event: TimedEvent) => void): Disposable {
    const { listeners } = this.#job(jobId);
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#store?.[Symbol.dispose]();
  }

  /** Now the one heard of last. */
  #job(jobId: JobId): JobEvents {
    const job = this.#jobs.get(jobId) ?? this.#stored(jobId);
    this.#jobs.delete(jobId);
    this.#jobs.set(jobId, job);
    for (const [oldest, { listeners }] of this.#jobs) {
      if (this.#jobs.size <= this.#jobsKept) break;
      if (listeners.size === 0 && oldest !== jobId) this.#jobs.delete(oldest);
    }
    return job;
  }

  #stored(jobId: JobId): JobEvents {
    const events = [...(this.#attempt(() => this.#store?.recent(jobId)) ?? [])];
    return { events, count: events.at(-1)?.number ?? 0, listeners: new Set() };
  }

  #attempt<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}
