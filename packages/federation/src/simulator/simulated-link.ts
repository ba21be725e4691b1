/**
 * The network between one site and the coordinator. Everything that travels is text, takes time, and may overtake what
 * was sent before it, but for the messages on a line. Connections break: by chance, because an end has died, or because
 * nothing has come through for `idleMs`, which the two ends notice each in its own time. What is held up by a partition
 * arrives when it ends, if its connection still stands. A request whose answer is lost has happened all the same.
 */
import type { Random } from '@consilium/numerics';
import { type End, Exchange } from './exchange.ts';
import { RemoteError } from './remote-error.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** `up`: from the site to the coordinator. */
export type Direction = 'up' | 'down';

export interface Weather {
  readonly latencyMs: readonly [number, number];
  readonly bytesPerMs: number;
  /** That a message breaks the connection instead of arriving. */
  readonly breakChance: number;
  /** That a request arrives twice, the second time up to a minute later. */
  readonly duplicateChance: number;
}

export const calm: Weather = { latencyMs: [1, 20], bytesPerMs: 10_000, breakChance: 0, duplicateChance: 0 };

/** Something is there to answer: one life of the coordinator. */
export interface Server {
  readonly process: SimulatedProcess;
}

export interface SimulatedLinkOptions<S extends Server> {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly idleMs: number;
  readonly server: () => S | null;
}

export class SimulatedLink<S extends Server> {
  weather: Weather = calm;
  readonly #options: SimulatedLinkOptions<S>;
  readonly #exchanges = new Set<Exchange>();
  readonly #blocked: Record<Direction, number> = { up: 0, down: 0 };
  readonly #heldUp: Record<Direction, (() => void)[]> = { up: [], down: [] };
  /** Counts the times at which the link was whole again. */
  #episode = 0;

  constructor(options: SimulatedLinkOptions<S>) {
    this.#options = options;
  }

  /** The coordinator that answers at present. */
  get server(): S | null {
    return this.#options.server();
  }

  // Trouble ------------------------------------------------------------------------------------------------------------

