/** A store that forgets when the process ends: for simulations and tests. */
import type { BlobId, ChunkId, JobId, Json, Manifest } from '@consilium/protocol';
import { blobIdOf, chunkIdOf } from './blob.ts';
import { FederationError } from './federation-error.ts';
import type { Store } from './store.ts';

export class MemoryStore implements Store {
  readonly #chunks = new Map<ChunkId, Uint8Array>();
  readonly #manifests = new Map<BlobId, Manifest>();
  readonly #holders = new Map<string, Set<BlobId>>();
  /** Put and not yet named by a manifest, or put and not yet retained: no release takes them away. */
  readonly #awaited = new Set<ChunkId | BlobId>();
  readonly #entries = new Map<JobId, Map<string, string>>();

  /** Who retains which blobs. */
  get held(): ReadonlyMap<string, ReadonlySet<BlobId>> {
    return this.#holders;
  }

  async putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    const id = chunkIdOf(bytes);
    if (isWanted?.(id) === false) return id;
    if (!this.#chunks.has(id)) this.#chunks.set(id, Uint8Array.from(bytes));
    this.#awaited.add(id);
    return id;
  }

  async hasChunk(id: ChunkId): Promise<boolean> {
    return this.#chunks.has(id);
  }

  async getChunk(id: ChunkId): Promise<Uint8Array> {
    return this.#chunk(id).slice();
  }

  async getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    return this.#chunk(id).slice(begin, begin + into.length);
  }

  async putManifest(manifest: Manifest): Promise<BlobId> {
    const lacking = manifest.chunks.find((chunk) => !this.#chunks.has(chunk));
    if (lacking !== undefined) {
      throw new FederationError('federation.chunk-missing', `There is no chunk ${lacking}.`);
    }
    const id = blobIdOf(manifest);
    this.#manifests.set(id, manifest);
    for (const chunk of manifest.chunks) this.#awaited.delete(chunk);
    this.#awaited.add(id);
    return id;
  }

  async getManifest(id: BlobId): Promise<Manifest | undefined> {
    return this.#manifests.get(id);
  }

  async retain(ids: readonly BlobId[], holder: string): Promise<void> {
    if (ids.length === 0) return;
    const held = this.#holders.get(holder) ?? new Set();
    this.#holders.set(holder, held);
    for (const id of ids) {
      held.add(id);
      this.#awaited.delete(id);
    }
  }

  async release(holder: string, except: readonly BlobId[] = []): Promise<void> {
    const had = [...(this.#holders.get(holder) ?? [])];
    const released = had.filter((id) => !except.includes(id));
    if (released.length === 0) return;
    if (released.length === had.length) this.#holders.delete(holder);
    else this.#holders.set(holder, new Set(had.filter((id) => except.includes(id))));
    const held = new Set([...this.#holders.values()].flatMap((ids) => [...ids]));
    const forgotten: ChunkId[] = [];
    for (const id of released) {
      if (held.has(id) || this.#awaited.has(id)) continue;
      forgotten.push(...(this.#manifests.get(id)?.chunks ?? []));
      this.#manifests.delete(id);
    }
    const kept = new Set([...this.#manifests.values()].flatMap(({ chunks }) => chunks));
    for (const chunk of forgotten) if (!kept.has(chunk) && !this.#awaited.has(chunk)) this.#chunks.delete(chunk);
  }

  async record(jobId: JobId, key: string, value: Json): Promise<void> {
    const entries = this.#entries.get(jobId) ?? new Map<string, string>();
    this.#entries.set(jobId, entries);
    const text = JSON.stringify(value);
    const present = entries.get(key);
    if (present !== undefined && present !== text) {
      throw new FederationError('federation.ledger-conflict', `Job ${jobId} has another entry "${key}" already.`);
    }
    entries.set(key, text);
  }

  async has(jobId: JobId, key: string): Promise<boolean> {
    return this.#entries.get(jobId)?.has(key) ?? false;
  }

  async entry(jobId: JobId, key: string): Promise<Json | undefined> {
    const text = this.#entries.get(jobId)?.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  async recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    const entries = this.#entries.get(jobId) ?? new Map<string, string>();
    return new Map([...entries].map(([key, text]) => [key, JSON.parse(text) as Json]));
  }

  /** Not in a ledger; what a site keeps of its own it may forget. */
  async erase(jobId: JobId, keyPrefix: string): Promise<void> {
    const entries = this.#entries.get(jobId);
    for (const key of [...(entries?.keys() ?? [])]) if (key.startsWith(keyPrefix)) entries!.delete(key);
  }

  async jobIds(): Promise<readonly JobId[]> {
    return [...this.#entries.keys()];
  }

  #chunk(id: ChunkId): Uint8Array {
    const bytes = this.#chunks.get(id);
    if (bytes === undefined) throw new FederationError('federation.chunk-missing', `There is no chunk ${id}.`);
    return bytes;
  }
}
