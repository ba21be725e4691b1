/**
 * The coordinator's part in finding patients who are at several sites: it asks each site for its key, hands everybody's
 * round, and passes on what sites have sealed for each other, step by step. It reads none of it. A site that does not
 * answer in time takes no further part; the others go on. Run again, it goes on with the step that was not closed.
 */
import {
  type BlobId,
  blobIdSchema,
  type Contribution,
  type ContributionTo,
  type Introduction,
  type JobId,
  type Json,
  jobIdSchema,
  type OverlapStep,
  overlapSettingsSchema,
  type SiteId,
  siteIdSchema,
  type TaskBody,
} from '@consilium/protocol';
import { z } from 'zod';
import { lackingBlobs } from './blob.ts';
import { FederationError } from './federation-error.ts';
import { type Acceptance, inquire } from './inquiry.ts';
import { recordDefinition } from './job.ts';
import type { JobOptions } from './job-run.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { Ports } from './ports.ts';
import type { Store } from './store.ts';
import type { SurveyOutcome } from './survey.ts';

export const overlapSchema = z.object({
  kind: z.literal('overlap'),
  jobId: jobIdSchema,
  participants: z.array(siteIdSchema).min(2),
  settings: overlapSettingsSchema,
  /** A step waits this long for all sites. */
  stragglerMs: z.number().positive(),
  attempts: z.int().min(1),
  /** The job as it was signed, in the store; absent where nobody signed it. */
  mandate: blobIdSchema.optional(),
});
export type Overlap = z.infer<typeof overlapSchema>;

/** By round. */
export const overlapSteps: readonly ('introduce' | OverlapStep)[] = ['introduce', 'mask', 'return', 'label', 'find'];

/** What the answers of the last step are called in the ledger, before the site. */
export const lastAnswers = `round/${overlapSteps.length - 1}/overlap/`;

type Answer = ContributionTo<'introduce'> | ContributionTo<'overlap'>;

/** Of one step, once it is closed: who has answered, and what. */
interface ClosedStep {
  readonly answers: ReadonlyMap<SiteId, Answer>;
  readonly leftOut: readonly LeftOutSite[];
}

/** @throws FederationError `federation.bad-job` */
export function checkOverlap({ jobId, participants, settings }: Overlap): void {
  const bad = (text: string) => new FederationError('federation.bad-job', `Job ${jobId}: ${text}`);
  if (new Set(participants).size !== participants.length) throw bad('a participant is named twice.');
  if (settings.minimumSites > participants.length) {
    throw bad(`minimumSites is ${settings.minimumSites}, but there are ${participants.length} participants.`);
  }
}

/**
 * Its answers are those to the last step.
 * @throws FederationError `federation.job-changed`
 */
export async function runOverlap(
  overlap: Overlap,
  ports: Ports,
  { signal = new AbortController().signal, onEvent = () => {} }: JobOptions = {},
): Promise<SurveyOutcome<'overlap'>> {
  const { jobId, settings } = overlap;
  const participants = [...overlap.participants].sort();
  await recordDefinition(jobId, { kind: 'overlap', participants, settings } as Json, ports.store);
  onEvent({ kind: 'job-started', jobId, participants, rounds: 0, completedRounds: 0 });
  const closed: ClosedStep[] = [];
  let reason: { readonly code: string; readonly text: string } | null = null;
  for (const [number, step] of overlapSteps.entries()) {
    const sites = number === 0 ? participants : [...closed[number - 1]!.answers.keys()];
    const outcome =
      (await recallStep(overlap, number, ports.store)) ??
      (await runStep({ overlap, number, step, sites, closed }, ports, { signal, onEvent }));
    if (outcome === null) {
      reason = { code: 'stopped-by-request', text: 'The job was stopped by request; it can be resumed.' };
      break;
    }
    if (outcome.answers.size < settings.minimumSites) {
      reason = tooFew(outcome, settings.minimumSites);
      break;
    }
    closed.push(outcome);
  }
  const last = closed[overlapSteps.length - 1];
  const answers = (last?.answers ?? new Map()) as SurveyOutcome<'overlap'>['answers'];
  const leftOut = closed.flatMap((each) => each.leftOut);
  if (last !== undefined) await letGoOfBoxes(jobId, ports.store);
  const ended: Pick<SurveyOutcome<'overlap'>, 'state' | 'reason'> = last !== undefined
    ? { state: 'completed', reason: { code: 'answered', text: `${answers.size} sites have compared their patients.` } }
    : { state: reason!.code === 'stopped-by-request' ? 'stopped' : 'failed', reason: reason! };
  onEvent({ kind: 'job-ended', jobId, ...ended });
  return { ...ended, answers, leftOut };
}

/** Boxes are of use to nobody once the job is over. */
export async function letGoOfBoxes(jobId: JobId, store: Store): Promise<void> {
  for (const step of overlapSteps) await store.release(`${jobId}/${step}`);
}

interface Step {
  readonly overlap: Overlap;
  readonly number: number;
  readonly step: (typeof overlapSteps)[number];
  readonly sites: readonly SiteId[];
  /** The steps before. */
  readonly closed: readonly ClosedStep[];
}

