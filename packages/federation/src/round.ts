/**
 * One round: configure, train, aggregate, evaluate, decide. Each step is in the ledger before the next begins, and is
 * read from there instead of being done again when a job is resumed.
 * What the ledger keeps is in `round-record.ts`; who is asked, in `round-participants.ts`.
 */
import {
  type BlobId,
  type Contribution,
  type ModelName,
  plainEncoding,
  type SiteId,
  type TaskBody,
} from '@consilium/protocol';
import { admit } from './admission.ts';
import { lackingBlobs } from './blob.ts';
import { ContributedWeights } from './contributed-weights.ts';
import { type Acceptance, type InquiryOptions, inquire } from './inquiry.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { Ports } from './ports.ts';
import type { JobReason } from './reason.ts';
import {
  globalWeights,
  holderOf,
  type RoundContext,
  type RoundSetting,
  recalled,
  record,
  stateOf,
} from './round-context.ts';
import {
  type Asked,
  available,
  configure,
  isTooStale,
  ordersFor,
  stillAsked,
  undecidedIn,
} from './round-participants.ts';
import { type AggregateRecord, keyOf, type RoundRecord, type TrainedRecord } from './round-record.ts';
import { sumSecurely } from './secure-sum/secure-round.ts';
import { trainingDigest } from './secure-sum/session.ts';
import { blobsOf } from './site-line.ts';
import { Slots } from './slots.ts';
import { bestRound, decide, isScored, type StoppingRule } from './stopping.ts';
import type { Store } from './store.ts';
import { type EvaluatedSite, inSiteOrder, type TrainedSite } from './strategy.ts';
import { WeightsFile } from './weights.ts';

export type RoundOutcome =
  | { readonly kind: 'done'; readonly record: RoundRecord }
  | { readonly kind: 'failed'; readonly reason: JobReason }
  | { readonly kind: 'aborted' };

const admissionsAtOnce = 2;

/** Runs the round after `rounds`, or what is left of it. */
export async function runRound(
  setting: RoundSetting,
  rounds: readonly RoundRecord[],
  ports: Ports,
  options: InquiryOptions,
): Promise<RoundOutcome> {
  const context: RoundContext = {
    ...setting,
    ...options,
    round: rounds.length + 1,
    rounds,
    ports,
    admissions: new Slots(admissionsAtOnce),
  };
  let closed = recalled<AggregateRecord>(context, 'aggregate');
  if (closed === undefined) {
    const training = await train(context);
    if (training.kind !== 'trained') return training;
    const summed = setting.job.secureAggregation === undefined ? null : await sum(context, training);
    if (summed !== null && summed.kind !== 'summed') return summed;
    closed = await aggregate(context, summed ?? training);
  }
  const evaluation = await evaluate(context, closed);
  if (evaluation.kind !== 'evaluated') return evaluation;
  return { kind: 'done', record: await conclude(context, closed, evaluation) };
}

// Train ----------------------------------------------------------------------------------------------------------------

interface Training {
  readonly kind: 'trained';
  readonly trained: readonly TrainedRecord[];
  readonly leftOut: readonly LeftOutSite[];
}

/** As long as too few contribute, others are asked in their place, if the strategy has not asked everyone at once. */
async function train(context: RoundContext): Promise<Training | Exclude<RoundOutcome, { kind: 'done' }>> {
  const { job, round, strategy } = context;
  let { asked, setAside: leftOut } = await configure(context);
  const tried = new Set<SiteId>();
  for (;;) {
    const training = await ask(context, asked);
    if (training.kind === 'aborted') return training;
    const { trained } = training;
    leftOut = [...leftOut, ...training.leftOut];
    if (trained.length >= job.minimumSites) return { kind: 'trained', trained, leftOut };
    for (const { order } of asked) tried.add(order.siteId);
    const orders =
      strategy.late === 'keep' ? [] : await ordersFor(context, { available: available(context), tried: [...tried] });
    asked = orders.filter(({ siteId }) => !tried.has(siteId)).map((order) => ({ order, askedIn: round }));
    if (asked.length === 0) return { kind: 'failed', reason: tooFew(context, trained, leftOut) };
  }
}

