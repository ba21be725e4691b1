/** A coordinator and two sites in this process, over TLS, whose training costs nothing: for what looks on at them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { type JobEvent, type JobOutcome, putBlob, type Worker } from '@consilium/federation';
import { encodeSafetensors, tensor } from '@consilium/numerics';
import { type JobId, type Pseudonym, plainEncoding, type SiteId } from '@consilium/protocol';
import { runSite } from '@consilium/site';
import { IdentityDirectory, wallClockMs } from '@consilium/transport';
import { freePort } from './free-port.fixture.ts';

const host = '127.0.0.1';
const siteIds = ['site-1', 'site-2'] as readonly string[] as readonly SiteId[];

/** Gives back the weights that it was sent. */
const idleWorker: Worker = {
  perform: async (task, { onProgress }) => {
    if (task.kind === 'evaluate') {
      onProgress({ kind: 'case', done: 1, of: 1 });
      const scored = { case: 'case-01' as Pseudonym, regions: {}, pictures: [] };
      return { kind: 'evaluate', scores: [scored], meanDice: 0.5, leftOut: [] };
    }
    if (task.kind !== 'train') throw new Error('not asked in this test');
    for (let step = 1; step <= task.steps; step++) {
      await sleep(20);
      onProgress({ kind: 'step', step, of: task.steps, loss: 1 / step, stepsPerSecond: 50, residentBytes: 2 ** 20 });
    }
    const { weights, steps } = task;
    return { kind: 'train', weights, encoding: plainEncoding, controlChange: null, cases: 3, steps, meanLoss: 0.5 };
  },
};

export class WatchedProject implements AsyncDisposable {
  readonly root: string;
  readonly events: JobEvent[];
  readonly #coordinator: Coordinator;
  /** Where metrics are served. */
  readonly ports: { readonly coordinator: number; readonly site: number };
  readonly #over = new AbortController();
  readonly #sites: Promise<void>[] = [];

  private constructor(
    root: string,
    coordinator: Coordinator,
    watched: { ports: { coordinator: number; site: number }; events: JobEvent[] },
  ) {
    this.root = root;
    this.events = watched.events;
    this.#coordinator = coordinator;
    this.ports = watched.ports;
  }

  /** The coordinator and the first site serve metrics. */
  static async start(): Promise<WatchedProject> {
    const root = mkdtempSync(join(tmpdir(), 'consilium-watched-'));
    const directory = join(root, 'coordinator');
    const ports = { coordinator: await freePort(), site: await freePort() };
    const listen = { host, port: 0 };
    await initCoordinator(
      directory,
      { project: 'watched', names: [host], listen, metricsPort: ports.coordinator },
      { nowMs: wallClockMs },
    );
    const events: JobEvent[] = [];
    const coordinator = await Coordinator.start(directory, { onEvent: (event) => events.push(event) });
    const project = new WatchedProject(root, coordinator, { ports, events });
    for (const siteId of siteIds) await project.#startSite(siteId);
    return project;
  }

  async #startSite(siteId: SiteId): Promise<void> {
    const { registry, authority, port } = this.#coordinator;
    const directory = join(this.root, siteId);
    const facts = { project: 'watched', role: 'site', id: siteId, coordinator: `https://${host}:${port}` } as const;
    const identity = await IdentityDirectory.create(join(directory, 'identity'), facts);
    const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
    const { certificate } = await registry.admit('site', siteId, fingerprint);
    await identity.admitted({ certificate: certificate!, authority: authority.certificate });
    mkdirSync(directory, { recursive: true });
    const watched = siteId === siteIds[0] ? { metricsPort: this.ports.site } : {};
    const settings = {
      siteId,
      coordinator: facts.coordinator,
      data: directory,
      policy: { without: ['signed-jobs'] },
      ...watched,
    };
    writeFileSync(join(directory, 'site.yaml'), JSON.stringify(settings));
    this.#sites.push(runSite(directory, { signal: this.#over.signal, worker: () => idleWorker }));
  }

  /** Of two rounds. Each id once. */
  async train(id: string): Promise<JobOutcome> {
    const { board, store } = this.#coordinator;
    const jobId = id as JobId;
    const weights = encodeSafetensors(new Map([['weight', tensor('float32', [64], new Float32Array(64).fill(0.5))]]));
    await board.submit({
      kind: 'train',
      jobId,
      participants: [...siteIds],
      plan: {},
      model: await putBlob(store, new Uint8Array([1, 2, 3])),
      initialWeights: await putBlob(store, weights),
      rounds: { max: 2 },
      stepsPerRound: 3,
      minimumSites: 2,
      stragglerMs: 60_000,
      attempts: 1,
      stopping: { patience: 5, minimumGain: 0 },
      seed: 1,
      strategy: { kind: 'fed-avg' },
      reply: plainEncoding,
    });
    return board.outcome<JobOutcome>(jobId);
  }

  get(which: 'coordinator' | 'site', path: string): Promise<Response> {
    return fetch(`http://${host}:${this.ports[which]}${path}`);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#sites);
    await this.#coordinator[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true });
  }
}