/** null if it was aborted. What is not closed yet may have answers, and goes on with them. */
async function runStep(
  { overlap, number, step, sites, closed }: Step,
  ports: Ports,
  options: Required<JobOptions>,
): Promise<ClosedStep | null> {
  const { jobId, settings, stragglerMs, attempts } = overlap;
  const { store } = ports;
  const answers = await answersOf(jobId, number, { sites, store });
  const outcome = await inquire<Answer>(
    {
      jobId,
      mandate: overlap.mandate,
      round: number,
      siteIds: sites.filter((siteId) => !answers.has(siteId)),
      taskFor: (siteId) => taskFor(siteId, { overlap, step, sites, closed }),
      accept: (siteId, contribution) => accept(contribution, { siteId, overlap, number, step, sites, closed }, store),
      enough: Math.max(0, settings.minimumSites - answers.size),
      stragglerMs,
      attempts,
    },
    ports,
    options,
  );
  if (outcome.kind === 'aborted') return null;
  for (const [siteId, answer] of outcome.accepted) answers.set(siteId, answer);
  const inOrder = new Map([...answers].sort(([one], [other]) => (one < other ? -1 : 1)));
  const { leftOut } = outcome;
  // Too few may become enough when the job is resumed: only what goes on is closed.
  if (inOrder.size >= settings.minimumSites) {
    await store.record(jobId, closedKey(number), { sites: [...inOrder.keys()], leftOut } as unknown as Json);
  }
  return { answers: inOrder, leftOut };
}

function taskFor(siteId: SiteId, { overlap, step, sites, closed }: Omit<Step, 'number'>): TaskBody {
  if (step === 'introduce') return { kind: 'introduce', purpose: 'overlap' };
  const roster = [...closed[0]!.answers.values()].map((answer) => (answer as ContributionTo<'introduce'>).introduction);
  const from = closed.slice(1).slice(-2); // each step needs what the two before it have brought
  const received = from.flatMap(({ answers }) =>
    sites.flatMap((other) => {
      const answer = answers.get(other) as ContributionTo<'overlap'>;
      const box = answer.boxes[siteId];
      return other === siteId || box === undefined ? [] : [{ from: other, step: answer.step, box }];
    }),
  );
  return { kind: 'overlap', step, settings: overlap.settings, roster, received };
}

async function accept(
  contribution: Contribution,
  { siteId, overlap, number, step, sites, closed }: Step & { readonly siteId: SiteId },
  store: Store,
): Promise<Acceptance<Answer>> {
  const { jobId } = overlap;
  const refused = { accepted: false, code: 'federation.contribution-of-another-kind' } as const;
  if (step === 'introduce') {
    if (contribution.kind !== 'introduce' || contribution.introduction.siteId !== siteId) {
      return { ...refused, message: 'The site answered another task than the one it was given.' };
    }
  } else {
    const others = rosterOf(closed).filter((other) => other !== siteId);
    const wanted = step === 'find' ? [] : sites.filter((other) => others.includes(other) && other !== siteId);
    if (
      contribution.kind !== 'overlap' ||
      contribution.step !== step ||
      (contribution.found !== null) !== (step === 'find')
    ) {
      return { ...refused, message: 'The site answered another task than the one it was given.' };
    }
    const boxes = Object.keys(contribution.boxes);
    if (boxes.some((to) => !others.includes(to as SiteId)) || wanted.some((to) => !boxes.includes(to))) {
      return { ...refused, message: 'The site has sealed something for others than the sites that take part.' };
    }
    const blobs = Object.values(contribution.boxes) as BlobId[];
    const lacking = await lackingBlobs(store, blobs);
    if (lacking.length > 0) return { accepted: false, lacking };
    await store.retain(blobs, `${jobId}/${step}`);
  }
  await store.record(jobId, keyOf(number, siteId), contribution as unknown as Json);
  return { accepted: true, value: contribution };
}

function rosterOf(closed: readonly ClosedStep[]): readonly SiteId[] {
  return [...closed[0]!.answers.values()].map(
    (answer) => (answer as { introduction: Introduction }).introduction.siteId,
  );
}

/** null if the step was not closed. */
async function recallStep({ jobId }: Overlap, number: number, store: Store): Promise<ClosedStep | null> {
  const entry = (await store.entry(jobId, closedKey(number))) as unknown as
    | { sites: SiteId[]; leftOut: LeftOutSite[] }
    | undefined;
  if (entry === undefined) return null;
  return { answers: await answersOf(jobId, number, { sites: entry.sites, store }), leftOut: entry.leftOut };
}

async function answersOf(
  jobId: JobId,
  number: number,
  { sites, store }: { readonly sites: readonly SiteId[]; readonly store: Store },
): Promise<Map<SiteId, Answer>> {
  const answers = new Map<SiteId, Answer>();
  for (const siteId of sites) {
    const answer = await store.entry(jobId, keyOf(number, siteId));
    if (answer !== undefined) answers.set(siteId, answer as unknown as Answer);
  }
  return answers;
}

function keyOf(number: number, siteId: SiteId): string {
  return `round/${number}/${number === 0 ? 'introduce' : 'overlap'}/${siteId}`;
}

function closedKey(number: number): string {
  return `round/${number}/closed`;
}

function tooFew({ answers, leftOut }: ClosedStep, needed: number): { code: string; text: string } {
  const why = leftOut.map(({ siteId, message }) => `${siteId}: ${message}`).join(' ');
  const text = `${answers.size} sites have answered, but ${needed} are needed. ${why}`.trim();
  return { code: 'federation.too-few-sites', text };
}
