/** When a site is willing to begin a task: in the hours its people allow, and while its machine has memory to spare. */
import { freemem } from 'node:os';
import type { Clock } from '@consilium/federation';
import type { Task } from '@consilium/protocol';
import { wallTime } from './ports/wall-time.ts';
import type { SiteLimits } from './settings.ts';

const lookAgainMs = 30_000;
/** Tasks that cost little are done at any hour. */
const light: ReadonlySet<Task['kind']> = new Set(['fingerprint', 'statistics', 'introduce', 'overlap']);

export class WorkingHours {
  readonly #limits: SiteLimits;
  readonly #clock: Clock;
  readonly #localTime: () => string;

  /** `localTime`: hours and minutes as in `07:30`. */
  constructor(limits: SiteLimits, clock: Clock, localTime: () => string = wallTime) {
    this.#limits = limits;
    this.#clock = clock;
    this.#localTime = localTime;
  }

  /** Resolves when the task may begin, or `signal` aborts. */
  async admit(task: Task, signal: AbortSignal): Promise<void> {
    if (task.kind.startsWith('secure-')) return; // others wait for it
    while (!signal.aborted && !(this.#isOpen(task) && this.#hasMemory())) {
      await this.#clock.sleep(lookAgainMs, signal);
    }
  }

  #isOpen({ kind }: Task): boolean {
    const { hours } = this.#limits;
    return hours === undefined || light.has(kind) || isWithin(this.#localTime(), hours);
  }

  #hasMemory(): boolean {
    return freemem() >= this.#limits.freeMemoryMb * 2 ** 20;
  }
}

/** Times as `hh:mm`, which sort as text does. */
export function isWithin(time: string, { from, to }: { readonly from: string; readonly to: string }): boolean {
  return from <= to ? from <= time && time < to : from <= time || time < to;
}
