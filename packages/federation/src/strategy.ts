/**
 * Who trains and evaluates in a round, and what is done with the replies: four verbs, as in Flower. A strategy is a pure
 * object; all it must remember between rounds is in the weights.
 */
import type { Weights } from '@consilium/numerics';
import type { SiteId } from '@consilium/protocol';

export interface TrainOrder {
  readonly siteId: SiteId;
  /** FedProx's mu; 0 for none. */
  readonly proximalMu: number;
}

interface TrainedSite {
  readonly siteId: SiteId;
  /** Training cases. */
  readonly cases: number;
  /** Reads the weights, one site's at a time in memory. */
  load(): Promise<Weights>;
}

export interface EvaluatedSite {
  readonly siteId: SiteId;
  /** Validation cases. */
  readonly cases: number;
  /** null if the site has no validation case. */
  readonly score: number | null;
}

export interface Strategy {
  configureTrain(available: readonly SiteId[]): readonly TrainOrder[];
  /** The new global weights. The result does not depend on the order of `trained`. */
  aggregateTrain(trained: readonly TrainedSite[], global: Weights): Promise<Weights>;
  configureEvaluate(available: readonly SiteId[]): readonly SiteId[];
  /** The federated validation score; null if no site could score. The result does not depend on the order. */
  aggregateEvaluate(evaluated: readonly EvaluatedSite[]): number | null;
}

/** The order in which everything is summed: by code unit, the same on every machine. */
export function inSiteOrder<T extends { readonly siteId: SiteId }>(items: readonly T[]): T[] {
  return [...items].sort((one, other) => (one.siteId < other.siteId ? -1 : one.siteId > other.siteId ? 1 : 0));
}
