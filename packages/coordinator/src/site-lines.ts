/** The lines to all sites of the project: one for each that was admitted, whether it is connected or not. */
import { type Clock, type SiteConnection, SiteLine, type Slots, type Store } from '@consilium/federation';
import type { SiteId } from '@consilium/protocol';

export interface SiteLinesOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly absentMsMax: number;
  readonly silentMsMax: number;
  readonly slots?: Slots;
  /** A line as jobs shall see it. */
  readonly observed?: (line: SiteConnection) => SiteConnection;
}

export class SiteLines {
  readonly #options: SiteLinesOptions;
  readonly #lines = new Map<SiteId, SiteLine>();
  readonly #connections = new Map<SiteId, SiteConnection>();

  constructor(options: SiteLinesOptions) {
    this.#options = options;
  }

  /** What jobs see. A site that is admitted while a job runs can be asked from its next round on. */
  get connections(): ReadonlyMap<SiteId, SiteConnection> {
    return this.#connections;
  }

  get all(): readonly SiteLine[] {
    return [...this.#lines.values()];
  }

  /** The line of a site that has been admitted; the same each time. */
  of(siteId: SiteId): SiteLine {
    let line = this.#lines.get(siteId);
    if (line === undefined) {
      line = new SiteLine({ siteId, ...this.#options });
      this.#lines.set(siteId, line);
      this.#connections.set(siteId, this.#options.observed?.(line) ?? line);
    }
    return line;
  }

  /** Of a site that was revoked: its connection is ended, and it is asked no more. */
  remove(siteId: SiteId): void {
    this.#lines.get(siteId)?.close();
    this.#lines.delete(siteId);
    this.#connections.delete(siteId);
  }
}
