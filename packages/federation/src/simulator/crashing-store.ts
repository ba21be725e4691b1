/** A store whose process is killed at the n-th operation: before it takes effect, or after but before anyone hears of it. */
import type { JobId, Json, Sha256 } from '@consilium/protocol';
import type { Store } from '../store.ts';

/** Not an operating failure: nothing may catch it and go on, as nothing goes on after SIGKILL. */
export class SimulatedCrash extends Error {}

export class CrashingStore implements Store {
  operations = 0;
  readonly #inner: Store;
  readonly #crashAt: number;
  readonly #when: 'before' | 'after';

  constructor(inner: Store, { crashAt, when }: { crashAt: number; when: 'before' | 'after' }) {
    this.#inner = inner;
    this.#crashAt = crashAt;
    this.#when = when;
  }

  putBlob(bytes: Uint8Array): Promise<Sha256> {
    return this.#operate(() => this.#inner.putBlob(bytes));
  }
  hasBlob(sha256: Sha256): Promise<boolean> {
    return this.#operate(() => this.#inner.hasBlob(sha256));
  }
  getBlob(sha256: Sha256): Promise<Uint8Array> {
    return this.#operate(() => this.#inner.getBlob(sha256));
  }
  record(jobId: JobId, key: string, value: Json): Promise<void> {
    return this.#operate(() => this.#inner.record(jobId, key, value));
  }
  recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    return this.#operate(() => this.#inner.recall(jobId));
  }

  async #operate<T>(operation: () => Promise<T>): Promise<T> {
    this.operations += 1;
    if (this.operations > this.#crashAt) throw new SimulatedCrash();
    const crashing = this.operations === this.#crashAt;
    if (crashing && this.#when === 'before') throw new SimulatedCrash();
    const result = await operation();
    if (crashing) throw new SimulatedCrash();
    return result;
  }
}
