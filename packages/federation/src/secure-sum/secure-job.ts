/** Whether the secure aggregation that a job asks for can work, before anything runs. */
import { type Encoding, type JobId, plainEncoding, type SecureAggregation, type SiteId } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import { type StrategySpec, strategyOf } from '../strategies.ts';
import { latticeOf } from './lattice.ts';

interface JobToCheck {
  readonly jobId: JobId;
  readonly participants: readonly SiteId[];
  readonly minimumSites: number;
  readonly strategy: StrategySpec;
  readonly reply: Encoding;
  readonly secureAggregation?: SecureAggregation | undefined;
}

/** Shares are points of a field of 256 elements, of which one is taken. */
const holdersMax = 255;

/** @throws FederationError `federation.secure-threshold`, `federation.secure-overflow`, `federation.secure-unsuitable` */
export function checkSecureAggregation(job: JobToCheck): void {
  const { secureAggregation: settings, participants, minimumSites, reply } = job;
  if (settings === undefined) return;
  const { threshold, neighbours } = settings;
  const sites = participants.length;
  const wrong = (code: `federation.${string}`, text: string) => new FederationError(code, `Job ${job.jobId}: ${text}`);
  if (threshold <= sites / 2 || threshold > minimumSites) {
    const text = `secureAggregation.threshold is ${threshold}; it must be more than half of the ${sites} participants, lest both halves of them could unmask, and at most minimumSites (${minimumSites}).`;
    throw wrong('federation.secure-threshold', text);
  }
  if (latticeOf(settings, sites) === null) {
    const text = 'sums of so many sites, cases and bits could overflow 64 bits. Lower casesMax or bits.';
    throw wrong('federation.secure-overflow', text);
  }
  if (!strategyOf(job.strategy).needsMeanOnly) {
    const text = `${job.strategy.kind} must see each site’s weights, or more than their mean: it cannot work with secure aggregation.`;
    throw wrong('federation.secure-unsuitable', text);
  }
  if (reply.numbers !== plainEncoding.numbers || reply.onlyChanged) {
    throw wrong(
      'federation.secure-unsuitable',
      'secure aggregation has an encoding of its own: reply must be float32.',
    );
  }
  if (neighbours === undefined && sites > holdersMax) {
    throw wrong('federation.secure-unsuitable', `more than ${holdersMax} sites need secureAggregation.neighbours.`);
  }
}
