/**
 * The hospitals of a rehearsal, each a process of its own that runs what it would run in a hospital, and the coordinator's
 * store. One more process, `pooled`, holds the data of all of them: the upper bound that only a rehearsal can measure.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openStore, type SiteProcess, startSiteProcess, systemClock, TaskSlots } from '@consilium/coordinator';
import {
  type JobEvent,
  type JobOutcome,
  type Ports,
  runJob,
  runSurvey,
  type Survey,
  type SurveyOutcome,
} from '@consilium/federation';
import { type Contribution, type JobId, type Json, type Sha256, type SiteId, siteIdSchema } from '@consilium/protocol';
import { CliError } from './cli-error.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

/** A hospital: its name and where its studies lie. */
export interface Hospital {
  readonly siteId: SiteId;
  readonly directory: string;
}

export const pooledSiteId = siteIdSchema.parse('pooled');

/** A site's own directory: cache, split, local log, pictures. */
export function workDirectoryOf(directory: string, siteId: SiteId): string {
  return join(directory, 'sites', siteId);
}

interface TrainingJob {
  readonly jobId: string;
  readonly participants: readonly SiteId[];
  readonly plan: Json;
  readonly model: Uint8Array;
  readonly initialWeights: Uint8Array;
  readonly stepsPerRound: number;
}

/** A job that came to its end, with a model to keep. */
export type FinishedJob = JobOutcome & { readonly best: NonNullable<JobOutcome['best']> };

/** What the rehearsal asks of its sites. Each answer is durable, so that asking again after a crash costs nothing. */
export interface Committee extends AsyncDisposable {
  readonly hospitals: readonly Hospital[];
  survey<K extends Contribution['kind']>(
    jobId: string,
    participants: readonly SiteId[],
    task: Survey<K>['task'],
    minimumSites?: number,
  ): Promise<SurveyOutcome<K>>;
  /** Ends with a best model, or throws. */
  train(job: TrainingJob): Promise<FinishedJob>;
  /** Fixes a choice the first time; afterwards, whatever is proposed, gives back what was fixed. */
  decide(key: string, proposed: readonly SiteId[]): Promise<readonly SiteId[]>;
  blob(sha256: Sha256): Promise<Uint8Array>;
  putBlob(bytes: Uint8Array): Promise<Sha256>;
}

const decisionsId = 'rehearsal' as JobId;
const patientStragglerMs = 3_600_000;

export async function openCommittee(
  directory: string,
  hospitals: readonly Hospital[],
  settings: RehearsalSettings,
  options: { signal: AbortSignal; onEvent: (event: JobEvent) => void },
): Promise<Committee> {
  const store = openStore(join(directory, 'coordinator'));
  const slots = new TaskSlots(Math.max(2, availableParallelism()));
  const start = (siteId: SiteId, sources: readonly Hospital[]): SiteProcess =>
    startSiteProcess({
      siteId,
      entry: new URL(import.meta.resolve('@consilium/site/main')),
      settings: { siteId, sources, workDirectory: workDirectoryOf(directory, siteId), seed: settings.seed, threads: 1 },
      blobs: store,
      slots,
    });
  const sites = new Map<SiteId, SiteProcess>([
    ...hospitals.map((hospital) => [hospital.siteId, start(hospital.siteId, [hospital])] as const),
    [pooledSiteId, start(pooledSiteId, hospitals)],
  ]);
  const ports: Ports = { clock: systemClock, store, sites };
  return {
    hospitals,
    survey: async (jobId, participants, task, minimumSites = participants.length) => {
      const outcome = await runSurvey(
        { jobId: jobId as JobId, participants, task, minimumSites, stragglerMs: patientStragglerMs, attempts: 3 },
        ports,
        options,
      );
      return unlessStopped(outcome, options.signal);
    },
    train: async (job) => {
      const outcome = await runJob(
        {
          ...job,
          kind: 'train',
          jobId: job.jobId as JobId,
          rounds: { max: settings.rounds },
          minimumSites: Math.min(settings.minimumSites, job.participants.length),
          stragglerMs: patientStragglerMs,
          attempts: 2,
          stopping: { patience: settings.patience, minimumGain: settings.minimumGain },
          seed: settings.seed,
          strategy: { kind: 'fed-avg' },
        },
        ports,
        options,
      );
      const { best, ...ended } = unlessStopped(outcome, options.signal);
      if (best === null) throw new CliError('cli.job-failed', ended.reason.text);
      return { ...ended, best };
    },
    decide: async (key, proposed) => {
      const fixed = (await store.recall(decisionsId)).get(key);
      if (fixed !== undefined) return fixed as SiteId[];
      await store.record(decisionsId, key, [...proposed]);
      return proposed;
    },
    blob: (sha256) => store.getBlob(sha256),
    putBlob: (bytes) => store.putBlob(bytes),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sites.values()].map((site) => site.stop()));
      store[Symbol.dispose]();
    },
  };
}

/** @throws the signal's reason if the person asked to stop, CliError if too few sites were left. */
function unlessStopped<T extends { state: string; reason: { text: string } }>(outcome: T, signal: AbortSignal): T {
  signal.throwIfAborted();
  if (outcome.state === 'failed') throw new CliError('cli.job-failed', outcome.reason.text);
  return outcome;
}
