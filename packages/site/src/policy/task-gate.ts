/**
 * What stands before every task at a site: that it follows from a job which a member of the project has signed, and that
 * the site's policy lets it be done. It is decided here, in the hospital, whatever the coordinator says; until it is, no
 * image is read. Where a person has to decide, the task waits.
 */
import {
  type BlobStore,
  type Clock,
  contradictionOf,
  epsilonOf,
  getBlob,
  manifestOf,
  type Submission,
  spendOf,
} from '@consilium/federation';
import { type BlobId, mandateBytesMax, type Privacy, type SiteId, type Task } from '@consilium/protocol';
import { digitsOfFingerprint } from '@consilium/transport';
import type { LocalLog } from '../ports/local-log.ts';
import type { PrivacyReport } from '../privacy-report.ts';
import { SiteError } from '../site-error.ts';
import { sharedAmongOf } from '../task-privacy.ts';
import { type Approvals, digestOf, settingsOf } from './approvals.ts';
import type { JobFacts } from './job-difference.ts';
import { type NetworkFacts, networkFactsOf } from './network-facts.ts';
import { explanationOf, type PolicyDecision, type PolicyEngine, publicExplanationOf } from './policy-engine.ts';
import { PolicyAction, type PolicyRequest, policyRequestSchema, type SiteRules } from './policy-request.ts';
import type { RevokedMembers } from './revoked-members.ts';
import { readSignedJob, type SignedJob } from './signed-job.ts';

export interface TaskGateOptions {
  readonly siteId: SiteId;
  readonly project: string;
  /** The certificate of the project's authority, PEM. */
  readonly authority: string;
  readonly engine: PolicyEngine;
  readonly rules: SiteRules;
  readonly approvals: Approvals;
  readonly revoked: Pick<RevokedMembers, 'has'>;
  /** Brings a blob into `blobs`. */
  readonly fetchBlob: (id: BlobId, signal: AbortSignal) => Promise<void>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly nowMs: () => number;
  /** Hours and minutes as in `07:30`, and the day of the week, 0 for Sunday, where the site stands. */
  readonly localTime: () => string;
  readonly localWeekday: () => number;
  /** How many patients the site has made available. */
  readonly patients: () => Promise<number>;
  readonly privacy: () => Promise<PrivacyReport>;
  /** With what a job is trained that offers this; null for nothing. */
  readonly demanded: (offered: Privacy | undefined) => Privacy | null;
  /** The version of this site's Consilium. */
  readonly software: string;
  readonly log: LocalLog;
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly onWaiting: () => void;
}

/** How soon a person's decision counts. */
const lookAgainMs = 500;
const networksKept = 100;
/** Who holds the network that was looked at last. */
const lookedAt = 'policy/network';

export class TaskGate {
  readonly #options: TaskGateOptions;
  readonly #networks = new Map<BlobId, NetworkFacts | null>();

  constructor(options: TaskGateOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the task may be done.
   * @throws SiteError `site.member-revoked`, `site.mandate-invalid`, `site.task-not-mandated`, `site.policy-refused`, `site.policy-failed`,
   * `site.approvals-unreadable`
   */
  async permit(task: Task, { signal, onWaiting }: Waiting): Promise<void> {
    const signed = await this.#signed(task, signal);
    const facts = await this.#factsOf(task, signed, signal);
    let waits = false;
    for (;;) {
      this.#refuseRevoked(signed);
      const decision = await this.#decide(task, signed, facts);
      const ids = ('by' in decision ? decision.by : decision.because).map(({ id }) => id);
      if (decision.kind === 'waits' && signed !== null && !signal.aborted) {
        if (!waits) await this.#ask(signed, facts);
        if (!waits) onWaiting();
        waits = true;
        await this.#options.clock.sleep(lookAgainMs, signal);
        continue;
      }
      if (signal.aborted) return;
      const { taskId } = task;
      const member = signed?.submitter.member ?? null;
      this.#options.log.write('policy', { taskId, member, decision: decision.kind, policies: ids });
      if (decision.kind === 'allowed') return;
      throw refusalOf(decision);
    }
  }

  /** Asked of every task anew: also of a job that was good when it began. */
  #refuseRevoked(signed: SignedJob | null): void {
    if (signed === null || !this.#options.revoked.has(signed.submitter.keyFingerprint)) return;
    const text = `${signed.submitter.member}, who has signed the job, was revoked. Another member may submit it anew.`;
    throw new SiteError('site.member-revoked', text, { lasting: true });
  }

  /** null where the task names no signed job. */
  async #signed(task: Task, signal: AbortSignal): Promise<SignedJob | null> {
    const { mandate } = task;
    if (mandate === undefined) return null;
    const { siteId, project, authority, nowMs } = this.#options;
    const bytes = await this.#blob(mandate, { holder: `${task.jobId}/signed`, signal, bytesMax: mandateBytesMax });
    const signed = readSignedJob(bytes, { project, authority, nowMs: nowMs() });
    const what = contradictionOf(task, signed.submission, siteId);
    if (what === null) return signed;
    const text = `The task is not what ${signed.submitter.member} has signed: ${what} is another.`;
    throw new SiteError('site.task-not-mandated', text, { lasting: true });
  }

