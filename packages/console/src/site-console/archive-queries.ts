/** Which of what the pages have asked the archive an event makes old. */
import type { ArchiveEvent } from '@consilium/archive/api';
import type { QueryClient } from '@tanstack/react-query';
import { later } from '../ports/browser-clock.ts';

const looked = ['overview', 'search', 'series', 'study', 'facet', 'histogram', 'findings', 'waiting'];
const keysOf: Readonly<Record<ArchiveEvent['kind'], readonly string[]>> = {
  stored: ['overview', 'arrivals', 'waiting', 'search'],
  described: looked,
  quarantined: ['overview', 'quarantine'],
  import: ['imports', 'overview'],
  pull: ['pulls', 'overview'],
};

/** Instances come by the hundred a second: what they make old is asked for again once in a while. */
const refreshMs = 1000;

export class Refreshing {
  readonly #client: QueryClient;
  readonly #old = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(client: QueryClient) {
    this.#client = client;
  }

  readonly note = ({ kind }: ArchiveEvent): void => {
    for (const key of keysOf[kind]) this.#old.add(key);
    this.#cancel ??= later(refreshMs, () => {
      this.#cancel = undefined;
      for (const key of this.#old) void this.#client.invalidateQueries({ queryKey: [key] });
      this.#old.clear();
    });
  };

  readonly everything = (): void => {
    void this.#client.invalidateQueries();
  };
}
