/** A model of the rehearsal and how it did. */
import type { ContributionTo, SiteId } from '@consilium/protocol';
import type { FinishedJob } from './committee.ts';

/** A model, by whom it was trained, and how its training went. */
export interface TrainedModel {
  readonly name: string;
  readonly kind: 'federated' | 'local' | 'pooled';
  /** Whose own model it is; only for `local`. */
  readonly siteId?: SiteId;
  readonly outcome: FinishedJob;
}

/** The scores of every model on every hospital's test set: model name, then site. */
export type CrossSiteScores = ReadonlyMap<string, ReadonlyMap<SiteId, ContributionTo<'evaluate'>>>;
