/** What happens in an archive, told to whoever watches: the page, the log. Nothing in it names a patient. */

export type ArchiveEvent =
  | { readonly kind: 'stored'; readonly studyInstanceUid: string; readonly seriesInstanceUid: string }
  | { readonly kind: 'quarantined'; readonly quarantineId: string; readonly code: string }
  | {
      readonly kind: 'described';
      readonly seriesInstanceUid: string;
      /** Why it cannot be read as a volume; undefined if it can. */
      readonly code: string | undefined;
      /** Series that still wait to be looked at. */
      readonly waiting: number;
    }
  | {
      readonly kind: 'import';
      readonly importId: string;
      readonly done: number;
      /** Files found so far. */
      readonly total: number;
      readonly state: 'running' | 'stopped' | 'finished' | 'failed';
    }
  | {
      readonly kind: 'pull';
      readonly pullId: string;
      readonly state: 'waiting' | 'running' | 'finished' | 'failed' | 'cancelled';
      /** Of how many instances so many are here. */
      readonly held: number;
      readonly instances: number;
    };

export class ArchiveEvents {
  readonly #listeners = new Set<(event: ArchiveEvent) => void>();

  /** Until the answer is disposed of. A listener must not throw. */
  listen(listener: (event: ArchiveEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  tell(event: ArchiveEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
