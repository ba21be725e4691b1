/**
 * What happens at the service, as it happens: server-sent events, and whether they come. A browser tries again by itself
 * when a connection breaks, but not when it was answered with an error: then we do.
 */
import { later } from '../ports/browser-clock.ts';
import { addressOf } from './service-client.ts';

export type LiveState = 'connecting' | 'live' | 'lost';

/** Whether what is shown is live. */
export interface LiveSign {
  readonly state: () => LiveState;
  readonly subscribe: (listener: () => void) => () => void;
}

const againMs = 3000;

export interface LiveEventsOptions<E> {
  readonly onEvent: (event: E) => void;
  /** It was lost and is back: things may have happened meanwhile. */
  readonly onReturn: () => void;
}

/** `E`: what the service says in its stream. */
export class LiveEvents<E> implements LiveSign {
  readonly #options: LiveEventsOptions<E>;
  readonly #listeners = new Set<() => void>();
  #state: LiveState = 'connecting';
  #source: EventSource | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: LiveEventsOptions<E>) {
    this.#options = options;
  }

  open(): void {
    this.#source?.close();
    const source = new EventSource(addressOf('/events'));
    this.#source = source;
    source.onopen = () => {
      const wasLost = this.#state === 'lost';
      this.#become('live');
      if (wasLost) this.#options.onReturn();
    };
    source.onmessage = ({ data }) => this.#options.onEvent(JSON.parse(String(data)) as E);
    source.onerror = () => {
      this.#become('lost');
      if (source.readyState !== EventSource.CLOSED) return;
      this.#cancel?.();
      this.#cancel = later(againMs, () => this.open());
    };
  }

  close(): void {
    this.#cancel?.();
    this.#source?.close();
    this.#source = undefined;
    this.#become('connecting');
  }

  readonly state = (): LiveState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #become(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
