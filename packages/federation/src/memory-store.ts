/** A store that forgets when the process ends: for simulations and tests. */
import { createHash } from 'node:crypto';
import type { JobId, Json, Sha256 } from '@consilium/protocol';
import { FederationError } from './federation-error.ts';
import type { Store } from './store.ts';

export class MemoryStore implements Store {
  readonly #blobs = new Map<Sha256, Uint8Array>();
  readonly #entries = new Map<JobId, Map<string, string>>();

  async putBlob(bytes: Uint8Array): Promise<Sha256> {
    const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
    this.#blobs.set(sha256, Uint8Array.from(bytes));
    return sha256;
  }

  async hasBlob(sha256: Sha256): Promise<boolean> {
    return this.#blobs.has(sha256);
  }

  async getBlob(sha256: Sha256): Promise<Uint8Array> {
    const bytes = this.#blobs.get(sha256);
    if (bytes === undefined) throw new FederationError('federation.blob-missing', `There is no blob ${sha256}.`);
    return Uint8Array.from(bytes);
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

  async recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    const entries = this.#entries.get(jobId) ?? new Map<string, string>();
    return new Map([...entries].map(([key, text]) => [key, JSON.parse(text) as Json]));
  }
}
