/** A site whose contribution is not in a round, and why. */
import type { SiteId } from '@consilium/protocol';

export interface LeftOutSite {
  readonly siteId: SiteId;
  readonly why: 'failed' | 'refused' | 'lost' | 'straggler';
  readonly code: string;
  readonly message: string;
  /** True if it is not asked again in this job. */
  readonly lasting: boolean;
}
