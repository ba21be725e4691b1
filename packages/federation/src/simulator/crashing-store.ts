/** A store whose process is killed at the n-th operation: before it takes effect, or after but before anyone hears of it. */
import type { BlobId, ChunkId, JobId, Json, Manifest } from '@consilium/protocol';
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

  putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    return this.#operate(() => this.#inner.putChunk(bytes, isWanted));
  }
  hasChunk(id: ChunkId): Promise<boolean> {
    return this.#operate(() => this.#inner.hasChunk(id));
  }
  getChunk(id: ChunkId): Promise<Uint8Array> {
    return this.#operate(() => this.#inner.getChunk(id));
  }
  getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    return this.#operate(() => this.#inner.getPart(id, begin, into));
  }
  putManifest(manifest: Manifest): Promise<BlobId> {
    return this.#operate(() => this.#inner.putManifest(manifest));
  }
  getManifest(id: BlobId): Promise<Manifest | undefined> {
    return this.#operate(() => this.#inner.getManifest(id));
  }
  retain(ids: readonly BlobId[], holder: string): Promise<void> {
    return this.#operate(() => this.#inner.retain(ids, holder));
  }
  release(holder: string, except?: readonly BlobId[]): Promise<void> {
    return this.#operate(() => this.#inner.release(holder, except));
  }
  record(jobId: JobId, key: string, value: Json): Promise<void> {
    return this.#operate(() => this.#inner.record(jobId, key, value));
  }
  has(jobId: JobId, key: string): Promise<boolean> {
    return this.#operate(() => this.#inner.has(jobId, key));
  }
  entry(jobId: JobId, key: string): Promise<Json | undefined> {
    return this.#operate(() => this.#inner.entry(jobId, key));
  }
  recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    return this.#operate(() => this.#inner.recall(jobId));
  }
  jobIds(): Promise<readonly JobId[]> {
    return this.#operate(() => this.#inner.jobIds());
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
