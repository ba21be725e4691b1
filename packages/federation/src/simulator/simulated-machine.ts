/** A machine whose process is started again whenever it ends, by itself or by a kill. Its disk stays. */
import type { Random } from '@consilium/numerics';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedProcess } from './simulated-process.ts';

export interface SimulatedMachineOptions {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly disk: SimulatedDisk;
  /** Steps of its processes, counted through all lives, before each of which it is killed; ascending. */
  readonly killsAt: readonly number[];
  readonly note: (text: string) => void;
}

export abstract class SimulatedMachine {
  readonly name: string;
  readonly disk: SimulatedDisk;
  protected readonly clock: SimulatedClock;
  protected readonly note: (text: string) => void;
  readonly #random: Random;
  readonly #killsAt: number[];
  #process: SimulatedProcess | null = null;
  #isCondemned = false;
  #steps = 0;

  constructor({ name, clock, random, disk, killsAt, note }: SimulatedMachineOptions) {
    this.name = name;
    this.clock = clock;
    this.disk = disk;
    this.note = (text) => note(`${name} ${text}`);
    this.#random = random;
    this.#killsAt = [...killsAt];
  }

  /** Brings the process up; rejects if it cannot begin, or when it has ended. */
  protected abstract boot(process: SimulatedProcess): Promise<void>;
  /** The network learns that the process is gone, `loud` or not. */
  protected abstract died(loud: boolean): void;
  /** The network blocks what comes and goes while the process is frozen. */
  protected abstract cutOff(isCutOff: boolean): void;

  get process(): SimulatedProcess | null {
    return this.#process;
  }

  /** Whether it is dead for good. */
  get isCondemned(): boolean {
    return this.#isCondemned;
  }

  /** How many steps its processes have made. */
  get steps(): number {
    return this.#steps;
  }

  start(): void {
    if (this.#process !== null || this.#isCondemned) return;
    this.note('starts');
    const process = new SimulatedProcess(this.clock, () => {
      this.#steps += 1;
      if (this.#killsAt[0] !== this.#steps) return;
      this.#killsAt.shift();
      this.kill(this.#random.chance(0.8) ? this.#random.between(50, 5000) : this.#random.between(5000, 200_000));
    });
    this.#process = process;
    process.enter(() => {
      this.boot(process).catch((error: unknown) => {
        this.note(`ends by itself: ${String(error)}`);
        if (process.isAlive) this.kill(this.#random.between(500, 2000));
      });
    });
  }

  /** Kills the process; it is started again after `downMs`. */
  kill(downMs: number): void {
    const process = this.#process;
    if (process === null) return;
    this.note(`is killed at step ${this.#steps} for ${downMs.toFixed(0)} ms`);
    this.#process = null;
    process.kill();
    this.died(this.#random.chance(0.7));
    this.clock.after(downMs, () => this.start());
  }

  /** Its process is not killed at steps any more. */
  spare(): void {
    this.#killsAt.length = 0;
  }

  /** Kills it for good. */
  condemn(): void {
    this.#isCondemned = true;
    this.kill(0);
  }

  freeze(forMs: number): void {
    const process = this.#process;
    if (process === null) return;
    this.note(`freezes for ${forMs.toFixed(0)} ms`);
    process.freeze();
    this.cutOff(true);
    this.clock.after(forMs, () => {
      this.cutOff(false);
      process.thaw();
    });
  }
}
