/**
 * Making a job: the sites describe their data in numbers, a plan and a network follow from that, and the sites prepare
 * their cases for it. What comes of it is a directory of files.
 */
import { randomBytes } from 'node:crypto';
import type { Submission } from '@consilium/federation';
import {
  type Contribution,
  type ContributionTo,
  contributionSchema,
  type JobId,
  type Json,
  type SiteId,
} from '@consilium/protocol';
import type { Plan } from '@consilium/training';
import type { CoordinatorClient } from '@consilium/transport';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { followJob, submit, type WatchedEvent } from './job-follower.ts';
import { type PlanChoices, planFor } from './network-plan.ts';

export interface PlanningOptions {
  /** What the surveys' names begin with. */
  readonly name: string;
  readonly participants: readonly SiteId[];
  /** With fewer answers there is no job. */
  readonly minimumSites: number;
  /** How long to wait for all; then go on with those who have answered, if they are enough. */
  readonly stragglerMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: WatchedEvent) => void;
  readonly onTrouble: (text: string) => void;
}

export interface Answers<K extends Contribution['kind']> {
  readonly answers: ReadonlyMap<SiteId, ContributionTo<K>>;
  readonly leftOut: readonly { readonly siteId: string; readonly code: string; readonly message: string }[];
}

const outcomeSchema = z.object({
  outcome: z.object({
    answers: z.record(z.string(), contributionSchema),
    leftOut: z.array(z.object({ siteId: z.string(), code: z.string(), message: z.string() })),
  }),
});

export class JobPlanning {
  readonly #client: CoordinatorClient;
  readonly #options: PlanningOptions;
  /** Questions are asked once under a name; planning again asks anew. */
  readonly #run = randomBytes(3).toString('hex');

  constructor(client: CoordinatorClient, options: PlanningOptions) {
    this.#client = client;
    this.#options = options;
  }

  async derivePlan(choices: PlanChoices): Promise<{ readonly plan: Plan } & Answers<'fingerprint'>> {
    const survey = await this.#ask('fingerprint', this.#options.participants, { kind: 'fingerprint' });
    const fingerprints = [...survey.answers.values()].map(({ fingerprint }) => fingerprint);
    return { ...survey, plan: planFor(fingerprints, choices) };
  }

  prepare(plan: Plan, participants: readonly SiteId[]): Promise<Answers<'prepare'>> {
    const task = { kind: 'prepare', plan: JSON.parse(JSON.stringify(plan)) as Json } as const;
    return this.#ask('prepare', participants, task);
  }

  /** @throws CliError `cli.job-failed`, `cli.job-aborted` */
  async #ask<K extends 'fingerprint' | 'prepare'>(
    kind: K,
    participants: readonly SiteId[],
    task: Extract<Submission, { kind: 'survey' }>['task'],
  ): Promise<Answers<K>> {
    const { name, minimumSites, stragglerMs, signal, onEvent, onTrouble } = this.#options;
    const jobId = `${name.slice(0, 40)}-${kind}-${this.#run}` as JobId;
    const submission: Submission = {
      kind: 'survey',
      jobId,
      participants: [...participants],
      task,
      minimumSites: Math.min(minimumSites, participants.length),
      stragglerMs,
      attempts: 3,
    };
    await submit(this.#client, submission, signal);
    const onRetry = ({ message }: Error) => onTrouble(message);
    const ended = await followJob(this.#client, jobId, { signal, onEvent, onRetry }).catch(async (error) => {
      if (signal.aborted) await this.#client.post(`/v1/jobs/${jobId}/abort`, {}).catch(() => {});
      throw error;
    });
    if (ended.state !== 'completed') {
      const code = ended.state === 'aborted' ? 'cli.job-aborted' : 'cli.job-failed';
      throw new CliError(code, ended.reason?.text ?? `${jobId} is ${ended.state}.`);
    }
    const { outcome } = outcomeSchema.parse(await this.#client.get(`/v1/jobs/${jobId}/result`, signal));
    const answers = new Map(Object.entries(outcome.answers)) as ReadonlyMap<string, Contribution>;
    return {
      answers: answers as ReadonlyMap<SiteId, ContributionTo<K>>,
      leftOut: outcome.leftOut,
    };
  }
}
