/** A project with pages for tests: a coordinator and two sites in this process, whose rounds end when the test lets them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { putBlob, type Worker } from '@consilium/federation';
import { encodeSafetensors, tensor } from '@consilium/numerics';
import { type Json, type Pseudonym, plainEncoding, type SiteDescription, type SiteId } from '@consilium/protocol';
import { runSite } from '@consilium/site';
import { enrol, IdentityDirectory, parseInvitation, wallClockMs } from '@consilium/transport';

const host = '127.0.0.1';
export const toySites = ['mainz', 'ulm'] as const;

export class PagesProject implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'consilium-pages-'));
  readonly directory = join(this.root, 'coordinator');
  coordinator!: Coordinator;
  readonly #pages: string;
  readonly #over = new AbortController();
  readonly #sites: Promise<void>[] = [];
  readonly #gates = new Map<number, PromiseWithResolvers<void>>();
  #port = 0;
  #webPort = 0;

  private constructor(pages: string) {
    this.#pages = pages;
  }

  static async start(pages: string): Promise<PagesProject> {
    const project = new PagesProject(pages);
    const listen = { host, port: 0 };
    await initCoordinator(project.directory, { project: 'kidney', names: [host], listen }, { nowMs: wallClockMs });
    await project.startCoordinator();
    for (const siteId of toySites) await project.#startSite(siteId);
    return project;
  }

  get url(): string {
    return this.coordinator.web!.url;
  }

  /** Again, where it was. */
  async startCoordinator(): Promise<void> {
    this.coordinator = await Coordinator.start(this.directory, {
      overrides: { listen: { host, port: this.#port }, web: { port: this.#webPort } },
      pages: () => this.#pages,
    });
    this.#port = this.coordinator.port;
    this.#webPort = Number(new URL(this.url).port);
  }

  /** Somebody who uses an invitation, as `consilium site join` does. */
  async join(invitation: string): Promise<{ readonly fingerprint: string; readonly admitted: Promise<void> }> {
    const { id, project, ...parsed } = parseInvitation(invitation);
    const facts = { project, role: 'site', id, coordinator: parsed.coordinator } as const;
    const identity = await IdentityDirectory.create(join(this.root, id, 'identity'), facts);
    const admitted = enrol(identity, { id, project, ...parsed }, { signal: this.#over.signal });
    return { fingerprint: identity.fingerprint, admitted };
  }

  /** Training of this round ends at all sites. */
  endRound(round: number): void {
    this.#gate(round).resolve();
  }

  async train(jobId: string, more: object = {}): Promise<void> {
    const { board, store } = this.coordinator;
    const weights = encodeSafetensors(new Map([['weight', tensor('float32', [64], new Float32Array(64).fill(0.5))]]));
    await board.submit({
      ...{ kind: 'train', jobId, participants: [...toySites], plan: {}, rounds: { max: 3 }, stepsPerRound: 3, seed: 1 },
      ...{ minimumSites: 2, stragglerMs: 60_000, attempts: 1, stopping: { patience: 5, minimumGain: 0.01 } },
      ...{ strategy: { kind: 'fed-avg' }, reply: plainEncoding },
      model: await putBlob(store, new Uint8Array([1, 2, 3])),
      initialWeights: await putBlob(store, weights),
      ...more,
    });
  }

  /** What sites have told of their data; a model at every site. */
  async survey(jobId: string, task: object): Promise<void> {
    const { board } = this.coordinator;
    await board.submit({
      ...{ kind: 'survey', jobId, participants: [...toySites], task, minimumSites: 2 },
      ...{ stragglerMs: 60_000, attempts: 1 },
    });
    await board.outcome(jobId as never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { resolve } of this.#gates.values()) resolve();
    this.#over.abort();
    await Promise.all(this.#sites);
    await this.coordinator[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }

  async #startSite(siteId: string): Promise<void> {
    const { registry, authority } = this.coordinator;
    const directory = join(this.root, siteId);
    const coordinator = `https://${host}:${this.#port}`;
    const identity = await IdentityDirectory.create(join(directory, 'identity'), {
      ...{ project: 'kidney', role: 'site', id: siteId, coordinator },
    });
    const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
    const { certificate } = await registry.admit('site', siteId, fingerprint);
    await identity.admitted({ certificate: certificate!, authority: authority.certificate });
    mkdirSync(directory, { recursive: true });
    const settings = { siteId, coordinator, data: directory, policy: { without: ['signed-jobs'] } };
    writeFileSync(join(directory, 'site.yaml'), JSON.stringify(settings));
    const worker = () => this.#worker(siteId as SiteId);
    this.#sites.push(runSite(directory, { signal: this.#over.signal, worker }));
  }

  #gate(round: number): PromiseWithResolvers<void> {
    const gate = this.#gates.get(round) ?? Promise.withResolvers();
    this.#gates.set(round, gate);
    return gate;
  }

  /** Its validation rises from round to round; the second site does better. */
  #worker(siteId: SiteId): Worker {
    const offset = siteId === toySites[0] ? 0 : 0.1;
    let rounds = 0;
    return {
      perform: async (task, { onProgress, signal }) => {
        switch (task.kind) {
          case 'train': {
            const { steps, weights } = task;
            onProgress({ kind: 'step', step: 2, of: 3, loss: 1, stepsPerSecond: 1, residentBytes: 2 ** 20 });
            await Promise.race([this.#gate(task.round).promise, abortOf(signal)]);
            signal.throwIfAborted();
            rounds = task.round;
            const meanLoss = 1 / task.round + offset;
            return { kind: 'train', weights, encoding: plainEncoding, controlChange: null, cases: 30, steps, meanLoss };
          }
          case 'evaluate': {
            const scores = [{ case: 'case-01' as Pseudonym, regions: {}, pictures: [] }];
            return { kind: 'evaluate', scores, meanDice: 0.4 + 0.1 * rounds + offset, leftOut: [] };
          }
          case 'fingerprint': {
            const cases = { train: 30, validation: 4, test: 6 };
            const description = toyDescription(offset);
            return { kind: 'fingerprint', fingerprint: toyFingerprint(offset), description, cases, leftOut: [] };
          }
          default:
            throw new Error('not asked in this test');
        }
      },
    };
  }
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** In the form of the training package: histograms of whole counts. */
function toyFingerprint(offset: number): Json {
  const bell = (binWidth: number, centre: number, spread: number) => {
    const firstBin = Math.round((centre - 3 * spread) / binWidth);
    const bins = Math.ceil((6 * spread) / binWidth);
    const at = (bin: number) => ((firstBin + bin) * binWidth - centre) / spread;
    return {
      ...{ binWidth, firstBin },
      counts: Array.from({ length: bins }, (_, bin) => Math.round(500 * Math.exp(-(at(bin) ** 2)))),
    };
  };
  const pixels = bell(0.02, 0.7 + offset, 0.05);
  return {
    ...{ version: 1, cases: 30, spacingMm: [bell(0.1, 3 + 20 * offset, 0.4), pixels, pixels] },
    ...{ phases: [{ phase: 'nephrographic', cases: 30 }], classes: [{ value: 1, cases: 30, totalMm3: 3e6 }] },
    foregroundHu: bell(1, 110 + 200 * offset, 25),
  };
}

/** Of sites whose scanners differ by `offset`. */
function toyDescription(offset: number): SiteDescription {
  const moments = (mean: number) => ({ count: 30, sum: 30 * mean, squaredDeviations: 29 * 100 });
  const named = { 'class-1-hu-mean': 110 + 200 * offset, 'class-1-hu-deviation': 25, 'slice-thickness-mm': 3 };
  return {
    minimumCount: 5,
    groups: { vendor: { siemens: 30 }, kernel: offset === 0 ? { standard: 30 } : { soft: 18, sharp: 12 } },
    features: Object.entries(named).map(([name, mean]) => ({ name, phase: 'nephrographic', ...moments(mean) })),
  };
}
