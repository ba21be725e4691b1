/**
 * One round: configure, train, aggregate, evaluate, decide. Each step is in the ledger before the next begins, and is
 * read from there instead of being done again when a job is resumed.
 *
 * Ledger keys of round r: `round/r/train/<site>` for each accepted contribution, `round/r/aggregate` once the round is
 * closed to contributions, `round/r/evaluate/<site>`, and `round/r/record` when the round is complete.
 */
import { decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import type { Contribution, Json, ModelName, Sha256, SiteId } from '@consilium/protocol';
import { admit } from './admission.ts';
import { type Acceptance, type InquiryOptions, inquire } from './inquiry.ts';
import type { Job } from './job.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { Ports } from './ports.ts';
import type { JobReason } from './reason.ts';
import { bestRound, type Decision, decide } from './stopping.ts';
import { type EvaluatedSite, inSiteOrder, type Strategy, type TrainOrder } from './strategy.ts';

/** What stays the same through all rounds of a job. */
export interface RoundSetting {
  readonly job: Job;
  readonly strategy: Strategy;
  readonly model: Sha256;
  readonly initialWeights: Sha256;
  /** Names, shapes and dtypes of the weights. */
  readonly like: Weights;
}

/** A contribution as the ledger keeps it. */
export interface TrainedRecord {
  readonly siteId: SiteId;
  readonly weights: Sha256;
  /** Training cases. */
  readonly cases: number;
  readonly steps: number;
  readonly meanLoss: number;
  /** From the sending of the task, waiting in the site's queue included. */
  readonly ms: number;
}

interface AggregateRecord {
  /** The global weights after the round. */
  readonly weights: Sha256;
  readonly trained: readonly TrainedRecord[];
  readonly leftOut: readonly LeftOutSite[];
}

/** A completed round. Every list is in site order. */
export interface RoundRecord {
  readonly round: number;
  /** The global weights after the round. */
  readonly weights: Sha256;
  /** The federated validation score; null if no site could score. */
  readonly score: number | null;
  readonly trained: readonly TrainedRecord[];
  readonly evaluated: readonly EvaluatedSite[];
  readonly leftOut: readonly (LeftOutSite & { readonly task: 'train' | 'evaluate' })[];
  readonly decision: Decision;
}

export type RoundOutcome =
  | { readonly kind: 'done'; readonly record: RoundRecord }
  | { readonly kind: 'failed'; readonly reason: JobReason }
  | { readonly kind: 'aborted' };

interface RoundContext extends RoundSetting, InquiryOptions {
  readonly round: number;
  /** The rounds before. */
  readonly rounds: readonly RoundRecord[];
  readonly ports: Ports;
  /** What the ledger holds of this job. */
  readonly entries: ReadonlyMap<string, Json>;
}

/** Runs the round after `rounds`, or what is left of it. */
export async function runRound(
  setting: RoundSetting,
  rounds: readonly RoundRecord[],
  ports: Ports,
  options: InquiryOptions,
): Promise<RoundOutcome> {
  const entries = await ports.store.recall(setting.job.jobId);
  const context: RoundContext = { ...setting, ...options, round: rounds.length + 1, rounds, ports, entries };
  let closed = recalled<AggregateRecord>(context, 'aggregate');
  if (closed === undefined) {
    const orders = configure(context);
    const training = await train(context, orders);
    if (training.kind !== 'trained') return training;
    closed = await aggregate(context, training);
  }
  const evaluation = await evaluate(context, closed);
  if (evaluation.kind !== 'evaluated') return evaluation;
  return { kind: 'done', record: await conclude(context, closed, evaluation) };
}

/** The rounds that the ledger holds complete, in order. */
export function completedRounds(entries: ReadonlyMap<string, Json>): RoundRecord[] {
  const rounds: RoundRecord[] = [];
  for (;;) {
    const record = entries.get(keyOf(rounds.length + 1, 'record'));
    if (record === undefined) return rounds;
    rounds.push(record as unknown as RoundRecord);
  }
}

// Configure ------------------------------------------------------------------------------------------------------------

function configure(context: RoundContext): readonly TrainOrder[] {
  const { job, strategy, round, onEvent } = context;
  const orders = strategy.configureTrain(available(context));
  const participants = orders.map(({ siteId }) => siteId);
  onEvent({ kind: 'round-started', jobId: job.jobId, round, of: job.rounds.max, participants });
  return orders;
}

/** The participants that have not given a lasting reason to be left out, in site order. */
function available({ job, rounds }: RoundContext, also: readonly LeftOutSite[] = []): SiteId[] {
  const gone = new Set(
    [...rounds.flatMap(({ leftOut }) => leftOut), ...also].filter(({ lasting }) => lasting).map(({ siteId }) => siteId),
  );
  return [...job.participants].sort().filter((siteId) => !gone.has(siteId));
}

// Train ----------------------------------------------------------------------------------------------------------------

interface Training {
  readonly kind: 'trained';
  readonly trained: readonly TrainedRecord[];
  readonly leftOut: readonly LeftOutSite[];
}

async function train(
  context: RoundContext,
  orders: readonly TrainOrder[],
): Promise<Training | Exclude<RoundOutcome, { kind: 'done' }>> {
  const { job, round, model } = context;
  const weights = globalWeights(context);
  const done = orders.flatMap(({ siteId }) => recalled<TrainedRecord>(context, `train/${siteId}`) ?? []);
  const open = orders.filter(({ siteId }) => !done.some((trained) => trained.siteId === siteId));
  const outcome = await inquire<TrainedRecord>(
    {
      jobId: job.jobId,
      round,
      siteIds: open.map(({ siteId }) => siteId),
      taskFor: (siteId) => ({
        kind: 'train',
        round,
        plan: job.plan,
        model,
        weights,
        steps: job.stepsPerRound,
        firstStep: (round - 1) * job.stepsPerRound,
        totalSteps: job.rounds.max * job.stepsPerRound,
        seed: job.seed,
        proximalMu: open.find((order) => order.siteId === siteId)!.proximalMu,
      }),
      accept: (siteId, contribution, ms) => acceptTrained(context, siteId, contribution, ms),
      enough: Math.max(0, job.minimumSites - done.length),
      stragglerMs: job.stragglerMs,
      attempts: job.attempts,
    },
    context.ports,
    context,
  );
  if (outcome.kind === 'aborted') return outcome;
  const trained = inSiteOrder([...done, ...outcome.accepted.values()]);
  if (trained.length < job.minimumSites) return { kind: 'failed', reason: tooFew(context, trained, outcome.leftOut) };
  return { kind: 'trained', trained, leftOut: outcome.leftOut };
}

/** Refuses what may not enter the average; else the contribution is in the ledger when this resolves. */
async function acceptTrained(
  context: RoundContext,
  siteId: SiteId,
  contribution: Contribution,
  ms: number,
): Promise<Acceptance<TrainedRecord>> {
  if (contribution.kind !== 'train') return anotherKind;
  const { weights, cases, steps, meanLoss } = contribution;
  const admission = admit(await context.ports.store.getBlob(weights), context.like);
  if (!admission.admitted) return { accepted: false, code: admission.code, message: admission.message };
  const trained: TrainedRecord = { siteId, weights, cases, steps, meanLoss, ms };
  await record(context, `train/${siteId}`, trained);
  return { accepted: true, value: trained };
}

const anotherKind = {
  accepted: false,
  code: 'federation.contribution-of-another-kind',
  message: 'The site answered another task than the one it was given.',
} as const;

function tooFew(
  { job, round }: RoundContext,
  trained: readonly TrainedRecord[],
  leftOut: readonly LeftOutSite[],
): JobReason {
  const why = leftOut.map(({ siteId, message }) => `${siteId}: ${message}`).join(' ');
  return {
    code: 'federation.too-few-sites',
    text: `Round ${round} has contributions of ${trained.length} sites, but needs ${job.minimumSites}. ${why}`.trim(),
  };
}

// Aggregate ------------------------------------------------------------------------------------------------------------

async function aggregate(context: RoundContext, { trained, leftOut }: Training): Promise<AggregateRecord> {
  const { job, strategy, round, ports, onEvent } = context;
  const load = async (sha256: Sha256) => decodeSafetensors(await ports.store.getBlob(sha256)).tensors;
  const mean = await strategy.aggregateTrain(
    trained.map(({ siteId, cases, weights }) => ({ siteId, cases, load: () => load(weights) })),
    await load(globalWeights(context)),
  );
  const weights = await ports.store.putBlob(encodeSafetensors(mean));
  const closed: AggregateRecord = { weights, trained, leftOut: inSiteOrder(leftOut) };
  await record(context, 'aggregate', closed);
  onEvent({
    kind: 'aggregated',
    jobId: job.jobId,
    round,
    participants: trained.map(({ siteId }) => siteId),
    weights,
  });
  return closed;
}

/** The weights that this round starts from. */
function globalWeights({ rounds, initialWeights }: RoundContext): Sha256 {
  return rounds.at(-1)?.weights ?? initialWeights;
}

// Evaluate -------------------------------------------------------------------------------------------------------------

interface Evaluation {
  readonly kind: 'evaluated';
  readonly evaluated: readonly EvaluatedSite[];
  readonly leftOut: readonly LeftOutSite[];
}

/** Sites that cannot evaluate are left out of the score; the round does not fail for it. */
async function evaluate(
  context: RoundContext,
  closed: AggregateRecord,
): Promise<Evaluation | Extract<RoundOutcome, { kind: 'aborted' }>> {
  const { job, strategy, round, model } = context;
  const siteIds = strategy.configureEvaluate(available(context, closed.leftOut));
  const done = siteIds.flatMap((siteId) => recalled<EvaluatedSite>(context, `evaluate/${siteId}`) ?? []);
  const outcome = await inquire<EvaluatedSite>(
    {
      jobId: job.jobId,
      round,
      siteIds: siteIds.filter((siteId) => !done.some((evaluated) => evaluated.siteId === siteId)),
      taskFor: () => ({
        kind: 'evaluate',
        plan: job.plan,
        model,
        weights: closed.weights,
        split: 'validation',
        modelName: job.jobId as string as ModelName,
        pictures: false,
      }),
      accept: async (siteId, contribution) => {
        if (contribution.kind !== 'evaluate') return anotherKind;
        const value: EvaluatedSite = { siteId, cases: contribution.scores.length, score: contribution.meanDice };
        await record(context, `evaluate/${siteId}`, value);
        return { accepted: true, value };
      },
      enough: Math.max(0, job.minimumSites - done.length),
      stragglerMs: job.stragglerMs,
      attempts: job.attempts,
    },
    context.ports,
    context,
  );
  if (outcome.kind === 'aborted') return outcome;
  const evaluated = inSiteOrder([...done, ...outcome.accepted.values()]);
  return { kind: 'evaluated', evaluated, leftOut: outcome.leftOut };
}

// Decide ---------------------------------------------------------------------------------------------------------------

async function conclude(context: RoundContext, closed: AggregateRecord, evaluation: Evaluation): Promise<RoundRecord> {
  const { job, strategy, round, rounds, onEvent } = context;
  const { evaluated } = evaluation;
  const { weights, trained } = closed;
  const score = strategy.aggregateEvaluate(evaluated);
  const scores = [...rounds.map((earlier) => earlier.score), score];
  const conclusion: RoundRecord = {
    round,
    weights,
    score,
    trained,
    evaluated,
    leftOut: [
      ...closed.leftOut.map((site) => ({ ...site, task: 'train' as const })),
      ...inSiteOrder(evaluation.leftOut).map((site) => ({ ...site, task: 'evaluate' as const })),
    ],
    decision: decide(scores, { ...job.stopping, roundsMax: job.rounds.max }),
  };
  await record(context, 'record', conclusion);
  const siteScores = Object.fromEntries(evaluated.map((site) => [site.siteId, site.score]));
  onEvent({ kind: 'evaluated', jobId: job.jobId, round, score, siteScores });
  if (bestRound(scores) === round) onEvent({ kind: 'best-model', jobId: job.jobId, round, score, weights });
  return conclusion;
}

// The ledger -----------------------------------------------------------------------------------------------------------

function keyOf(round: number, step: string): string {
  return `round/${round}/${step}`;
}

function recalled<T>({ entries, round }: RoundContext, step: string): T | undefined {
  return entries.get(keyOf(round, step)) as T | undefined;
}

async function record({ ports, job, round }: RoundContext, step: string, value: object): Promise<void> {
  await ports.store.record(job.jobId, keyOf(round, step), value as Json);
}
