/**
 * What protects the patients in one training task: what the job offers, or more where the site demands more, paid for
 * from the site's budget before anything is trained.
 */
import { createHash } from 'node:crypto';
import { type AuditEvent, auditSubject } from '@consilium/audit';
import { noiseShareOf, shareObjection, spendOf } from '@consilium/federation';
import { encodeSafetensors, type NoiseSource, type Weights } from '@consilium/numerics';
import type { NoisyUpdate, Privacy, TrainTask } from '@consilium/protocol';
import type { PrivacyOptions } from '@consilium/training';
import { takesNoise } from './filters/outgoing-filters.ts';
import type { Memory } from './job-memory.ts';
import { keyedNoise } from './keyed-noise.ts';
import { PrivacyBudget } from './privacy-budget.ts';
import type { PrivacySettings } from './settings.ts';
import { recordedAtSite } from './site-audit.ts';
import { SiteError } from './site-error.ts';
import type { PreparedMember, Workplace } from './workplace.ts';

export interface TaskPrivacy {
  readonly privacy: Privacy;
  /** For this task alone. */
  readonly noise: NoiseSource;
  /** For the trainer; null where only the contribution is noisy. */
  readonly training: PrivacyOptions | null;
  /** The part of the noise of a noisy update that is this site's to add. */
  readonly noiseShare: number;
  /** What the job did not ask for, by name, to be told with the answer; null if it asked for it. */
  readonly imposed: Privacy['kind'] | null;
}

/** All of the site's own that the answer depends on. */
interface TaskInputs {
  readonly members: readonly PreparedMember[];
  readonly start: Weights;
  /** What the site keeps of the rounds before and training depends on; empty where there is none. */
  readonly memory: Pick<Memory, 'control' | 'clip'>;
}

type Room = Pick<Workplace, 'workDirectory' | 'privacy' | 'noiseSeed' | 'threads' | 'filters'>;

/** Raised whenever the same task, data and noise would give other bytes: the difference would not be hidden. */
const trainingVersion = 1;

/**
 * null where neither job nor site ask for privacy.
 * @throws SiteError `site.privacy-required`, `site.noise-share-unfit`, `site.privacy-budget-exhausted`,
 * `site.privacy-ledger-failed`, `site.not-recorded`
 */
export async function payForPrivacy(
  task: TrainTask,
  { workDirectory, privacy: settings, noiseSeed, threads, filters }: Room,
  inputs: TaskInputs,
): Promise<TaskPrivacy | null> {
  const privacy = demandedPrivacy(task.privacy, settings);
  if (privacy === null) return null;
  const sharedAmong = sharedAmongOf(privacy);
  const noiseShare = shareIn(task, privacy, { cases: inputs.members.length, filters });
  const units = unitsOf(inputs.members);
  const name = await nameOf(task, privacy, { ...inputs, units, threads });
  using budget = await PrivacyBudget.open(workDirectory, settings);
  const { jobId, round, steps } = task;
  const reserve = () =>
    budget.reserve(name, {
      ...{ jobId, round, isSeeded: noiseSeed !== undefined, othersTrusted: sharedAmong - 1 },
      ...spendOf(privacy, steps),
    });
  if (budget.has(name)) reserve();
  else await recordedAtSite(workDirectory, spendingOf(task, name), reserve);
  const secret = noiseSeed === undefined ? budget.secret : new TextEncoder().encode(`rehearsal ${noiseSeed}`);
  const cases = units.map((members) => members.map(({ prepared }) => prepared));
  return {
    privacy,
    noise: keyedNoise(secret, name),
    training: privacy.kind === 'dp-sgd' ? { ...privacy, units: cases } : null,
    noiseShare,
    imposed: task.privacy === undefined ? privacy.kind : null,
  };
}

function spendingOf({ jobId, taskId }: TrainTask, name: string) {
  const subjects: AuditEvent['subjects'] = [
    { kind: 'job', id: jobId },
    auditSubject('task', taskId),
    { kind: 'digest', id: name },
  ];
  return { actor: { kind: 'service', id: 'worker' }, action: 'privacy.spent', subjects } as const;
}

/**
 * Never less than what is offered; null where nobody asks for any.
 * @throws SiteError `site.privacy-required`
 */
