/** What befalls a project, from its first job to the end of all trouble: plain data, made from a seed. */
import type { SiteId, TaskKind } from '@consilium/protocol';
import type { Submission } from '../submission.ts';
import type { Weather } from './simulated-link.ts';
import type { Mishap } from './simulated-site.ts';

export interface SiteSpec {
  readonly siteId: SiteId;
  readonly cases: number;
  readonly target: number;
  readonly tasksAtOnce: number;
  readonly refuses: readonly TaskKind[];
  /** Until then a person there has not approved what it is asked for; 0 where nobody has to. */
  readonly decidesAtMs: number;
  /** How likely its work goes wrong, and how. */
  readonly mishapChance: number;
  readonly mishaps: readonly Mishap[];
  /** How likely it says something false beside each thing that it says. */
  readonly forgeryChance: number;
  readonly killsAt: readonly number[];
  readonly weather: Weather;
}

/** A site, or the coordinator. */
type MachineName = SiteId | 'coordinator';

export type Trouble =
  | { readonly kind: 'kill'; readonly machine: MachineName; readonly downMs: number }
  | { readonly kind: 'condemn'; readonly machine: SiteId }
  | { readonly kind: 'freeze'; readonly machine: MachineName; readonly forMs: number }
  | { readonly kind: 'disk-full'; readonly machine: MachineName; readonly forMs: number }
  | { readonly kind: 'writes-fail'; readonly machine: MachineName; readonly writes: number }
  | { readonly kind: 'break'; readonly siteIds: readonly SiteId[] }
  | {
      readonly kind: 'partition';
      readonly siteIds: readonly SiteId[];
      readonly directions: readonly ('up' | 'down')[];
      readonly forMs: number;
    }
  | { readonly kind: 'pause' | 'resume' | 'abort'; readonly job: number };

export interface Scenario {
  readonly seed: number;
  readonly sites: readonly SiteSpec[];
  readonly jobs: readonly { readonly atMs: number; readonly submission: Submission }[];
  readonly jobsAtOnce: number;
  readonly absentMsMax: number;
  readonly diskLatencyMsMax: number;
  readonly coordinatorKillsAt: readonly number[];
  readonly troubles: readonly (Trouble & { readonly atMs: number })[];
  /** When all trouble is over: what is broken is mended, links are calm, and only who is dead for good stays so. */
  readonly calmFromMs: number;
  /** The coordinator acknowledges before it records: a fault that must be caught. */
  readonly acknowledgesEarly?: boolean;
}
