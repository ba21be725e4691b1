/** What happens in a job, as it happens: for people who watch. Nothing in the job depends on anyone listening. */
import type { BlobId, JobId, SiteId, TaskKind, TaskProgress } from '@consilium/protocol';
import type { LeftOutSite } from './left-out-site.ts';
import type { JobReason } from './reason.ts';

/** `round` is 0 in a survey, which has no rounds. */
interface At {
  readonly jobId: JobId;
  readonly round: number;
}

export type JobEvent =
  | { kind: 'job-started'; jobId: JobId; participants: readonly SiteId[]; rounds: number; completedRounds: number }
  | (At & { kind: 'round-started'; of: number; participants: readonly SiteId[] })
  | (At & { kind: 'task-sent'; siteId: SiteId; task: TaskKind; attempt: number })
  | (At & { kind: 'site-step'; siteId: SiteId } & Omit<Extract<TaskProgress, { kind: 'step' }>, 'kind'>)
  | (At & { kind: 'site-case'; siteId: SiteId; task: TaskKind; done: number; of: number })
  /** A person at the site has to decide before the task begins. */
  | (At & { kind: 'site-waiting'; siteId: SiteId; task: TaskKind; for: 'approval' })
  /** `ms` from the sending of the task, waiting in the site's queue included. */
  | (At & { kind: 'contribution-accepted'; siteId: SiteId; task: TaskKind; ms: number; meanLoss?: number | null })
  /** Its process or connection ended. `again`: it is started once more and asked again, else it is left out. */
  | (At & { kind: 'site-lost'; siteId: SiteId; task: TaskKind; code: string; message: string; again: boolean })
  | (At & { kind: 'site-left-out'; task: TaskKind } & LeftOutSite)
  | (At & { kind: 'aggregated'; participants: readonly SiteId[]; weights: BlobId })
  | (At & { kind: 'evaluated'; score: number | null; siteScores: Readonly<Record<SiteId, number | null>> })
  | (At & { kind: 'best-model'; score: number | null; weights: BlobId })
  /** `stopped` may go on: it was paused, or the coordinator is stopping. */
  | { kind: 'job-ended'; jobId: JobId; state: 'completed' | 'failed' | 'aborted' | 'stopped'; reason: JobReason };
