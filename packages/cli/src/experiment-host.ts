/**
 * Where an experiment's jobs run: at the sites of a project, through its coordinator, or at hospitals of this machine whose
 * coordinator runs here. Both are spoken to over the network and with signed jobs; each answer is durable, so that asking
 * again after a crash costs nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobOutcome, Submission, Survey, SurveyOutcome } from '@consilium/federation';
import { type BlobId, blobIdSchema, type Contribution, type SiteId } from '@consilium/protocol';
import { CoordinatorClient, IdentityDirectory, writeDurably } from '@consilium/transport';
import { z } from 'zod';
import { type ActingMember, type ActingOptions, actAs } from './acting-member.ts';
import { offerFile } from './blob-file.ts';
import { type Hospital, openCommittee } from './committee.ts';
import { followJob, submit, type WatchedEvent } from './job-follower.ts';
import { fetchResult } from './job-result.ts';
import { holdsSynthetic } from './own-data.ts';
import { participantsOf } from './participants.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';
import { askSites } from './site-survey.ts';

export type TrainingSubmission = Extract<Submission, { kind: 'train' }>;

export interface HostOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchedEvent) => void;
  readonly onTrouble: (text: string) => void;
}

/** Of a job that came to its end, whichever. */
export interface TrainedJob {
  readonly state: 'completed' | 'failed' | 'aborted';
  readonly reason: string;
  readonly rounds: JobOutcome['rounds'];
  readonly best: JobOutcome['best'];
}

type Acting = Pick<ActingMember, 'client' | 'facts' | 'credentials'>;

const resultSchema = z.object({
  outcome: z.object({
    rounds: z.array(z.unknown()).default([]),
    best: z.object({ round: z.int(), weights: blobIdSchema, score: z.number().nullable() }).nullable().default(null),
  }),
});

export class ExperimentHost implements AsyncDisposable {
  readonly participants: readonly SiteId[];
  /** Whether any patient was generated; of a project nobody here knows. */
  readonly synthetic: boolean;
  /** All of it runs on this machine. */
  readonly isLocal: boolean;
  readonly #acting: Acting;
  readonly #options: HostOptions;
  readonly #resources: AsyncDisposable;

  /** @throws CliError `cli.no-participants`, `cli.no-identity` */
  static async ofProject(acting: ActingOptions, participants: string, options: HostOptions): Promise<ExperimentHost> {
    const member = await actAs(acting);
    const sites = await participantsOf(member, participants);
    return new ExperimentHost(member, options, {
      participants: sites,
      synthetic: false,
      isLocal: false,
      resources: member,
    });
  }

  /** `directory`: of coordinator and sites, made where it is new. */
  static async onThisMachine(
    directory: string,
    hospitals: readonly Hospital[],
    settings: RehearsalSettings,
    options: HostOptions,
  ): Promise<ExperimentHost> {
    const { signal } = options;
    const stack = new AsyncDisposableStack();
    // What happens in jobs is followed over the network, as with any coordinator.
    const quiet = { signal, onEvent: () => {}, privately: null, withPooled: false };
    const { origin } = stack.use(await openCommittee(directory, hospitals, settings, quiet));
    const { authority, credentials, facts } = await IdentityDirectory.open(join(directory, 'coordinator/admin'));
    const client = new CoordinatorClient({ origin, authority, credentials, proxy: undefined });
    stack.defer(() => client.close());
    return new ExperimentHost({ client, facts, credentials }, options, {
      participants: hospitals.map(({ siteId }) => siteId).sort(),
      synthetic: settings.data === null || (await holdsSynthetic(hospitals)),
      isLocal: true,
      resources: stack,
    });
  }

  private constructor(
    acting: Acting,
    options: HostOptions,
    about: {
      readonly participants: readonly SiteId[];
      readonly synthetic: boolean;
      readonly isLocal: boolean;
      readonly resources: AsyncDisposable;
    },
  ) {
    this.#acting = acting;
    this.#options = options;
    this.participants = about.participants;
    this.synthetic = about.synthetic;
    this.isLocal = about.isLocal;
    this.#resources = about.resources;
  }

  /** @throws CliError `cli.job-failed`, `cli.job-aborted` */
  survey<K extends Contribution['kind']>(survey: Survey<K>): Promise<SurveyOutcome<K>> {
    return askSites(this.#acting, survey, { ...this.#options, staysWhenLeft: true });
  }

  async train(submission: TrainingSubmission): Promise<TrainedJob> {
    const { client } = this.#acting;
    const { onEvent, onTrouble, signal } = this.#options;
    const { jobId } = submission;
    const { state: before } = await submit(this.#acting, submission, { signal });
    if (before === 'failed' || before === 'paused') await client.post(`/v1/jobs/${jobId}/resume`, {}, signal);
    const onRetry = ({ message }: Error) => onTrouble(message);
    const { state, reason } = await followJob(client, jobId, { signal, onEvent, onRetry });
    const { outcome } = resultSchema.parse(await client.get(`/v1/jobs/${jobId}/result`, signal));
    return {
      state: state as TrainedJob['state'],
      reason: reason?.text ?? '',
      rounds: outcome.rounds as JobOutcome['rounds'],
      best: outcome.best,
    };
  }

  /** Of the best round of a job, as `consilium job result` writes it. */
  async fetchModel(jobId: string, out: string): Promise<void> {
    await fetchResult(this.#acting.client, jobId, { out, signal: this.#options.signal });
  }

  async putBlob(bytes: Uint8Array): Promise<BlobId> {
    const chunks = await mkdtemp(join(tmpdir(), 'consilium-upload-'));
    try {
      const path = join(chunks, 'blob');
      await writeDurably(path, bytes);
      return await offerFile(this.#acting.client, path, { chunks, signal: this.#options.signal });
    } finally {
      await rm(chunks, { recursive: true, force: true });
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#resources[Symbol.asyncDispose]();
  }
}