async function ask(
  context: RoundContext,
  asked: readonly Asked[],
): Promise<Training | Extract<RoundOutcome, { kind: 'aborted' }>> {
  const { job, round, strategy, entries } = context;
  // Of others, too, who were asked before a restart in the place of these.
  const done = [...entries].flatMap(([key, value]) =>
    key.startsWith(keyOf(round, 'train/')) ? [value as unknown as TrainedRecord] : [],
  );
  const isFull = done.length >= strategy.closesAfter(asked.length);
  const open = new Map(
    asked
      .filter(({ order }) => !isFull && !done.some(({ siteId }) => siteId === order.siteId))
      .map((each) => [each.order.siteId, each] as const),
  );
  const outcome = await inquire<TrainedRecord>(
    {
      jobId: job.jobId,
      mandate: job.mandate,
      waitedFor: undecidedIn(context.rounds.at(-1)?.leftOut ?? []),
      round,
      siteIds: [...open.keys()],
      roundOf: (siteId) => open.get(siteId)!.askedIn,
      taskFor: (siteId) => trainTask(context, open.get(siteId)!),
      accept: (siteId, contribution, ms) => acceptTrained(context, open.get(siteId)!, contribution, ms),
      enough: Math.max(0, job.minimumSites - done.length),
      closesAfter: Math.max(0, strategy.closesAfter(asked.length) - done.length),
      late: strategy.late,
      stragglerMs: job.stragglerMs,
      attempts: job.attempts,
    },
    context.ports,
    context,
  );
  if (outcome.kind === 'aborted') return outcome;
  const trained = inSiteOrder([...done, ...outcome.accepted.values()]);
  return { kind: 'trained', trained, leftOut: outcome.leftOut };
}

function trainTask(context: RoundContext, { order, askedIn }: Asked): Extract<TaskBody, { kind: 'train' }> {
  const { job } = context;
  return {
    kind: 'train',
    round: askedIn,
    plan: job.plan,
    model: job.model,
    weights: globalWeights(context, askedIn),
    steps: job.stepsPerRound,
    firstStep: (askedIn - 1) * job.stepsPerRound,
    totalSteps: job.rounds.max * job.stepsPerRound,
    seed: job.seed,
    ...order.instructions,
    keepLocal: [...order.instructions.keepLocal],
    reply: job.reply,
    ...(job.selection === undefined ? {} : { selection: job.selection }),
    ...(job.privacy === undefined ? {} : { privacy: job.privacy }),
    ...(job.secureAggregation === undefined ? {} : { secureAggregation: job.secureAggregation }),
  };
}

