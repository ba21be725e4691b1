/**
 * Making a job: the sites describe their data in numbers, a plan and a network follow from that, and the sites prepare
 * their cases for it. What comes of it is a directory of files.
 */
import { randomBytes } from 'node:crypto';
import type { Survey, SurveyOutcome } from '@consilium/federation';
import type { JobId, Json, SiteId } from '@consilium/protocol';
import type { Plan } from '@consilium/training';
import type { ActingMember } from './acting-member.ts';
import { type PlanChoices, planFor } from './network-plan.ts';
import { type AskingOptions, askSites } from './site-survey.ts';

export interface PlanningOptions extends AskingOptions {
  /** What the surveys' names begin with. */
  readonly name: string;
  readonly participants: readonly SiteId[];
  /** With fewer answers there is no job. */
  readonly minimumSites: number;
  /** How long to wait for all; then go on with those who have answered, if they are enough. */
  readonly stragglerMs: number;
}

export class JobPlanning {
  readonly #acting: ActingMember;
  readonly #options: PlanningOptions;
  /** Questions are asked once under a name; planning again asks anew. */
  readonly #run = randomBytes(3).toString('hex');

  constructor(acting: ActingMember, options: PlanningOptions) {
    this.#acting = acting;
    this.#options = options;
  }

  async derivePlan(choices: PlanChoices): Promise<{ readonly plan: Plan } & SurveyOutcome<'fingerprint'>> {
    const survey = await this.#ask('fingerprint', this.#options.participants, { kind: 'fingerprint' });
    const fingerprints = [...survey.answers.values()].map(({ fingerprint }) => fingerprint);
    return { ...survey, plan: planFor(fingerprints, choices) };
  }

  prepare(plan: Plan, participants: readonly SiteId[]): Promise<SurveyOutcome<'prepare'>> {
    const task = { kind: 'prepare', plan: JSON.parse(JSON.stringify(plan)) as Json } as const;
    return this.#ask('prepare', participants, task);
  }

  /** @throws CliError `cli.job-failed`, `cli.job-aborted` */
  #ask<K extends 'fingerprint' | 'prepare'>(
    kind: K,
    participants: readonly SiteId[],
    task: Survey<K>['task'],
  ): Promise<SurveyOutcome<K>> {
    const { name, minimumSites, stragglerMs } = this.#options;
    const survey: Survey<K> = {
      jobId: `${name.slice(0, 40)}-${kind}-${this.#run}` as JobId,
      participants,
      task,
      minimumSites: Math.min(minimumSites, participants.length),
      stragglerMs,
      attempts: 3,
    };
    return askSites(this.#acting, survey, this.#options);
  }
}
