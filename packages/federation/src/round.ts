/**
 * One round: configure, train, aggregate, evaluate, decide. Each step is in the ledger before the next begins, and is
 * read from there instead of being done again when a job is resumed.
 *
 * Ledger keys of round r: `round/r/asked` where late contributions are kept, `round/r/train/<site>` for each accepted
 * contribution, `round/r/aggregate` once the round is closed to contributions, `round/r/evaluate/<site>`, and
 * `round/r/record` when the round is complete.
 */
import {
  type BlobId,
  type Contribution,
  type Encoding,
  type Json,
  type ModelName,
  plainEncoding,
  type SiteId,
  type TaskBody,
} from '@consilium/protocol';
import { admit } from './admission.ts';
import { lackingBlobs } from './blob.ts';
import { ContributedWeights } from './contributed-weights.ts';
import { type Acceptance, type InquiryOptions, inquire, taskIdOf, undecidedCode } from './inquiry.ts';
import type { Job } from './job.ts';
import type { LeftOutSite } from './left-out-site.ts';
import type { Ports } from './ports.ts';
import type { JobReason } from './reason.ts';
import { sumSecurely } from './secure-sum/secure-round.ts';
import { trainingDigest } from './secure-sum/session.ts';
import { blobsOf } from './site-line.ts';
import { Slots } from './slots.ts';
import { bestRound, type Decision, decide } from './stopping.ts';
import type { Store } from './store.ts';
import {
  type EvaluatedSite,
  inSiteOrder,
  type Strategy,
  type StrategyState,
  type TrainedSite,
  type TrainOrder,
} from './strategy.ts';
import { WeightsFile } from './weights.ts';

/** What stays the same through all rounds of a job. */
export interface RoundSetting {
  readonly job: Job;
  readonly strategy: Strategy;
}

/** A contribution as the ledger keeps it. */
export interface TrainedRecord {
  readonly siteId: SiteId;
  /** null in secure aggregation: only the sum is known. */
  readonly weights: BlobId | null;
  readonly encoding: Encoding;
  /** SCAFFOLD only. */
  readonly controlChange: BlobId | null;
  /** The round in which it was sent its task: an earlier one where late contributions are kept. */
  readonly askedIn: number;
  /** Training cases; null in secure aggregation. */
  readonly cases: number | null;
  readonly steps: number;
  /** null where the training was private, or the aggregation is secure. */
  readonly meanLoss: number | null;
  /** What the site did to the weights before they left it; absent if nothing. */
  readonly filters?: readonly string[];
  /** From the sending of the task, waiting in the site's queue included. */
  readonly ms: number;
}

interface AggregateRecord {
  /** The global weights after the round. */
  readonly weights: BlobId;
  readonly state: StrategyState;
  readonly trained: readonly TrainedRecord[];
  readonly leftOut: readonly LeftOutSite[];
}

/** A completed round. Every list is in site order. */
export interface RoundRecord {
  readonly round: number;
  /** The global weights after the round. */
  readonly weights: BlobId;
  /** What the strategy remembers. */
  readonly state: StrategyState;
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
  /** What the ledger holds of this job; kept up as the round adds to it. */
  readonly entries: Map<string, Json>;
  /** Contributions are read a few at a time: memory must not grow with the number of sites. */
  readonly admissions: Slots;
}

const admissionsAtOnce = 2;

