/** The machine of a simulated site: the real agent, started anew from its disk in every life. */

import { createRandom } from '@consilium/numerics';
import type { Failure, SiteId, Task, TaskKind } from '@consilium/protocol';
import type { Clock } from '../ports.ts';
import { MaskingWorker } from '../secure-sum/masking-worker.ts';
import { type AgentEvent, type CoordinatorPort, SiteAgent } from '../site-agent.ts';
import type { SimulatedLink } from './simulated-link.ts';
import { SimulatedMachine, type SimulatedMachineOptions } from './simulated-machine.ts';
import { type CoordinatorServer, SimulatedPort } from './simulated-port.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { simulatedSigner } from './simulated-signer.ts';
import { SimulatedWorker, TaskFailure, type WorkerOptions } from './simulated-worker.ts';

export interface SiteMachineOptions extends SimulatedMachineOptions {
  readonly siteId: SiteId;
  readonly seed: number;
  readonly link: SimulatedLink<CoordinatorServer>;
  readonly work: Omit<WorkerOptions, 'siteId' | 'clock' | 'blobs' | 'random'>;
  readonly tasksAtOnce: number;
  /** What its policy refuses. */
  readonly refuses: readonly TaskKind[];
  /** Until then a person has not approved. */
  readonly decidesAtMs: number;
  readonly onEvent: (event: AgentEvent) => void;
  /** Puts something between the agent and the network: a hostile site. */
  readonly between?: (port: CoordinatorPort, life: number) => CoordinatorPort;
}

export class SiteMachine extends SimulatedMachine {
  readonly siteId: SiteId;
  readonly #options: SiteMachineOptions;
  #lives = 0;

  constructor(options: SiteMachineOptions) {
    super(options);
    this.siteId = options.siteId;
    this.#options = options;
  }

  protected override async boot(process: SimulatedProcess): Promise<void> {
    const { siteId, seed, link, work, tasksAtOnce, onEvent, between = (port) => port } = this.#options;
    const life = ++this.#lives;
    const { clock } = process;
    const { store, spool, secrets } = await this.disk.mount(process);
    const worker = new SimulatedWorker({
      ...work,
      siteId,
      clock,
      blobs: store,
      random: createRandom(seed, siteId, 'work', life),
    });
    const secret = createRandom(seed, siteId, 'secrets', life);
    const masking = new MaskingWorker({
      worker,
      blobs: store,
      secrets,
      signer: simulatedSigner(siteId),
      secretBytes: (count) => Uint8Array.from({ length: count }, () => secret.integer(0, 256)),
    });
    const chance = createRandom(seed, siteId, 'jitter', life);
    const agent = new SiteAgent({
      clock,
      chance: () => chance.uniform(),
      coordinator: between(new SimulatedPort({ siteId, link, process, store }), life),
      worker: masking,
      spool,
      blobs: store,
      failureOf,
      ...(this.#options.decidesAtMs === 0 ? {} : { permit: (_, waiting) => this.#permit(clock, waiting) }),
      admit: async (task) => this.#admit(task),
      tasksAtOnce,
      ...(chance.uniform() < 0.5 ? {} : { unaskedBytesMax: 0 }),
      onEvent,
    });
    await agent.run(new AbortController().signal); // of many sites, one signal would become slow
  }

  /** A person looks at it when the time has come, whether the site runs then or not. */
  async #permit(clock: Clock, { signal, onWaiting }: { signal: AbortSignal; onWaiting: () => void }): Promise<void> {
    const leftMs = () => this.#options.decidesAtMs - this.#options.clock.nowMs();
    if (leftMs() > 0) onWaiting();
    while (leftMs() > 0 && !signal.aborted) await clock.sleep(Math.max(1, leftMs()), signal);
  }

  #admit(task: Task): void {
    if (!this.#options.refuses.includes(task.kind)) return;
    throw new TaskFailure({
      code: 'site.policy-refused',
      message: 'The policy of the site forbids it.',
      lasting: true,
    });
  }

  protected override died(loud: boolean): void {
    this.#options.link.died('site', loud);
  }

  protected override cutOff(isCutOff: boolean): void {
    this.#options.link.cutOff(isCutOff);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof TaskFailure) return error.failure;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : 'site.unexpected-error', message: String(message), lasting: false };
}
