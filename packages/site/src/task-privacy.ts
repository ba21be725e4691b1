/**
 * What protects the patients in one training task: what the job offers, or more where the site demands more, paid for
 * from the site's budget before anything is trained.
 */
import { createHash } from 'node:crypto';
import { spendOf } from '@consilium/federation';
import { encodeSafetensors, type NoiseSource, type Weights } from '@consilium/numerics';
import type { Privacy, TrainTask } from '@consilium/protocol';
import type { PrivacyOptions } from '@consilium/training';
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
}

/** All of the site's own that the answer depends on. */
interface TaskInputs {
  readonly members: readonly PreparedMember[];
  readonly start: Weights;
  /** What the site keeps of the rounds before and training depends on; empty where there is none. */
  readonly memory: Pick<Memory, 'control' | 'clip'>;
}

type Room = Pick<Workplace, 'workDirectory' | 'privacy' | 'noiseSeed' | 'threads'>;

/** Raised whenever the same task, data and noise would give other bytes: the difference would not be hidden. */
const trainingVersion = 1;

/**
 * null where neither job nor site ask for privacy.
 * @throws SiteError `site.privacy-required`, `site.privacy-budget-exhausted`, `site.privacy-ledger-failed`,
 * `site.not-recorded`
 */
export async function payForPrivacy(
  task: TrainTask,
  { workDirectory, privacy: settings, noiseSeed, threads }: Room,
  inputs: TaskInputs,
): Promise<TaskPrivacy | null> {
  const privacy = demanded(task.privacy, settings);
  if (privacy === null) return null;
  const units = unitsOf(inputs.members);
  const name = await nameOf(task, privacy, { ...inputs, units, threads });
  using budget = await PrivacyBudget.open(workDirectory, settings);
  const { jobId, round, steps } = task;
  const reserve = () =>
    budget.reserve(name, { jobId, round, isSeeded: noiseSeed !== undefined, ...spendOf(privacy, steps) });
  if (budget.has(name)) reserve();
  else await recordedAtSite(workDirectory, spendingOf(task, name), reserve);
  const secret = noiseSeed === undefined ? budget.secret : new TextEncoder().encode(`rehearsal ${noiseSeed}`);
  const cases = units.map((members) => members.map(({ prepared }) => prepared));
  return {
    privacy,
    noise: keyedNoise(secret, name),
    training: privacy.kind === 'dp-sgd' ? { ...privacy, units: cases } : null,
  };
}

function spendingOf({ jobId, taskId }: TrainTask, name: string) {
  const subjects = [
    { kind: 'job', id: jobId },
    { kind: 'task', id: taskId.slice(0, 200) },
    { kind: 'digest', id: name },
  ] as const;
  return { actor: { kind: 'service', id: 'worker' }, action: 'privacy.spent', subjects } as const;
}

/** Never less than what is offered. */
function demanded(offered: Privacy | undefined, settings: PrivacySettings): Privacy | null {
  const { required, noiseMultiplierMin, samplingRateMax } = settings;
  if (offered === undefined) {
    if (!required) return null;
    throw new SiteError(
      'site.privacy-required',
      'This site trains only in jobs that protect its patients by differential privacy, and this job does not.',
      { lasting: true },
    );
  }
  const noiseMultiplier = Math.max(offered.noiseMultiplier, noiseMultiplierMin);
  if (offered.kind === 'noisy-update') return { ...offered, noiseMultiplier };
  return { ...offered, noiseMultiplier, samplingRate: Math.min(offered.samplingRate, samplingRateMax) };
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
