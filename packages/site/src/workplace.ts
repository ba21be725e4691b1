/** What a site's tasks share. */
import type { Runtime } from '@consilium/engine';
import type { SiteId } from '@consilium/protocol';
import type { PreparedCache, PreparedCase } from '@consilium/training';
import type { Cohort, CohortCase } from './cohort.ts';
import type { FilterSpec } from './filters/filter-spec.ts';
import type { LocalLog } from './ports/local-log.ts';
import type { GroupKind, PrivacySettings } from './settings.ts';
import type { TestRecord } from './test-record.ts';
import type { TrainerBench } from './trainer-bench.ts';

export interface Workplace {
  readonly siteId: SiteId;
  /** The site's own files. */
  readonly workDirectory: string;
  readonly cohort: Cohort;
  readonly cache: PreparedCache;
  readonly testRecord: TestRecord;
  readonly picturesDirectory: string;
  readonly runtime: Runtime;
  readonly threads: number;
  readonly bench: TrainerBench;
  readonly privacy: PrivacySettings;
  /** What is done to whatever leaves. */
  readonly filters: readonly FilterSpec[];
  /** Groups of fewer patients are not answered for, whatever the coordinator asks. */
  readonly minimumCount: number;
  /** Of which kinds a test tells in which group each case is. */
  readonly testGroups: readonly GroupKind[];
  /** Only in rehearsals and tests. */
  readonly noiseSeed: number | undefined;
  readonly log: LocalLog;
}

/** A case in plan space, under its pseudonym. */
export interface PreparedMember {
  readonly member: CohortCase;
  readonly prepared: PreparedCase;
}
