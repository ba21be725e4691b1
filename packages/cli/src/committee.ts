/**
 * The hospitals of a rehearsal: a coordinator and one service a site, the same as in production, on this machine over
 * TLS. One more site, `pooled`, holds the data of all of them: the upper bound that only a rehearsal can measure.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import {
  type BlobStore,
  getBlob,
  type JobEvent,
  type JobOutcome,
  putBlob,
  Slots,
  type Submission,
  type Survey,
  type SurveyOutcome,
} from '@consilium/federation';
import {
  type BlobId,
  type Contribution,
  type JobId,
  type Json,
  plainEncoding,
  type SiteId,
  siteIdSchema,
} from '@consilium/protocol';
import type { CaseDirectory, SiteSettingsInput } from '@consilium/site';
import { IdentityDirectory, makeDirectory, systemClock, wallClockMs, writeDurably } from '@consilium/transport';
import { CliError } from './cli-error.ts';
import type { JobProtection } from './private-terms.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';
import { mandateOf } from './signed-submission.ts';
import { SiteChild } from './site-child.ts';

/** A hospital: its name and where its studies lie. */
export interface Hospital extends CaseDirectory {
  readonly siteId: SiteId;
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
  /** Where hospitals are lost on purpose, nobody waits for them longer than it takes to see that they are. */
  readonly protection?: JobProtection;
}

/** Processes that can be lost and brought back. */
export interface Losable {
  /** It ends at once and stays away. */
  lose(siteId: SiteId): void;
  bringBack(siteId: SiteId): void;
}

/** What hospitals write into their settings where they trust nobody; and what is done to them on the way. */
export interface HospitalRules {
  rulesOf(
    siteId: SiteId,
    fingerprints: ReadonlyMap<SiteId, string>,
  ): { readonly settings: Partial<SiteSettingsInput>; readonly policy: string };
  onEvent(event: JobEvent, sites: Losable): void;
}

/** A job that came to its end, with a model to keep. */
export type FinishedJob = JobOutcome & { readonly best: NonNullable<JobOutcome['best']> };

/** What the rehearsal asks of its sites. Each answer is durable, so that asking again after a crash costs nothing. */
export interface Committee extends AsyncDisposable, Losable {
  /** Where the coordinator listens, on this machine. */
  readonly origin: string;
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
  blob(sha256: BlobId): Promise<Uint8Array>;
  putBlob(bytes: Uint8Array): Promise<BlobId>;
}

const decisionsId = 'rehearsal' as JobId;
const patientStragglerMs = 3_600_000;
const absentMinutesMax = 2;
/** Where hospitals are lost on purpose. */
const lostMinutesMax = 1 / 2;
const lookAgainMs = 100;
const host = '127.0.0.1';
/** Who is all hospitals. */
const ofOnePerson = {
  policy: { without: ['signed-jobs'], minimumPatients: 1, minimumCount: 1 },
  testGroups: ['phase', 'vendor', 'kernel', 'sex', 'age'],
} satisfies Partial<SiteSettingsInput>;