  /** Nothing arrives in this direction until it is unblocked as often as it was blocked. */
  block(direction: Direction): void {
    this.#blocked[direction] += 1;
    for (const exchange of this.#exchanges) this.#watch(exchange);
  }

  unblock(direction: Direction): void {
    this.#blocked[direction] -= 1;
    if (this.#isWhole) this.#episode += 1;
    if (this.#blocked[direction] > 0) return;
    for (const goOn of this.#heldUp[direction].splice(0)) goOn();
  }

  /** Nothing comes and nothing goes while it is cut off. */
  cutOff(isCutOff: boolean): void {
    for (const direction of ['up', 'down'] as const) {
      if (isCutOff) this.block(direction);
      else this.unblock(direction);
    }
  }

  /** Every connection is reset; the ends notice in their own time. */
  breakAll(): void {
    for (const exchange of [...this.#exchanges]) this.#sever(exchange);
  }

  /** A process at one end has died: `loud`, so that its machine resets its connections, or without a sound. */
  died(end: End, loud: boolean): void {
    const other: End = end === 'site' ? 'coordinator' : 'site';
    for (const exchange of [...this.#exchanges]) {
      if (!exchange.close(end, null)) continue;
      const tell = () => void exchange.close(other, new RemoteError('network.reset', 'The connection was reset.'));
      if (loud) this.#travel(end === 'site' ? 'up' : 'down', 0, tell);
      else this.#options.clock.after(this.#noticeMs(), tell);
    }
  }

  get #isWhole(): boolean {
    return this.#blocked.up === 0 && this.#blocked.down === 0;
  }

  /** A broken connection is noticed by silence unless the link is whole again before. */
  #watch(exchange: Exchange): void {
    const episode = this.#episode;
    for (const end of ['site', 'coordinator'] as const) {
      this.#options.clock.after(this.#noticeMs(), () => {
        if (this.#isWhole || episode !== this.#episode) return;
        this.closeEnd(exchange, end, new RemoteError('network.idle', 'Nothing was heard for too long.'));
      });
    }
  }

  #noticeMs(): number {
    const { idleMs, random } = this.#options;
    return idleMs * random.between(1, 1.3);
  }

  #sever(exchange: Exchange): void {
    const { clock, random } = this.#options;
    const error = new RemoteError('network.reset', 'The connection was reset.');
    for (const end of ['site', 'coordinator'] as const) {
      const noticeMs = random.chance(0.7) ? random.between(0, 50) : this.#noticeMs();
      clock.after(noticeMs, () => void exchange.close(end, error));
    }
  }

  // Traffic ------------------------------------------------------------------------------------------------------------

  open(): Exchange {
    const exchange = new Exchange((over) => this.#exchanges.delete(over));
    this.#exchanges.add(exchange);
    if (!this.#isWhole) this.#watch(exchange);
    return exchange;
  }

  /** The other end learns of it in time. */
  closeEnd(exchange: Exchange, end: End, error?: unknown): void {
    if (!exchange.close(end, error)) return;
    if (end === 'site') this.#travel('up', 0, () => void exchange.close('coordinator', null));
    else this.#travel('down', 0, () => void exchange.close('site', error));
  }

  /** Something of the exchange, on its way; it may end the exchange instead of arriving. */
  send(exchange: Exchange, direction: Direction, { bytes, inOrder = false }: Parcel, arrive: () => void): void {
    const { random } = this.#options;
    if (!exchange.isOpenAt(direction === 'up' ? 'site' : 'coordinator')) return;
    if (random.chance(this.weather.breakChance)) {
      if (random.chance(0.5)) this.#sever(exchange);
      else this.breakAll();
      return;
    }
    const whileOpen = () => {
      if (exchange.isOpenAt(direction === 'up' ? 'coordinator' : 'site')) arrive();
    };
    if (inOrder) this.#travelInOrder(exchange, direction, bytes, whileOpen);
    else this.#travel(direction, bytes, whileOpen);
  }

  /** A request and its answer. Rejects with RemoteError if it is not known to have arrived, or was refused. */
  request<T>(client: SimulatedProcess, call: Call<S, T>, signal: AbortSignal): Promise<T> {
    const { clock, random } = this.#options;
    return new Promise((resolve, reject) => {
      if (!client.isAlive) return;
      const exchange = this.open();
      const onAbort = () => this.closeEnd(exchange, 'site', signal.reason);
      const settle = (outcome: () => void) => {
        signal.removeEventListener('abort', onAbort);
        client.enter(outcome);
      };
      exchange.onClosed('site', (error) => settle(() => reject(error)));
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      const answer = (bytes: number, outcome: () => void) => {
        this.send(exchange, 'down', { bytes }, () => {
          exchange.onClosed('site', () => settle(outcome));
          exchange.close('site', null);
          exchange.close('coordinator', null);
        });
      };
      this.send(exchange, 'up', { bytes: call.bytes }, () => this.#serve(call, { answer, resolve, reject }));
      if (!random.chance(this.weather.duplicateChance)) return;
      clock.after(random.between(0, 60_000), () => {
        this.#travel('up', call.bytes, () => this.#serve(call, { answer: () => {}, resolve, reject }));
      });
    });
  }

  #serve<T>(call: Call<S, T>, { answer, resolve, reject }: Reply<T>): void {
    const server = this.#options.server();
    const refuse = (error: RemoteError) => answer(100, () => reject(error));
    if (server === null) {
      refuse(new RemoteError('network.refused', 'Nobody listens there.'));
      return;
    }
    server.process.enter(() => {
      call.handle(server).then(
        (result) => answer(call.answerBytes?.(result) ?? 200, () => resolve(result)),
        (error: unknown) => refuse(RemoteError.from(error)),
      );
    });
  }

  #travel(direction: Direction, bytes: number, arrive: () => void): void {
    this.#options.clock.after(this.#delayMs(bytes), () => {
      if (this.#blocked[direction] === 0) arrive();
      else this.#heldUp[direction].push(() => this.#travel(direction, 0, arrive));
    });
  }

  #travelInOrder(exchange: Exchange, direction: Direction, bytes: number, arrive: () => void): void {
    const { clock } = this.#options;
    exchange.lastArrivalMs = Math.max(exchange.lastArrivalMs, clock.nowMs() + this.#delayMs(bytes));
    clock.after(exchange.lastArrivalMs - clock.nowMs(), () => {
      if (this.#blocked[direction] === 0) arrive();
      else this.#heldUp[direction].push(() => this.#travelInOrder(exchange, direction, 0, arrive));
    });
  }

  #delayMs(bytes: number): number {
    const { latencyMs, bytesPerMs } = this.weather;
    return this.#options.random.between(...latencyMs) + bytes / bytesPerMs;
  }
}

interface Parcel {
  readonly bytes: number;
  readonly inOrder?: boolean;
}

/** What is asked, and how it is answered. The result must share no object with the server. */
export interface Call<S extends Server, T> {
  readonly bytes: number;
  readonly handle: (server: S) => Promise<T>;
  readonly answerBytes?: (result: T) => number;
}

interface Reply<T> {
  readonly answer: (bytes: number, outcome: () => void) => void;
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
}