  async #factsOf(task: Task, signed: SignedJob | null, signal: AbortSignal): Promise<JobFacts> {
    const { software } = this.#options;
    const network = 'model' in task ? await this.#network(task.model, signal) : null;
    return { settings: signed === null ? null : settingsOf(signed.submission), network, software };
  }

  async #network(model: BlobId, signal: AbortSignal): Promise<NetworkFacts | null> {
    const known = this.#networks.get(model);
    if (known !== undefined) return known;
    // The task will hold it too, if it may be done; of what was only looked at, the last is kept.
    await this.#options.blobs.release(lookedAt);
    const facts = networkFactsOf(await this.#blob(model, { holder: lookedAt, signal, bytesMax: networkBytesMax }));
    if (this.#networks.size >= networksKept) this.#networks.clear();
    this.#networks.set(model, facts);
    return facts;
  }

  async #blob(
    id: BlobId,
    { holder, signal, bytesMax }: { readonly holder: string; readonly signal: AbortSignal; readonly bytesMax: number },
  ): Promise<Uint8Array> {
    const { fetchBlob, blobs } = this.#options;
    await blobs.retain([id], holder);
    await fetchBlob(id, signal);
    await blobs.retain([id], holder); // what was not there has only now been put
    if ((await manifestOf(blobs, id)).bytes > bytesMax) {
      const text = 'The network, or the signed job, is larger than this site looks at.';
      throw new SiteError('site.mandate-invalid', text, { lasting: true });
    }
    return getBlob(blobs, id);
  }

  async #decide(task: Task, signed: SignedJob | null, facts: JobFacts): Promise<PolicyDecision> {
    const { engine, approvals, software } = this.#options;
    const digest = signed === null ? '' : digestOf(signed.submission, software);
    const approval = signed === null ? 'none' : ((await approvals.find(digest))?.state ?? 'none');
    const request = await this.#requestOf(task, signed, { facts, digest, approval });
    return engine.decide(request);
  }

  async #ask({ submission, submitter }: SignedJob, facts: JobFacts): Promise<void> {
    const { approvals, nowMs } = this.#options;
    const asked = { job: submission.jobId, member: submitter.member, submission, facts };
    await approvals.ask(asked, new Date(nowMs()).toISOString());
  }

  async #requestOf(
    task: Task,
    signed: SignedJob | null,
    about: { readonly facts: JobFacts; readonly digest: string; readonly approval: PolicyRequest['approval'] },
  ): Promise<PolicyRequest> {
    const { patients, localTime, localWeekday, revoked, rules } = this.#options;
    const [hour, minute] = localTime().split(':').map(Number) as [number, number];
    const member = signed?.submitter;
    return policyRequestSchema.parse({
      action: actionOf(task),
      member:
        member === undefined
          ? null
          : {
              name: member.member,
              keyFingerprint: digitsOfFingerprint(member.keyFingerprint),
              institution: institutionOf(member.member, rules),
            },
      job: {
        name: task.jobId,
        digest: about.digest,
        reviews: signed === null ? 0 : reviewsOf(signed, rules, revoked),
        parameters: about.facts.network?.parameters ?? 0,
        ...(signed === null ? jobOfTask(task) : jobOfSubmission(signed.submission)),
      },
      patients: selectedOf(task, await patients()),
      ...{ hour, minute, weekday: weekdays[localWeekday()], approval: about.approval },
      epsilon: await this.#epsilonOf(task, signed),
      split: task.kind === 'evaluate' ? task.split : '',
      minimumCount: minimumCountOf(task),
    });
  }

  /** Of the rounds that are left, this one included. */
  async #epsilonOf(task: Task, signed: SignedJob | null): Promise<PolicyRequest['epsilon']> {
    if (task.kind !== 'train') return { asked: 0, left: null };
    const { delta, epsilon, epsilonMax } = await this.#options.privacy();
    const left = epsilonMax === null ? null : Math.max(0, epsilonMax - epsilon);
    const privacy = this.#options.demanded(task.privacy);
    if (privacy === null) return { asked: 0, left };
    const rounds = signed?.submission.kind === 'train' ? signed.submission.rounds.max - task.round + 1 : 1;
    const spend = spendOf(privacy, task.steps);
    return { asked: epsilonOf([{ ...spend, steps: spend.steps * rounds }], delta), left };
  }
}

