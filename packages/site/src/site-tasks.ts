/** The site's tasks, each in a file of its own, over the same cases, cache and runtime. */
import { join } from 'node:path';
import type { Runtime } from '@consilium/engine';
import type { Contribution, JobId, PeerPurpose, Task } from '@consilium/protocol';
import { PreparedCache } from '@consilium/training';
import { Cohort } from './cohort.ts';
import { evaluateTask } from './evaluate-task.ts';
import { requireUnblocked } from './filters/outgoing-filters.ts';
import { fingerprintTask } from './fingerprint-task.ts';
import { JobPeers } from './job-peers.ts';
import { overlapTask } from './overlap-task.ts';
import type { LocalLog } from './ports/local-log.ts';
import { prepareTask } from './prepare-task.ts';
import { privacySettingsOf, siteRulesOf, type WorkerSettings } from './settings.ts';
import { statisticsOfCases } from './statistics-of-cases.ts';
import { TestRecord } from './test-record.ts';
import { trainTask } from './train-task.ts';
import { TrainerBench } from './trainer-bench.ts';
import type { TaskContext, TaskPerformer } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

function isSecure(task: Task): task is Extract<Task, { kind: `secure-${string}` }> {
  return task.kind.startsWith('secure-');
}

export class SiteTasks implements TaskPerformer {
  readonly #settings: WorkerSettings;
  readonly #log: LocalLog;
  readonly #rooms: Omit<Workplace, 'cohort'>;
  #cohort: Cohort | null = null;

  constructor({ settings, log, runtime }: { settings: WorkerSettings; log: LocalLog; runtime: Runtime }) {
    const { workDirectory, threads } = settings;
    this.#settings = settings;
    this.#log = log;
    this.#rooms = {
      siteId: settings.siteId,
      workDirectory,
      cache: new PreparedCache(join(workDirectory, 'prepared')),
      testRecord: new TestRecord(join(workDirectory, 'test-record')),
      picturesDirectory: join(workDirectory, 'pictures'),
      runtime,
      threads,
      bench: new TrainerBench({ runtime, threads }),
      privacy: privacySettingsOf(settings),
      filters: settings.filters ?? [],
      minimumCount: settings.minimumCount ?? siteRulesOf({}).minimumCount,
      testGroups: settings.testGroups ?? [],
      noiseSeed: settings.noiseSeed,
      log,
    };
  }

  async perform(task: Task, context: TaskContext): Promise<Contribution> {
    requireUnblocked(task, this.#rooms.filters);
    if (task.kind === 'introduce') {
      return { kind: 'introduce', introduction: await (await this.#peersOf(task)).introduction() };
    }
    if (task.kind === 'overlap') {
      const peers = await this.#peersOf({ jobId: task.jobId, purpose: 'overlap' });
      const contribution = await overlapTask(task, { settings: this.#settings, peers, log: this.#log }, context);
      this.#cohort = null; // which cases are left out may have changed
      return contribution;
    }
    if (isSecure(task)) throw new Error('secure sums are the service’s affair');
    this.#cohort ??= await Cohort.open(this.#settings, this.#log);
    const workplace: Workplace = { ...this.#rooms, cohort: this.#cohort };
    switch (task.kind) {
      case 'fingerprint':
        return fingerprintTask(workplace, context);
      case 'prepare':
        return prepareTask(task, workplace, context);
      case 'train':
        return trainTask(task, workplace, context);
      case 'evaluate':
        return evaluateTask(task, workplace, context);
      case 'statistics':
        return statisticsOfCases(task, workplace, context);
    }
  }

  #peersOf({ jobId, purpose }: { readonly jobId: JobId; readonly purpose: PeerPurpose }): Promise<JobPeers> {
    const { workDirectory, peers: pins } = this.#settings;
    return JobPeers.open({ workDirectory, jobId, purpose, pins });
  }
}