/** Runs the round after `rounds`, or what is left of it. */
export async function runRound(
  setting: RoundSetting,
  rounds: readonly RoundRecord[],
  ports: Ports,
  options: InquiryOptions,
): Promise<RoundOutcome> {
  const entries = new Map(await ports.store.recall(setting.job.jobId));
  const context: RoundContext = {
    ...setting,
    ...options,
    round: rounds.length + 1,
    rounds,
    ports,
    entries,
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

interface Configuration {
  readonly asked: readonly Asked[];
  /** Sites whose earlier work is too stale to be used in this round; they are asked anew. */
  readonly setAside: readonly LeftOutSite[];
}

async function configure(context: RoundContext): Promise<Configuration> {
  const { job, strategy, round, ports, onEvent } = context;
  const open = strategy.late === 'keep' ? stillAsked(context) : [];
  const inFlight = open.filter((each) => !isTooStale(context, each));
  const free = available(context).filter((siteId) => !inFlight.some((asked) => asked.order.siteId === siteId));
  const orders = await ordersFor(context, { available: free, tried: [] });
  if (strategy.late === 'keep') await record(context, 'asked', orders);
  const asked = [...inFlight, ...orders.map((order) => ({ order, askedIn: round }))];
  const participants = asked.map(({ order }) => order.siteId).sort();
  onEvent({ kind: 'round-started', jobId: job.jobId, round, of: job.rounds.max, participants });
  const stale = open.filter((each) => isTooStale(context, each));
  const setAside = stale.map((each) => tooStale(context, each));
  for (const site of setAside) onEvent({ kind: 'site-left-out', jobId: job.jobId, round, task: 'train', ...site });
  for (const { order, askedIn } of stale) {
    const { siteId } = order;
    ports.sites.get(siteId)?.abandon?.(taskIdOf({ jobId: job.jobId, round: askedIn, kind: 'train', siteId }));
  }
  return { asked, setAside };
}

async function ordersFor(
  context: RoundContext,
  { available, tried }: { readonly available: readonly SiteId[]; readonly tried: readonly SiteId[] },
): Promise<readonly TrainOrder[]> {
  const { strategy, round, rounds } = context;
  const state = await stateOf(context);
  const previous = rounds.at(-1)?.trained.map(({ siteId }) => siteId) ?? [];
  return strategy.configureTrain({ round, available, state, previous, tried });
}

/** A site that has been given a task, in this round or an earlier one. */
interface Asked {
  readonly order: TrainOrder;
  readonly askedIn: number;
}

const tooStaleCode = 'federation.too-stale';

function isTooStale({ round, strategy }: Pick<RoundContext, 'round' | 'strategy'>, { askedIn }: Asked): boolean {
  return round - askedIn > strategy.maxStaleness;
}

function tooStale({ round, strategy }: RoundContext, { order, askedIn }: Asked): LeftOutSite {
  const message =
    `It was still at work on weights of ${round - askedIn} rounds ago, and the job uses none older than ` +
    `${strategy.maxStaleness}. It begins anew with the present ones.`;
  return { siteId: order.siteId, why: 'straggler', code: tooStaleCode, message, lasting: false };
}

/**
 * Sites that were asked in an earlier round, or in this one if it is `closed`, and have neither contributed nor been left
 * out. An order to a site takes the place of the one before.
 */
function stillAsked(
  { entries, rounds, round: current }: { entries: ReadonlyMap<string, Json> } & Pick<RoundContext, 'rounds' | 'round'>,
  closed?: AggregateRecord,
): Asked[] {
  const open = new Map<SiteId, Asked>();
  const earlier = rounds.map(({ round, trained, leftOut }) => ({
    round,
    trained,
    leftOut: leftOut.filter(({ task }) => task === 'train'),
  }));
  for (const { round, trained, leftOut } of closed ? [...earlier, { round: current, ...closed }] : earlier) {
    const isSetAside = ({ code }: LeftOutSite) => code === tooStaleCode;
    for (const { siteId } of leftOut.filter(isSetAside)) open.delete(siteId);
    const orders = (entries.get(keyOf(round, 'asked')) ?? []) as unknown as readonly TrainOrder[];
    for (const order of orders) open.set(order.siteId, { order, askedIn: round });
    for (const { siteId } of [...trained, ...leftOut.filter((site) => !isSetAside(site))]) open.delete(siteId);
  }
  return [...open.values()];
}

/** Those who were left out because a person there had not decided. */
function undecidedIn(leftOut: readonly LeftOutSite[]): ReadonlySet<SiteId> {
  return new Set(leftOut.filter(({ code }) => code === undecidedCode).map(({ siteId }) => siteId));
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
    const { steps } = contribution;
    const nothing = { weights: null, encoding: plainEncoding, controlChange: null, cases: null, meanLoss: null };
    const trained: TrainedRecord = { siteId, ...nothing, askedIn, steps, ms };
    await record(context, `train/${siteId}`, trained);
    return { accepted: true, value: trained };
  }
  if (contribution.kind !== 'train') return anotherKind;
  const { store } = context.ports;
  using _slot = await context.admissions.take();
  const blobs = blobsOf(contribution);
  // Before they are read: another job that was sent the same may let go of them meanwhile.
  for (const blob of blobs) await store.retain(blob, holderOf(context, 'contributions'));
  const lacking = await lackingBlobs(store, blobs);
  if (lacking.length > 0) return { accepted: false, lacking };
  const base = await WeightsFile.open(store, globalWeights(context, askedIn));
  const admission = await admit(store, contribution, base, { ...order.instructions, reply: context.job.reply });
  if (!admission.admitted) return { accepted: false, code: admission.code, message: admission.message };
  const { weights, encoding, controlChange, cases, steps, meanLoss, filters } = contribution;
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
  await store.release(holderOf(context, 'weights'));
  for (const blob of [weights, ...Object.values(state)]) await store.retain(blob, holderOf(context, 'weights'));
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

/** The weights that a round starts from: this one, unless another is named. */
function globalWeights({ rounds, round, job }: RoundContext, of: number = round): BlobId {
  return rounds[of - 2]?.weights ?? job.initialWeights;
}

/** What the strategy remembered of the round before, or begins with. */
async function stateOf({ rounds, job, strategy, ports: { store } }: RoundContext): Promise<StrategyState> {
  const last = rounds.at(-1);
  if (last !== undefined) return last.state;
  const { shape } = await WeightsFile.open(store, job.initialWeights);
  const initial = await strategy.initialState(store, shape);
  for (const blob of Object.values(initial)) await store.retain(blob, holderOf({ job, round: 0 }, 'weights'));
  return initial;
}

// Evaluate -------------------------------------------------------------------------------------------------------------

interface Evaluation {
  readonly kind: 'evaluated';
  readonly evaluated: readonly EvaluatedSite[];
  readonly leftOut: readonly LeftOutSite[];
}

/** Sites that cannot evaluate, or still train, are left out of the score; the round does not fail for it. */
async function evaluate(
  context: RoundContext,
  closed: AggregateRecord,
): Promise<Evaluation | Extract<RoundOutcome, { kind: 'aborted' }>> {
  const { job, strategy, round } = context;
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
    decision: decide(scores, { ...job.stopping, roundsMax: job.rounds.max }),
  };
  await record(context, 'record', conclusion);
  const siteScores = Object.fromEntries(evaluated.map((site) => [site.siteId, site.score]));
  onEvent({ kind: 'evaluated', jobId: job.jobId, round, score, siteScores });
  if (bestRound(scores) === round) onEvent({ kind: 'best-model', jobId: job.jobId, round, score, weights });
  return conclusion;
}

/**
 * Lets go of what no step after `rounds` reads: the contributions, and the weights of rounds that are neither the best
 * nor the base of a contribution that may still come. Of a job that was aborted no step comes, and what its open round
 * has is let go as well. Done again, it changes nothing.
 */
export async function letGo(
  { job, strategy }: RoundSetting,
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
  const entries = mayStillCome ? await store.recall(job.jobId) : new Map<string, Json>();
  const bases = stillAsked({ entries, rounds, round: last })
    .filter((asked) => !isTooStale({ round: last + 1, strategy }, asked))
    .map(({ askedIn }) => askedIn - 1);
  const kept = new Set([bestRound(rounds.map(({ score }) => score)), last, ...bases]);
  // What a job begins with is read by its first round alone.
  if (isAborted) kept.delete(0);
  for (let round = 0; round <= end; round++) {
    if (!kept.has(round)) await store.release(holderOf({ job, round }, 'weights'));
  }
}

function holderOf({ job, round }: Pick<RoundContext, 'job' | 'round'>, what: 'contributions' | 'weights'): string {
  return `${job.jobId}/${round}/${what}`;
}

// The ledger -----------------------------------------------------------------------------------------------------------

function keyOf(round: number, step: string): string {
  return `round/${round}/${step}`;
}

function recalled<T>({ entries, round }: RoundContext, step: string): T | undefined {
  return entries.get(keyOf(round, step)) as T | undefined;
}

async function record({ ports, job, round, entries }: RoundContext, step: string, value: object): Promise<void> {
  await ports.store.record(job.jobId, keyOf(round, step), value as Json);
  entries.set(keyOf(round, step), value as Json);
}
