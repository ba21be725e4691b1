/** A whole project in one process: a job, its sites, simulated time, and whatever goes wrong. Everything from one seed. */
import { createRandom, encodeSafetensors, tensor } from '@consilium/numerics';
import { type BlobId, type JobId, plainEncoding, type SiteId, type Task } from '@consilium/protocol';
import { blobIdOf, chunkIdOf, putBlob } from '../blob.ts';
import type { Job } from '../job.ts';
import type { JobEvent } from '../job-event.ts';
import { type JobOutcome, runJob } from '../job-run.ts';
import { MemoryStore } from '../memory-store.ts';
import type { Ports } from '../ports.ts';
import type { Store } from '../store.ts';
import { LocalState } from './local-state.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { type Mishap, SimulatedSite } from './simulated-site.ts';

export interface SimulationOptions {
  /** Decides in which order answers come. It must not change the result. */
  readonly weather?: number;
  readonly store?: Store;
  /** The sites' disks, by site, to be used again by those that are started again. */
  readonly states?: Map<SiteId, LocalState>;
  /** Of each site; default: different ones. */
  readonly cases?: number;
  readonly job?: Partial<Job>;
  readonly mishap?: (siteId: SiteId, task: Task) => Mishap | undefined;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: JobEvent) => void;
}

export interface Simulation {
  readonly outcome: JobOutcome;
  readonly events: readonly JobEvent[];
  readonly store: Store;
  readonly sites: ReadonlyMap<SiteId, SimulatedSite>;
  readonly clock: SimulatedClock;
}

export const siteIds = ['site-1', 'site-2', 'site-3', 'site-4'] as readonly string[] as readonly SiteId[];

const model = new Uint8Array([1, 2, 3]);
const initialWeights = encodeSafetensors(
  new Map([
    ['a', tensor('float32', [3], new Float32Array([0, 0.5, -1]))],
    ['b', tensor('float32', [2, 2], new Float32Array([9, -3, 0.1, 2]))],
  ]),
);

function idOf(bytes: Uint8Array): BlobId {
  return blobIdOf({ bytes: bytes.length, chunks: [chunkIdOf(bytes)] });
}

export function simulatedJob(changes: Partial<Job> = {}): Job {
  return {
    kind: 'train',
    jobId: 'federated' as JobId,
    participants: [...siteIds],
    plan: { version: 1 },
    model: idOf(model),
    initialWeights: idOf(initialWeights),
    rounds: { max: 4 },
    stepsPerRound: 5,
    minimumSites: 2,
    stragglerMs: 60_000,
    attempts: 2,
    stopping: { patience: 3, minimumGain: 0 },
    seed: 7,
    strategy: { kind: 'fed-avg' },
    reply: plainEncoding,
    ...changes,
  };
}

export interface SimulatedPorts extends Ports {
  readonly clock: SimulatedClock;
  readonly sites: ReadonlyMap<SiteId, SimulatedSite>;
}

export function simulatedPorts(options: SimulationOptions): SimulatedPorts {
  const { weather = 1, store = new MemoryStore(), states = new Map<SiteId, LocalState>(), mishap } = options;
  const clock = new SimulatedClock();
  const sites = siteIds.map((siteId, index) => {
    const state = states.get(siteId) ?? new LocalState();
    states.set(siteId, state);
    return new SimulatedSite({
      siteId,
      clock,
      blobs: store,
      random: createRandom(weather, siteId),
      cases: options.cases ?? 3 + 4 * index,
      target: index,
      state,
      ...(mishap === undefined ? {} : { mishap: (task) => mishap(siteId, task) }),
    });
  });
  return { clock, store, sites: new Map(sites.map((site) => [site.siteId, site])) };
}

/** What a job refers to, as whoever submits it has sent it before. */
export async function putModel(store: Store): Promise<void> {
  await putBlob(store, model);
  await putBlob(store, initialWeights);
}

export async function simulate(options: SimulationOptions = {}): Promise<Simulation> {
  const ports = simulatedPorts(options);
  const events: JobEvent[] = [];
  await putModel(ports.store);
  const outcome = await runJob(simulatedJob(options.job), ports, {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  return { outcome, events, ...ports };
}
