/** A coordinator and its sites in one process, with real masking workers; tests come between them. */
import { createRandom } from '@consilium/numerics';
import type { Contribution, SiteId, Task } from '@consilium/protocol';
import { FederationError } from '../federation-error.ts';
import type { Job } from '../job.ts';
import type { JobEvent } from '../job-event.ts';
import { type JobOutcome, runJob } from '../job-run.ts';
import { MemoryStore } from '../memory-store.ts';
import type { SiteConnection, TaskReply } from '../ports.ts';
import { LocalState } from '../simulator/local-state.ts';
import { SimulatedClock } from '../simulator/simulated-clock.ts';
import { simulatedSigner } from '../simulator/simulated-signer.ts';
import { SimulatedWorker, TaskFailure } from '../simulator/simulated-worker.ts';
import { putModel, simulatedJob } from '../simulator/simulation.ts';
import type { Store } from '../store.ts';
import { MaskingWorker } from './masking-worker.ts';

/** What comes between the coordinator and a site; null where the site is gone. */
export interface Between {
  readonly asked?: (task: Task, siteId: SiteId) => Task | null;
  readonly answered?: (contribution: Contribution, task: Task, siteId: SiteId) => Contribution | null;
}

export interface Said {
  readonly siteId: SiteId;
  readonly task: Task;
  readonly contribution: Contribution;
}

export class SecureProject {
  readonly clock = new SimulatedClock();
  readonly store: Store;
  readonly siteIds: readonly SiteId[];
  /** What each site keeps for itself. */
  readonly secrets: ReadonlyMap<SiteId, MemoryStore>;
  /** Everything that sites have said. */
  readonly said: Said[] = [];
  readonly refusals: string[] = [];
  readonly #seed: number;
  #lives = 0;

  constructor({ sites, seed = 1, store = new MemoryStore() }: { sites: number; seed?: number; store?: Store }) {
    this.siteIds = Array.from({ length: sites }, (_, index) => `site-${String(index + 1).padStart(3, '0')}` as SiteId);
    this.secrets = new Map(this.siteIds.map((siteId) => [siteId, new MemoryStore()]));
    this.#seed = seed;
    this.store = store;
  }

  job(changes: Partial<Job> & Pick<Job, 'secureAggregation'>): Job {
    const { threshold } = changes.secureAggregation!;
    const participants = [...this.siteIds];
    const rounds = { max: 1 };
    return simulatedJob({
      participants,
      rounds,
      minimumSites: threshold,
      attempts: 1,
      stragglerMs: 60_000,
      ...changes,
    });
  }

  casesOf(siteId: SiteId): number {
    return 1 + ((7 * this.siteIds.indexOf(siteId)) % 50);
  }

  /** A site's worker, as after a new start: of all before, only what is on its disk is left. */
  worker(siteId: SiteId): MaskingWorker {
    const secret = createRandom(this.#seed, siteId, 'secrets', this.#lives++);
    const worker = new SimulatedWorker({
      siteId,
      clock: this.clock,
      blobs: this.store,
      random: createRandom(this.#seed, siteId),
      cases: this.casesOf(siteId),
      target: this.siteIds.indexOf(siteId) / 10,
      stateOf: () => new LocalState(),
      mishap: () => undefined,
    });
    return new MaskingWorker({
      worker,
      blobs: this.store,
      secrets: this.secrets.get(siteId)!,
      signer: simulatedSigner(siteId),
      secretBytes: (count) => Uint8Array.from({ length: count }, () => secret.integer(0, 256)),
    });
  }

  /** What a site answers, as the line would bring it. */
  async ask(siteId: SiteId, task: Task): Promise<Contribution> {
    const signal = new AbortController().signal;
    return this.worker(siteId).perform(task, { signal, onProgress: () => {} });
  }

  async run(job: Job, between: Between = {}, onEvent: (event: JobEvent) => void = () => {}): Promise<JobOutcome> {
    await putModel(this.store);
    const sites = new Map(this.siteIds.map((siteId) => [siteId, this.#connection(siteId, between)]));
    return runJob(job, { clock: this.clock, store: this.store, sites }, { onEvent });
  }

  #connection(siteId: SiteId, { asked = (task) => task, answered = (same) => same }: Between): SiteConnection {
    const lost: TaskReply = { kind: 'lost', code: 'federation.site-absent', message: 'It is gone.' };
    return {
      siteId,
      perform: async (task) => {
        const heard = asked(task, siteId);
        if (heard === null) return lost;
        try {
          const contribution = await this.ask(siteId, heard);
          this.said.push({ siteId, task: heard, contribution });
          const told = answered(contribution, heard, siteId);
          return told === null ? lost : { kind: 'contribution', contribution: told, acknowledge: () => {} };
        } catch (error) {
          if (error instanceof TaskFailure) return { kind: 'failure', failure: error.failure };
          if (!(error instanceof FederationError)) throw error;
          this.refusals.push(error.code);
          return { kind: 'failure', failure: { code: error.code, message: error.message, lasting: false } };
        }
      },
    };
  }
}