/** Graphs come without weights, or with those they begin with. */
const networkBytesMax = 2 ** 31;
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

function refusalOf({ because }: Exclude<PolicyDecision, { kind: 'allowed' }>): SiteError {
  const lasting = !because.every(({ passes }) => passes) || because.length === 0;
  return new SiteError('site.policy-refused', publicExplanationOf(because), {
    lasting,
    detail: explanationOf(because),
  });
}

/** What sites do for each other in a job is part of what it is for. */
function actionOf(task: Task): PolicyAction {
  const kind: string = task.kind;
  const named = Object.values(PolicyAction).find((action) => action === kind);
  if (named !== undefined) return named;
  return task.kind === 'introduce' && task.purpose === 'overlap' ? PolicyAction.Overlap : PolicyAction.Train;
}

function jobOfSubmission(submission: Submission): Partial<PolicyRequest['job']> {
  const sites = submission.participants.length;
  if (submission.kind !== 'train') {
    return { kind: submission.kind, sites, strategy: '', privacy: 'none', rounds: 0, stepsPerRound: 0 };
  }
  return {
    ...{ kind: 'train', sites, strategy: submission.strategy.kind, privacy: submission.privacy?.kind ?? 'none' },
    secureAggregation: submission.secureAggregation !== undefined,
    ...{ sumOfSites: submission.secureAggregation?.threshold ?? 1, noiseSharedAmong: noiseSharers(submission) },
    ...{ rounds: submission.rounds.max, stepsPerRound: submission.stepsPerRound },
  };
}

function noiseSharers({ privacy }: { readonly privacy?: Privacy | undefined }): number {
  return privacy === undefined ? 1 : sharedAmongOf(privacy);
}

/** Of a job that nobody signed nothing is known but the task. */
function jobOfTask(task: Task): Partial<PolicyRequest['job']> {
  const unknown = { sites: 0, strategy: '', rounds: 0 } as const;
  if (task.kind !== 'train') return { ...unknown, kind: 'survey', privacy: 'none', stepsPerRound: 0 };
  return {
    ...{ ...unknown, kind: 'train', privacy: task.privacy?.kind ?? 'none', stepsPerRound: task.steps },
    secureAggregation: task.secureAggregation !== undefined,
    ...{ sumOfSites: task.secureAggregation?.threshold ?? 1, noiseSharedAmong: noiseSharers(task) },
  };
}

/** A job that takes few of the patients learns from those few; 0 stays 0, which is: not known. */
function selectedOf(task: Task, patients: number): number {
  const asked = task.kind === 'train' ? task.selection?.patients : undefined;
  if (asked === undefined) return patients;
  return Math.min(patients, 'count' in asked ? asked.count : Math.max(1, Math.floor(asked.share * patients)));
}

function minimumCountOf(task: Task): number {
  if (task.kind === 'statistics') return task.minimumCount;
  return (task as { readonly settings?: { readonly minimumCount?: number } }).settings?.minimumCount ?? 0;
}

function institutionOf(member: string, { institutions }: SiteRules): string | null {
  return Object.entries(institutions).find(([, members]) => members.includes(member))?.[0] ?? null;
}

/** Nobody reviews what they submit; what a revoked member has found right counts no more. */
function reviewsOf(
  { reviewers, submitter }: SignedJob,
  { reviewers: wanted }: SiteRules,
  revoked: TaskGateOptions['revoked'],
): number {
  const known = new Set(wanted?.fingerprints.map(digitsOfFingerprint));
  return reviewers.filter(
    ({ keyFingerprint }) =>
      known.has(digitsOfFingerprint(keyFingerprint)) &&
      keyFingerprint !== submitter.keyFingerprint &&
      !revoked.has(keyFingerprint),
  ).length;
}