export function demandedPrivacy(offered: Privacy | undefined, settings: PrivacySettings): Privacy | null {
  const { impose, noiseMultiplierMin, noiseSharedAmongMax, required, samplingRateMax } = settings;
  if (offered === undefined && impose === undefined) {
    if (!required) return null;
    throw privacyRequired(
      'This site trains only in jobs that protect its patients by differential privacy, and this job does not.',
    );
  }
  if (offered !== undefined && impose !== undefined && offered.kind !== impose.kind) {
    throw privacyRequired(`This site protects its patients by ${impose.kind}, and the job asks for ${offered.kind}.`);
  }
  const wanted = (offered ?? impose)!;
  const noiseMultiplier = Math.max(wanted.noiseMultiplier, noiseMultiplierMin, impose?.noiseMultiplier ?? 0);
  if (wanted.kind === 'noisy-update') {
    const { noiseSharedAmong = 1, ...own } = wanted;
    // What the site imposes by itself, others know nothing of: they add no part of it.
    const among = offered === undefined ? 1 : Math.min(noiseSharedAmong, noiseSharedAmongMax);
    return { ...own, noiseMultiplier, ...(among > 1 ? { noiseSharedAmong: among } : {}) };
  }
  const imposedRate = impose?.kind === 'dp-sgd' ? impose.samplingRate : 1;
  return { ...wanted, noiseMultiplier, samplingRate: Math.min(wanted.samplingRate, samplingRateMax, imposedRate) };
}

function privacyRequired(text: string): SiteError {
  return new SiteError('site.privacy-required', text, { lasting: true });
}

/** How many sites, this one among them, are taken to add a part of the noise. */
export function sharedAmongOf(privacy: Privacy): number {
  return (privacy as Partial<NoisyUpdate>).noiseSharedAmong ?? 1;
}

/** @throws SiteError `site.noise-share-unfit` where the others could not rely on this site's part of the noise */
function shareIn(
  { secureAggregation: sum }: TrainTask,
  privacy: Privacy,
  { cases, filters }: { readonly cases: number } & Pick<Workplace, 'filters'>,
): number {
  const sites = sharedAmongOf(privacy);
  if (privacy.kind !== 'noisy-update' || sites === 1) return 1;
  if (sum === undefined) throw unfit('there is no secure aggregation, and each contribution is seen by itself.');
  if (sites > sum.threshold) throw unfit('sums may be of fewer sites than the noise is shared among.');
  if (takesNoise(filters)) throw unfit('this site’s filters take away a part of what leaves it, noise as well.');
  const share = noiseShareOf({ sites, cases, casesMax: sum.casesMax });
  const objection = shareObjection(privacy, share, sum);
  if (objection !== null) throw unfit(objection);
  return share;
}

function unfit(why: string): SiteError {
  const text = `The job has sites share their noise, and this site’s part would not be what others rely on: ${why}`;
  return new SiteError('site.noise-share-unfit', text, { lasting: true });
}

/** A patient is a unit, with all cases. */
function unitsOf(members: readonly PreparedMember[]): PreparedMember[][] {
  const units = new Map<string, PreparedMember[]>();
  for (const one of members) units.set(one.member.patient, [...(units.get(one.member.patient) ?? []), one]);
  return [...units.values()];
}

/** The SHA-256 of everything that decides the answer but for the noise. */
async function nameOf(
  { taskId: _, attempt: __, traceparent: ___, ...asked }: TrainTask,
  privacy: Privacy,
  {
    start,
    memory,
    units,
    threads,
  }: TaskInputs & { readonly units: readonly (readonly PreparedMember[])[]; readonly threads: number },
): Promise<string> {
  const contents = await Promise.all(
    units.map((unit) => Promise.all(unit.map(({ member }) => member.source.contentSha256()))),
  );
  const own = [trainingVersion, threads, privacy, contents, ...[start, memory.control, memory.clip].map(weightsSha256)];
  return createHash('sha256')
    .update(JSON.stringify([asked, ...own]))
    .digest('hex');
}

function weightsSha256(weights: Weights): string {
  return createHash('sha256').update(encodeSafetensors(weights)).digest('hex');
}
