/**
 * Who trains and evaluates in a round, and what is done with the replies: four verbs, as in Flower. A strategy is a pure
 * object; all it must remember between rounds is in the weights and in its state, models of the same shape.
 */
import type { BlobId, SiteId } from '@consilium/protocol';
import type { BlobStore } from './store.ts';
import type { WeightsReader, WeightsShape } from './weights.ts';

/** What a site is told beyond the settings of the job. */
export interface TrainInstructions {
  /** FedProx: strength of the pull towards the weights that were sent; 0 for none. */
  readonly proximalMu: number;
  /** SCAFFOLD: the server's control variate; null for none. */
  readonly control: BlobId | null;
  /** Tensors that stay at the site: names, `*` for any text. */
  readonly keepLocal: readonly string[];
  /** Ditto: strength of the pull of the personal model; null for none. */
  readonly personalLambda: number | null;
}

export const plainInstructions: TrainInstructions = {
  proximalMu: 0,
  control: null,
  keepLocal: [],
  personalLambda: null,
};

/** What a site is told when it evaluates. */
interface EvaluateInstructions {
  /** Tensors that the site takes from what it kept while training in this job: names, `*` for any text. */
  readonly keepLocal: readonly string[];
  /** Ditto: the site scores its personal model. */
  readonly personal: boolean;
}

/** In what job a strategy is to work. */
interface StrategySetting {
  readonly participants: number;
  /** Contributions that every round has at least. */
  readonly minimumSites: number;
  readonly shape: WeightsShape;
}

export interface TrainOrder {
  readonly siteId: SiteId;
  readonly instructions: TrainInstructions;
}

/** What a strategy remembers from round to round, by names of its own: blobs shaped as the weights. */
export type StrategyState = Readonly<Record<string, BlobId>>;

export interface TrainedSite {
  readonly siteId: SiteId;
  /** Training cases. */
  readonly cases: number;
  readonly steps: number;
  readonly weights: WeightsReader;
  /** SCAFFOLD: how the site's control variate changed. */
  readonly controlChange: WeightsReader | null;
  /** Rounds that were closed between the sending of the task and this one; 0 where late contributions are dropped. */
  readonly staleness: number;
  /** The weights it started from: the global weights, or older ones if it is stale. */
  readonly base: WeightsReader;
}

export interface AggregateInput {
  /** Counted from 1. */
  readonly round: number;
  /** In site order, at least one. */
  readonly trained: readonly TrainedSite[];
  /** The weights of the round before. */
  readonly global: WeightsReader;
  readonly state: StrategyState;
  /** All sites of the job, taking part in this round or not. */
  readonly participants: number;
  readonly store: BlobStore;
}

interface Aggregate {
  readonly weights: BlobId;
  readonly state: StrategyState;
}

export interface EvaluatedSite {
  readonly siteId: SiteId;
  /** Validation cases. */
  readonly cases: number;
  /** null if the site has no validation case. */
  readonly score: number | null;
}

export interface Strategy {
  /** What becomes of sites that have not answered when a round closes: given up, or their answer used in a later round. */
  readonly late: 'drop' | 'keep';
  /** Where late answers are kept: how many rounds may have been closed since the task was sent. */
  readonly maxStaleness: number;
  readonly evaluation: EvaluateInstructions;
  /** Whether it needs no more of a round than the mean of the sites' weights, weighted by cases: for secure aggregation. */
  readonly needsMeanOnly: boolean;
  /** Why it cannot work in such a job, as a sentence; null if it can. Asked before anything runs. */
  objection(setting: StrategySetting): string | null;
  /** What it remembers before the first round. The blobs are in the store when this resolves. */
  initialState(store: BlobStore, shape: WeightsShape): Promise<StrategyState>;
  /** So many contributions close a round at once, of `asked` sites. */
  closesAfter(asked: number): number;
  /** Asked again with those who were `tried`, if too few of them contributed: for others in their place, if there are any. */
  configureTrain(setting: {
    readonly round: number;
    /** In site order. */
    readonly available: readonly SiteId[];
    readonly state: StrategyState;
    /** Whose contributions made the weights of the round before; nobody's in the first. */
    readonly previous: readonly SiteId[];
    /** Asked in this round; they are not asked once more, whatever the answer. */
    readonly tried: readonly SiteId[];
  }): readonly TrainOrder[];
  /** The new global weights and state. Not changed by the order in which contributions arrived. */
  aggregateTrain(input: AggregateInput): Promise<Aggregate>;
  configureEvaluate(available: readonly SiteId[]): readonly SiteId[];
  /** The federated validation score; null if no site could score. The result does not depend on the order. */
  aggregateEvaluate(evaluated: readonly EvaluatedSite[]): number | null;
}

/** Everyone trains plainly and evaluates, a round waits for all, the score is the mean over all validation cases. */
export const everyone: Omit<Strategy, 'aggregateTrain'> = {
  late: 'drop',
  maxStaleness: Number.POSITIVE_INFINITY,
  evaluation: { keepLocal: [], personal: false },
  needsMeanOnly: false,
  objection: () => null,
  initialState: async () => ({}),
  closesAfter: (asked) => asked,
  configureTrain: ({ available }) => available.map((siteId) => ({ siteId, instructions: plainInstructions })),
  configureEvaluate: (available) => available,
  aggregateEvaluate: (evaluated) => {
    let sum = 0;
    let cases = 0;
    for (const site of inSiteOrder(evaluated)) {
      if (site.score === null) continue;
      sum += site.cases * site.score;
      cases += site.cases;
    }
    return cases === 0 ? null : sum / cases;
  },
};

/** The order in which everything is summed: by code unit, the same on every machine. */
export function inSiteOrder<T extends { readonly siteId: SiteId }>(items: readonly T[]): T[] {
  return [...items].sort((one, other) => (one.siteId < other.siteId ? -1 : one.siteId > other.siteId ? 1 : 0));
}