/** Refuses what may not enter the average; else the contribution is in the ledger when this resolves. */
async function acceptTrained(
  context: RoundContext,
  { order, askedIn }: Asked,
  contribution: Contribution,
  ms: number,
): Promise<Acceptance<TrainedRecord>> {
  const { siteId } = order;
  if (context.job.secureAggregation !== undefined) {
    if (contribution.kind !== 'withheld') return anotherKind;
    const { steps, filters } = contribution;
    const nothing = { weights: null, encoding: plainEncoding, controlChange: null, cases: null, meanLoss: null };
    const names = filters === undefined ? {} : { filters };
    const trained: TrainedRecord = { siteId, ...nothing, askedIn, steps, ms, ...names };
    await record(context, `train/${siteId}`, trained);
    return { accepted: true, value: trained };
  }
  if (contribution.kind !== 'train') return anotherKind;
  const { store } = context.ports;
  const blobs = blobsOf(contribution);
  // Before they are read: another job that was sent the same may let go of them meanwhile.
  await store.retain(blobs, holderOf(context, 'contributions'));
  // To flush takes time and no memory: all do it at once.
  using _slot = await context.admissions.take();
  const lacking = await lackingBlobs(store, blobs);
  if (lacking.length > 0) return { accepted: false, lacking };
  const base = await WeightsFile.open(store, globalWeights(context, askedIn));
  const admission = await admit(context.ports, contribution, base, { ...order.instructions, reply: context.job.reply });
  if (!admission.admitted) return { accepted: false, code: admission.code, message: admission.message };
  const { weights, encoding, controlChange, cases, steps, meanLoss, filters, labels } = contribution;
  const trained: TrainedRecord = {
    siteId,
    weights,
    encoding,
    controlChange,
    askedIn,
    cases,
    steps,
    meanLoss,
    ms,
    ...(filters === undefined ? {} : { filters }),
    ...(labels === undefined ? {} : { labels }),
  };
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

/** What is aggregated where only the mean of the sites' weights is known. */
interface Summed extends Omit<Training, 'kind'> {
  readonly kind: 'summed';
  readonly mean: { readonly weights: BlobId; readonly cases: number };
}

/** Secure aggregation: of those who have trained, the sum over those who see it through. */
async function sum(
  context: RoundContext,
  { trained, leftOut }: Training,
): Promise<Summed | Exclude<RoundOutcome, { kind: 'done' }>> {
  const { job, round, ports, entries, signal, onEvent, strategy } = context;
  // Everyone is given the same by strategies that need the mean alone.
  const [order] = await ordersFor(context, { available: job.participants, tried: [] });
  const outcome = await sumSecurely(
    {
      job,
      settings: job.secureAggregation!,
      round,
      base: globalWeights(context),
      training: trainingDigest(trainTask(context, { order: order!, askedIn: round })),
      keepLocal: strategy.evaluation.keepLocal,
      ports,
      entries,
      record: (step, value) => record(context, step, value),
      holder: holderOf(context, 'contributions'),
      signal,
      onEvent,
    },
    trained.map(({ siteId }) => siteId),
  );
  if (outcome.kind !== 'summed') return outcome;
  const { weights, cases, survivors } = outcome;
  return {
    kind: 'summed',
    mean: { weights, cases },
    trained: trained.filter(({ siteId }) => survivors.includes(siteId)),
    leftOut: [...leftOut, ...outcome.leftOut],
  };
}

async function aggregate(context: RoundContext, training: Training | Summed): Promise<AggregateRecord> {
  const { trained, leftOut } = training;
  const { job, strategy, round, ports, onEvent } = context;
  const { store } = ports;
  const bases = new Map<number, WeightsFile>();
  for (const { askedIn } of trained) {
    if (!bases.has(askedIn)) bases.set(askedIn, await WeightsFile.open(store, globalWeights(context, askedIn)));
  }
  const { weights, state } = await strategy.aggregateTrain({
    round,
    trained:
      training.kind === 'summed'
        ? [await asOneSite(context, training, bases.get(round)!)]
        : await Promise.all(trained.map((each) => trainedSite(context, each, bases.get(each.askedIn)!))),
    global: await WeightsFile.open(store, globalWeights(context)),
    state: await stateOf(context),
    participants: job.participants.length,
    store,
  });
  // Others may be there: those of fewer contributions, before a crash kept them from the ledger.
  const kept = [weights, ...Object.values(state)];
  await store.release(holderOf(context, 'weights'), kept);
  await store.retain(kept, holderOf(context, 'weights'));
  const closed: AggregateRecord = { weights, state, trained, leftOut: inSiteOrder(leftOut) };
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

async function trainedSite(
  { round, ports }: RoundContext,
  trained: TrainedRecord,
  base: WeightsFile,
): Promise<TrainedSite> {
  const { siteId, weights, encoding, steps, askedIn, controlChange } = trained;
  return {
    siteId,
    cases: trained.cases!,
    steps,
    base,
    staleness: round - askedIn,
    weights: await ContributedWeights.open(ports.store, { weights: weights!, encoding }, base),
    controlChange: controlChange === null ? null : await WeightsFile.open(ports.store, controlChange),
  };
}

/** All sites as if they were one that has come to their mean: all that is known of them. */
async function asOneSite(
  { ports }: RoundContext,
  { trained, mean: { weights, cases } }: Summed,
  base: WeightsFile,
): Promise<TrainedSite> {
  const { siteId, steps } = trained[0]!;
  const file = await WeightsFile.open(ports.store, weights);
  return { siteId, cases, steps, base, staleness: 0, weights: file, controlChange: null };
}

// Evaluate -------------------------------------------------------------------------------------------------------------

interface Evaluation {
  readonly kind: 'evaluated';
  readonly evaluated: readonly EvaluatedSite[];
  readonly leftOut: readonly LeftOutSite[];
}

/** Sites that cannot evaluate, or still train, are left out of the score; the round does not fail for it. Not every round is scored. */
async function evaluate(
  context: RoundContext,
  closed: AggregateRecord,
): Promise<Evaluation | Extract<RoundOutcome, { kind: 'aborted' }>> {
  const { job, strategy, round } = context;
  if (!isScored(round, ruleOf(job))) return { kind: 'evaluated', evaluated: [], leftOut: [] };
  const training = new Set(stillAsked(context, closed).map((asked) => asked.order.siteId));
  const idle = available(context, closed.leftOut).filter((siteId) => !training.has(siteId));
  const siteIds = strategy.configureEvaluate(idle);
  const done = siteIds.flatMap((siteId) => recalled<EvaluatedSite>(context, `evaluate/${siteId}`) ?? []);
  const outcome = await inquire<EvaluatedSite>(
    {
      jobId: job.jobId,
      mandate: job.mandate,
      waitedFor: undecidedIn([...(context.rounds.at(-1)?.leftOut ?? []), ...closed.leftOut]),
      round,
      siteIds: siteIds.filter((siteId) => !done.some((evaluated) => evaluated.siteId === siteId)),
      taskFor: () => ({
        kind: 'evaluate',
        plan: job.plan,
        model: job.model,
        weights: closed.weights,
        split: 'validation',
        modelName: job.jobId as string as ModelName,
        pictures: false,
        keepLocal: [...strategy.evaluation.keepLocal],
        personal: strategy.evaluation.personal,
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
  const { weights, state, trained } = closed;
  const score = strategy.aggregateEvaluate(evaluated);
  const scores = [...rounds.map((earlier) => earlier.score), score];
  const conclusion: RoundRecord = {
    round,
    weights,
    state,
    score,
    trained,
    evaluated,
    leftOut: [
      ...closed.leftOut.map((site) => ({ ...site, task: 'train' as const })),
      ...inSiteOrder(evaluation.leftOut).map((site) => ({ ...site, task: 'evaluate' as const })),
    ],
    decision: decide(scores, ruleOf(job)),
  };
  await record(context, 'record', conclusion);
  const siteScores = Object.fromEntries(evaluated.map((site) => [site.siteId, site.score]));
  onEvent({ kind: 'evaluated', jobId: job.jobId, round, score, siteScores });
  if (bestRound(scores) === round) onEvent({ kind: 'best-model', jobId: job.jobId, round, score, weights });
  return conclusion;
}

function ruleOf({ stopping, rounds, evaluateEvery }: RoundSetting['job']): StoppingRule {
  return { ...stopping, roundsMax: rounds.max, evaluateEvery };
}

/**
 * Lets go of what no step after `rounds` reads: the contributions, and the weights of rounds that are neither the best
 * nor the base of a contribution that may still come. Of a job that was aborted no step comes, and what its open round
 * has is let go as well. Done again, it changes nothing.
 */
export async function letGo(
  { job, strategy, entries }: RoundSetting,
  rounds: readonly RoundRecord[],
  store: Store,
  { isAborted = false } = {},
): Promise<void> {
  const last = rounds.length;
  const end = isAborted ? last + 1 : last;
  for (let round = Math.max(1, last); round <= end; round++) {
    await store.release(holderOf({ job, round }, 'contributions'));
  }
  const mayStillCome = !isAborted && strategy.late === 'keep' && rounds.at(-1)?.decision.kind === 'continue';
  const asked = mayStillCome ? stillAsked({ entries, rounds, round: last }) : [];
  const bases = asked
    .filter((each) => !isTooStale({ round: last + 1, strategy }, each))
    .map(({ askedIn }) => askedIn - 1);
  const kept = new Set([bestRound(rounds.map(({ score }) => score)), last, ...bases]);
  // What a job begins with is read by its first round alone.
  if (isAborted) kept.delete(0);
  for (let round = 0; round <= end; round++) {
    if (!kept.has(round)) await store.release(holderOf({ job, round }, 'weights'));
  }
}
