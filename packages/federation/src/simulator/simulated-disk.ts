/**
 * A machine's disk: what a promise has resolved for stays, whatever happens to the process. A write that is not
 * acknowledged when its process dies, or that fails, may or may not have happened. The stores promise that a write is
 * there whole or not at all, so a torn one is one that is not there; a file of the spool can be torn and is passed over.
 */
import type { Random } from '@consilium/numerics';
import type { BlobId, ChunkId, JobId, Json, Manifest, TaskId } from '@consilium/protocol';
import { MemoryStore } from '../memory-store.ts';
import type { SecretStore } from '../secure-sum/secret-store.ts';
import type { Finished, Spool } from '../site-agent.ts';
import type { Store } from '../store.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface SimulatedDiskOptions {
  readonly clock: SimulatedClock;
  readonly random: Random;
  /** An operation takes up to so long. */
  readonly latencyMsMax: number;
  /** Keeps a copy of every blob that was ever on it, for those who check what was made of it. */
  readonly archive?: MemoryStore;
  /** Told of each entry of the ledger when it is written. */
  readonly onRecord?: (jobId: JobId, key: string, value: Json) => void;
  /** A fault that must be caught: the ledger's entries are acknowledged before they are written. */
  readonly acknowledgesEarly?: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

export class SimulatedDisk {
  /** What is on it, as someone sees who looks at it from outside. */
  readonly platter = new MemoryStore();
  /** Every write fails, and changes nothing. */
  isFull = false;
  /** So many writes to come fail, done or not. */
  failures = 0;
  /** Whether a write has ever failed. */
  hasFailed = false;
  readonly #options: SimulatedDiskOptions;
  readonly #spool = new Map<TaskId, string>();
  /** When each blob was put that nobody has retained yet. */
  readonly #unretained = new Map<BlobId, number>();

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  get spooled(): readonly Finished[] {
    return [...this.#spool.values()].flatMap((text) => wholeFile(text) ?? []);
  }

  /** As a process sees it. */
  async mount(
    process: SimulatedProcess,
  ): Promise<{ readonly store: Store; readonly spool: Spool; readonly secrets: SecretStore }> {
    const now = this.#options.clock.nowMs();
    for (const [id, atMs] of this.#unretained) {
      if (now - atMs < dayMs) continue;
      this.#unretained.delete(id);
      await this.platter.retain([id], 'nobody');
    }
    await this.platter.release('nobody');
    const store = new MountedStore(this, process);
    const secrets: SecretStore = {
      record: (...entry) => store.record(...entry),
      entry: (jobId, key) => store.entry(jobId, key),
      recall: (jobId) => store.recall(jobId),
      erase: (jobId, keyPrefix) => this.write(process, () => this.platter.erase(jobId, keyPrefix)),
    };
    return { store, spool: this.#mountSpool(process), secrets };
  }

  read<T>(process: SimulatedProcess, look: () => Promise<T>): Promise<T> {
    return this.#answer(process, look);
  }

  write<T>(process: SimulatedProcess, change: () => Promise<T>): Promise<T> {
    const { random } = this.#options;
    const isEarly = random.chance(0.5);
    if (!process.isAlive) return new Promise(() => {});
    if (this.isFull || this.failures > 0) this.hasFailed = true;
    if (this.isFull) return this.#answer(process, () => Promise.reject(diskError('disk.full', 'The disk is full.')));
    if (this.failures > 0) {
      this.failures -= 1;
      if (isEarly) void change().catch(() => {});
      return this.#answer(process, () => Promise.reject(diskError('disk.failed', 'A write failed.')));
    }
    if (!isEarly) return this.#answer(process, change);
    const changed = change();
    changed.catch(() => {});
    return this.#answer(process, () => changed);
  }

  async record(process: SimulatedProcess, jobId: JobId, key: string, value: Json): Promise<void> {
    const { onRecord, acknowledgesEarly } = this.#options;
    const change = async () => {
      await this.platter.record(jobId, key, value);
      onRecord?.(jobId, key, value);
    };
    if (!acknowledgesEarly) return this.write(process, change);
    void this.#answer(process, change).catch(() => {});
  }

  async putChunk(process: SimulatedProcess, bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    await this.#options.archive?.putChunk(bytes, isWanted);
    const copy = Uint8Array.from(bytes);
    return this.write(process, () => this.platter.putChunk(copy, isWanted));
  }

  async putManifest(process: SimulatedProcess, manifest: Manifest): Promise<BlobId> {
    const { archive, clock } = this.#options;
    await archive?.putManifest(manifest).catch(() => {});
    const id = await this.write(process, () => this.platter.putManifest(manifest));
    if (!this.#unretained.has(id)) this.#unretained.set(id, clock.nowMs());
    return id;
  }

  retain(process: SimulatedProcess, ids: readonly BlobId[], holder: string): Promise<void> {
    for (const id of ids) this.#unretained.delete(id);
    return this.write(process, () => this.platter.retain(ids, holder));
  }

  #mountSpool(process: SimulatedProcess): Spool {
    const { random } = this.#options;
    return {
      put: (finished) => {
        const { taskId } = finished.task;
        const text = JSON.stringify(finished);
        const isTorn = !this.#spool.has(taskId) && random.chance(0.3);
        if (isTorn) this.#spool.set(taskId, text.slice(0, random.integer(0, text.length)));
        return this.write(process, async () => void this.#spool.set(taskId, text));
      },
      remove: (taskId) => this.write(process, async () => void this.#spool.delete(taskId)),
      list: () => this.read(process, async () => this.spooled),
    };
  }

  #answer<T>(process: SimulatedProcess, operation: () => Promise<T>): Promise<T> {
    const { clock, random, latencyMsMax } = this.#options;
    return new Promise((resolve, reject) => {
      if (!process.isAlive) return;
      clock.after(random.between(0, latencyMsMax), () => {
        process.enter(() => void operation().then(resolve, reject));
      });
    });
  }
}

class MountedStore implements Store {
  readonly #disk: SimulatedDisk;
  readonly #process: SimulatedProcess;

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.#disk = disk;
    this.#process = process;
  }

  putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    return this.#disk.putChunk(this.#process, bytes, isWanted);
  }
  hasChunk(id: ChunkId): Promise<boolean> {
    return this.#disk.read(this.#process, () => this.#disk.platter.hasChunk(id));
  }
  getChunk(id: ChunkId): Promise<Uint8Array> {
    return this.#disk.read(this.#process, () => this.#disk.platter.getChunk(id));
  }
  getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    return this.#disk.read(this.#process, () => this.#disk.platter.getPart(id, begin, into));
  }
  putManifest(manifest: Manifest): Promise<BlobId> {
    return this.#disk.putManifest(this.#process, manifest);
  }
  getManifest(id: BlobId): Promise<Manifest | undefined> {
    return this.#disk.read(this.#process, () => this.#disk.platter.getManifest(id));
  }
  retain(ids: readonly BlobId[], holder: string): Promise<void> {
    return this.#disk.retain(this.#process, ids, holder);
  }
  release(holder: string, except?: readonly BlobId[]): Promise<void> {
    return this.#disk.write(this.#process, () => this.#disk.platter.release(holder, except));
  }
  record(jobId: JobId, key: string, value: Json): Promise<void> {
    return this.#disk.record(this.#process, jobId, key, value);
  }
  has(jobId: JobId, key: string): Promise<boolean> {
    return this.#disk.read(this.#process, () => this.#disk.platter.has(jobId, key));
  }
  entry(jobId: JobId, key: string): Promise<Json | undefined> {
    return this.#disk.read(this.#process, () => this.#disk.platter.entry(jobId, key));
  }
  recall(jobId: JobId): Promise<ReadonlyMap<string, Json>> {
    return this.#disk.read(this.#process, () => this.#disk.platter.recall(jobId));
  }
  jobIds(): Promise<readonly JobId[]> {
    return this.#disk.read(this.#process, () => this.#disk.platter.jobIds());
  }
}

function wholeFile(text: string): Finished | null {
  try {
    return JSON.parse(text) as Finished;
  } catch {
    return null; // torn
  }
}

function diskError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
