/** Who is asked to train in a round, who still is from an earlier one, and who no longer. */
import type { Json, SiteId } from '@consilium/protocol';
import { taskIdOf, undecidedCode } from './inquiry.ts';
import type { LeftOutSite } from './left-out-site.ts';
import { type RoundContext, record, stateOf } from './round-context.ts';
import { type AggregateRecord, keyOf } from './round-record.ts';
import type { TrainOrder } from './strategy.ts';

interface Configuration {
  readonly asked: readonly Asked[];
  /** Sites whose earlier work is too stale to be used in this round; they are asked anew. */
  readonly setAside: readonly LeftOutSite[];
}

export async function configure(context: RoundContext): Promise<Configuration> {
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

export async function ordersFor(
  context: RoundContext,
  { available, tried }: { readonly available: readonly SiteId[]; readonly tried: readonly SiteId[] },
): Promise<readonly TrainOrder[]> {
  const { strategy, round, rounds } = context;
  const state = await stateOf(context);
  const previous = rounds.at(-1)?.trained.map(({ siteId }) => siteId) ?? [];
  return strategy.configureTrain({ round, available, state, previous, tried });
}

/** A site that has been given a task, in this round or an earlier one. */
export interface Asked {
  readonly order: TrainOrder;
  readonly askedIn: number;
}

const tooStaleCode = 'federation.too-stale';

export function isTooStale({ round, strategy }: Pick<RoundContext, 'round' | 'strategy'>, { askedIn }: Asked): boolean {
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
export function stillAsked(
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
export function undecidedIn(leftOut: readonly LeftOutSite[]): ReadonlySet<SiteId> {
  return new Set(leftOut.filter(({ code }) => code === undecidedCode).map(({ siteId }) => siteId));
}

/** The participants that have not given a lasting reason to be left out, in site order. */
export function available({ job, rounds }: RoundContext, also: readonly LeftOutSite[] = []): SiteId[] {
  const gone = new Set(
    [...rounds.flatMap(({ leftOut }) => leftOut), ...also].filter(({ lasting }) => lasting).map(({ siteId }) => siteId),
  );
  return [...job.participants].sort().filter((siteId) => !gone.has(siteId));
}
