/** What happened in a job, and when, as it is told to people who watch. */
import type { JobEvent } from '@consilium/federation';

/**
 * `number` counts the events of a job; after a restart, from the last that was stored. `time` is ISO 8601.
 */
export type TimedEvent = JobEvent & { readonly time: string; readonly number: number };
