/** The machine that runs a project's coordinator: the real board and the real lines, opened anew from its disk in every life. */
import type { SiteId, SiteMessage, Verdict } from '@consilium/protocol';
import { FiniteChunks } from '../finite-chunks.ts';
import { JobBoard } from '../job-board.ts';
import type { JobEvent } from '../job-event.ts';
import { SiteLine } from '../site-line.ts';
import { RemoteError } from './remote-error.ts';
import type { SimulatedLink } from './simulated-link.ts';
import { SimulatedMachine, type SimulatedMachineOptions } from './simulated-machine.ts';
import type { CoordinatorServer } from './simulated-port.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface CoordinatorMachineOptions extends SimulatedMachineOptions {
  readonly siteIds: readonly SiteId[];
  readonly jobsAtOnce: number;
  readonly absentMsMax: number;
  readonly silentMsMax: number;
  readonly onEvent: (event: JobEvent) => void;
  readonly onVerdict: (siteId: SiteId, message: SiteMessage, verdict: Verdict) => Promise<void>;
}

interface Life extends CoordinatorServer {
  readonly board: JobBoard;
}

export class CoordinatorMachine extends SimulatedMachine {
  readonly links = new Map<SiteId, SimulatedLink<CoordinatorServer>>();
  readonly #options: CoordinatorMachineOptions;
  #life: Life | null = null;

  constructor(options: CoordinatorMachineOptions) {
    super(options);
    this.#options = options;
  }

  /** What answers on the network at present. */
  get server(): CoordinatorServer | null {
    return this.#life;
  }

  /** Asks for something as a member does, over a connection that ends with the process. */
  call<T>(ask: (board: JobBoard) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const life = this.#life;
      const gone = () => reject(new RemoteError('network.reset', 'The coordinator is gone.'));
      if (life === null) return gone();
      life.process.onDeath(gone);
      life.process.enter(() => void ask(life.board).then(resolve, reject));
    });
  }

  protected override async boot(process: SimulatedProcess): Promise<void> {
    const { siteIds, jobsAtOnce, absentMsMax, silentMsMax, onEvent, onVerdict } = this.#options;
    const { clock } = process;
    const { store } = await this.disk.mount(process);
    const lines = new Map(
      siteIds.map((siteId) => [siteId, new SiteLine({ siteId, clock, store, absentMsMax, silentMsMax })]),
    );
    const finiteChunks = new FiniteChunks();
    const board = await JobBoard.open({ clock, store, finiteChunks, sites: lines }, { jobsAtOnce, onEvent });
    this.#life = { process, store, finiteChunks, board, lineOf: (siteId) => lines.get(siteId)!, onVerdict };
  }

  protected override died(loud: boolean): void {
    this.#life = null;
    for (const link of this.links.values()) link.died('coordinator', loud);
  }

  protected override cutOff(isCutOff: boolean): void {
    for (const link of this.links.values()) link.cutOff(isCutOff);
  }
}