export async function openCommittee(
  directory: string,
  hospitals: readonly Hospital[],
  settings: RehearsalSettings,
  {
    signal,
    onEvent,
    privately,
    withPooled = privately === null, // no rule of a hospital would allow it
  }: {
    signal: AbortSignal;
    onEvent: (event: JobEvent) => void;
    privately: HospitalRules | null;
    withPooled?: boolean;
  },
): Promise<Committee> {
  const own = join(directory, 'coordinator');
  if (!existsSync(join(own, 'coordinator.yaml'))) {
    const listen = { host, port: 0 };
    await initCoordinator(
      own,
      {
        ...{ project: 'rehearsal', names: [host], listen, jobsAtOnce: 1000 },
        absentMinutesMax: privately === null ? absentMinutesMax : lostMinutesMax,
      },
      { nowMs: wallClockMs },
    );
  }
  const children = new Map<SiteId, SiteChild>();
  const lose = (siteId: SiteId) => children.get(siteId)!.lose();
  const bringBack = (siteId: SiteId) => children.get(siteId)!.bringBack();
  const coordinator = await Coordinator.start(own, {
    onEvent: (event) => {
      onEvent(event);
      privately?.onEvent(event, { lose, bringBack });
    },
    slots: new Slots(Math.max(2, availableParallelism())),
  });
  const { board, store } = coordinator;
  const sites = [
    ...hospitals.map((hospital) => [hospital.siteId, [hospital]] as const),
    ...(withPooled ? [[pooledSiteId, hospitals] as const] : []),
  ];
  const fingerprints = new Map<SiteId, string>();
  for (const [siteId] of sites) {
    const identity = await admit(coordinator, workDirectoryOf(directory, siteId), siteId);
    fingerprints.set(siteId, identity.fingerprint);
  }
  for (const [siteId, sources] of sites) {
    const work = workDirectoryOf(directory, siteId);
    const rules = privately?.rulesOf(siteId, fingerprints) ?? null;
    await writeSettings(work, {
      siteId,
      coordinator: `https://${host}:${coordinator.port}`,
      data: sources.map((source) => ({ ...source })),
      seed: settings.seed,
      threads: 1,
      ...(rules?.settings ?? ofOnePerson),
    });
    if (rules !== null) await writePolicy(work, rules.policy);
    children.set(siteId, new SiteChild(work));
  }
  // A hospital that is slow to start is not taken for one that was lost.
  if (privately !== null) await allConnected(coordinator, [...children.keys()], signal);
  const member = privately === null ? null : await IdentityDirectory.open(join(own, 'admin'));
  const outcome = async <T extends JobOutcome | SurveyOutcome<never>>(plain: Submission): Promise<T> => {
    const submission = member === null ? plain : { ...plain, mandate: await signedBy(member, plain, store) };
    const { state } = await board.submit(submission);
    if (state === 'failed' || state === 'paused') await board.resume(submission.jobId);
    const ended = await board.outcome<never>(submission.jobId, signal);
    return ended as T;
  };
  return {
    origin: `https://${host}:${coordinator.port}`,
    hospitals,
    survey: async <K extends Contribution['kind']>(
      jobId: string,
      participants: readonly SiteId[],
      task: Survey<K>['task'],
      minimumSites = participants.length,
    ) => {
      const ended = await outcome<SurveyOutcome<never>>({
        kind: 'survey',
        jobId: jobId as JobId,
        participants: [...participants],
        task,
        minimumSites,
        stragglerMs: patientStragglerMs,
        attempts: 3,
      });
      return unlessFailed(ended) as unknown as SurveyOutcome<K>;
    },
    train: async ({ model, initialWeights, participants, protection, ...job }) => {
      const ended = await outcome<JobOutcome>({
        ...job,
        ...protection,
        kind: 'train',
        jobId: job.jobId as JobId,
        participants: [...participants],
        model: await putBlob(store, model),
        initialWeights: await putBlob(store, initialWeights),
        rounds: { max: settings.rounds },
        minimumSites: protection?.secureAggregation.threshold ?? Math.min(settings.minimumSites, participants.length),
        stragglerMs: patientStragglerMs,
        attempts: protection === undefined ? 2 : 1,
        stopping: { patience: settings.patience, minimumGain: settings.minimumGain },
        seed: settings.seed,
        strategy: { kind: 'fed-avg' },
        reply: plainEncoding,
      });
      const { best, ...rest } = unlessFailed(ended);
      if (best === null) throw new CliError('cli.job-failed', rest.reason.text);
      return { ...rest, best };
    },
    decide: async (key, proposed) => {
      const fixed = (await store.recall(decisionsId)).get(key);
      if (fixed !== undefined) return fixed as SiteId[];
      await store.record(decisionsId, key, [...proposed]);
      return proposed;
    },
    lose,
    bringBack,
    blob: (id) => getBlob(store, id),
    putBlob: async (bytes) => {
      const id = await putBlob(store, bytes);
      await store.retain([id], decisionsId);
      return id;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...children.values()].map((child) => child[Symbol.asyncDispose]()));
      await coordinator[Symbol.asyncDispose]();
    },
  };
}

/** What a hospital does over the network and two people by telephone; here one process is all of them. */
async function admit(
  { registry, authority, settings }: Coordinator,
  work: string,
  siteId: SiteId,
): Promise<IdentityDirectory> {
  const { project } = settings;
  const facts = { project, role: 'site', id: siteId, coordinator: `https://${host}` } as const;
  const identity = await IdentityDirectory.create(join(work, 'identity'), facts);
  if (identity.isAdmitted) return identity;
  const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
  const { certificate } = await registry.admit('site', siteId, fingerprint);
  await identity.admitted({ certificate: certificate!, authority: authority.certificate });
  return identity;
}

async function allConnected({ lines }: Coordinator, siteIds: readonly SiteId[], signal: AbortSignal): Promise<void> {
  while (!siteIds.every((siteId) => lines.of(siteId).isConnected)) {
    signal.throwIfAborted();
    await systemClock.sleep(lookAgainMs, signal);
  }
}

/** The signed form is in the store when it resolves. */
async function signedBy(member: IdentityDirectory, submission: Submission, store: BlobStore): Promise<BlobId> {
  const { credentials, facts } = member;
  return putBlob(store, mandateOf(submission, { project: facts.project, credentials }));
}

async function writePolicy(work: string, text: string): Promise<void> {
  await makeDirectory(join(work, 'policy'));
  await writeDurably(join(work, 'policy/rehearsal.cedar'), text);
}

async function writeSettings(work: string, settings: SiteSettingsInput): Promise<void> {
  await makeDirectory(work);
  await writeDurably(join(work, 'site.yaml'), `${JSON.stringify(settings, null, 2)}\n`); // JSON is YAML
}

/** @throws CliError if too few sites were left. */
function unlessFailed<T extends { state: string; reason: { text: string } }>(outcome: T): T {
  if (outcome.state !== 'completed') throw new CliError('cli.job-failed', outcome.reason.text);
  return outcome;
}
