/**
 * Blobs on disk, at the coordinator and at a site alike: chunks as files named by the SHA-256 of what they hold,
 * `chunks/<first two digits>/<sha256>`; manifests as `manifests/<blob id>`; who retains what in `holders/`. A file is
 * written beside its place and renamed into it, and flushed with all others of its blob when that is first retained: what
 * is retained survives a power cut. What was not is looked at when the directory is opened. Which chunk is in how many
 * blobs is counted in memory, from the files, at every start. One process may hold a directory open. Files of
 * chunks that are forgotten lie in `spares/` until they are written over.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, blobIdOf, chunkIdOf } from '@consilium/federation';
import {
  type BlobId,
  bytesOfChunk,
  type ChunkId,
  canonicalManifest,
  chunkBytes,
  chunkIdSchema,
  type Manifest,
} from '@consilium/protocol';
import { draftSuffix, makeDirectoriesIn, makeDirectory, removeFile, removeSmall, writeWhole } from './durable-file.ts';
import { HolderDirectory } from './holder-directory.ts';
import { readManifest } from './manifest-file.ts';
import { OpenFiles } from './open-files.ts';
import { wallClockMs } from './ports/wall-clock.ts';
import { SpareFiles } from './spare-files.ts';
import { storageError } from './storage-error.ts';
import { TransportError } from './transport-error.ts';
import { Turns } from './turns.ts';
import { collectAfterReading } from './young-garbage.ts';

export interface ChunkDirectoryOptions {
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number;
  /** How long a blob, a chunk or a draft that nobody retains is left alone. */
  readonly forgottenMs?: number;
  /** How long a holder that retains nothing more is believed to need what it has; default: for ever. */
  readonly heldMs?: number;
  /** False: nothing is flushed, because all of it can be had again. After a power cut some of it is not there. */
  readonly isDurable?: boolean;
  /** How long a chunk that was seen to match its name is taken to match it still. */
  readonly trustedMs?: number;
}

interface StoredChunk {
  readonly bytes: number;
  /** How often it was put and is still to be named by a manifest: a release leaves it alone. */
  awaited: number;
  touchedMs: number;
  /** When its bytes were last seen to match its name; null if not in this life of the process. */
  checkedMs: number | null;
  /** Flushes it; null if that was done. */
  flush: Flush | null;
  /** Who reads its file now. */
  readers: number;
}

type Flush = () => Promise<void>;

interface StoredBlob {
  readonly manifest: Manifest;
  /** Put since it was last retained: whoever put it is about to retain it, and no release takes it away from them. */
  awaited: boolean;
  touchedMs: number;
  /** Flushes its manifest; null if that was done. */
  flush: Flush | null;
}

const sparesBytesMax = 2 ** 30;
/** A smaller file is as well made anew. */
const spareBytesMin = 2 ** 16;
/** The first two digits of a chunk's name. */
const prefixes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const dayMs = 24 * 60 * 60 * 1000;

const unusedChunk: Omit<StoredChunk, 'bytes'> = {
  awaited: 0,
  touchedMs: 0,
  checkedMs: null,
  flush: null,
  readers: 0,
};

export class ChunkDirectory implements BlobStore {
  readonly #directory: string;
  readonly #nowMs: () => number;
  readonly #forgottenMs: number;
  readonly #heldMs: number;
  readonly #trustedMs: number;
  readonly #isDurable: boolean;
  readonly #chunks = new Map<ChunkId, StoredChunk>();
  readonly #blobs = new Map<BlobId, StoredBlob>();
  /** How many blobs name a chunk, be it there or not. */
  readonly #uses = new Map<ChunkId, number>();
  readonly #holders: HolderDirectory;
  readonly #spares: SpareFiles;
  readonly #files = new OpenFiles();
  readonly #turns = new Turns<string>();

  private constructor(
    directory: string,
    {
      nowMs = wallClockMs,
      forgottenMs = dayMs,
      heldMs = Number.POSITIVE_INFINITY,
      trustedMs = 600_000,
      isDurable = true,
    }: ChunkDirectoryOptions,
  ) {
    this.#directory = directory;
    this.#nowMs = nowMs;
    this.#forgottenMs = forgottenMs;
    this.#heldMs = heldMs;
    this.#trustedMs = trustedMs;
    this.#isDurable = isDurable;
    this.#holders = new HolderDirectory(join(directory, 'holders'), { isDurable });
    this.#spares = new SpareFiles(join(directory, 'spares'), sparesBytesMax);
  }

  /** @throws TransportError if the directory cannot be made, read or written to. */
  static async open(directory: string, options: ChunkDirectoryOptions = {}): Promise<ChunkDirectory> {
    const store = new ChunkDirectory(directory, options);
    try {
      for (const part of ['chunks', 'manifests', 'holders']) await makeDirectory(join(directory, part));
      await makeDirectoriesIn(join(directory, 'chunks'), prefixes);
      await store.#spares.open();
      await store.#readChunks();
      await store.#readManifests();
      await store.#holders.read();
      await store.sweep();
      await store.#checkUnflushed();
    } catch (error) {
      throw storageError(error, directory);
    }
    return store;
  }

  async putChunk(bytes: Uint8Array, isWanted?: (id: ChunkId) => boolean): Promise<ChunkId> {
    assert(bytes.length <= chunkBytes, 'a chunk is too large');
    const id = chunkIdOf(bytes);
    if (isWanted?.(id) === false) return id;
    await this.#turns.take(id, async () => {
      if (!this.#chunks.has(id)) {
        const spare = this.#spares.take(bytes.length);
        const flush = await writeWhole(this.#chunkPath(id), bytes, { spare });
        this.#chunks.set(id, { ...unusedChunk, bytes: bytes.length, checkedMs: this.#nowMs(), flush });
      }
      const chunk = this.#chunks.get(id)!;
      chunk.awaited++;
      chunk.touchedMs = this.#nowMs();
    });
    return id;
  }

  async hasChunk(id: ChunkId): Promise<boolean> {
    return this.#chunks.has(id);
  }

  /** A chunk that turns out damaged is removed, and its blobs are no longer there, so that it can be sent again. */
  async getChunk(id: ChunkId, into?: Uint8Array): Promise<Uint8Array> {
    const whole = await this.#readChunk(id, into);
    if (whole !== undefined) return whole;
    // Looked at again in its turn: it may have been written anew meanwhile.
    return this.#turns.take(id, async () => {
      const bytes = await this.#readChunk(id, into);
      if (bytes !== undefined) return bytes;
      const wasThere = this.#chunks.has(id);
      await this.#drop(id);
      throw wasThere
        ? new TransportError(
            'transport.chunk-damaged',
            `Chunk ${id} in ${this.#directory} was damaged: check the disk.`,
          )
        : new TransportError('transport.chunk-missing', `There is no chunk ${id} in ${this.#directory}.`);
    });
  }

  async getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    const stored = this.#chunks.get(id);
    const part =
      stored !== undefined && this.#isTrusted(stored) ? await this.#read(id, stored, begin, into) : undefined;
    if (part !== undefined) return part;
    const whole = await this.getChunk(id);
    const bytes = into.subarray(0, Math.max(0, whole.length - begin));
    bytes.set(whole.subarray(begin, begin + bytes.length));
    return bytes;
  }

  async putManifest(manifest: Manifest): Promise<BlobId> {
    this.#check(manifest);
    const id = blobIdOf(manifest);
    const isNew = !this.#blobs.has(id);
    // Counted before the first await: from now on a release leaves its chunks alone.
    this.#add(id, manifest, this.#nowMs());
    this.#blobs.get(id)!.awaited = true;
    for (const chunk of manifest.chunks) {
      const stored = this.#chunks.get(chunk)!;
      stored.awaited = Math.max(0, stored.awaited - 1);
    }
    if (isNew) {
      await this.#turns.take(id, async () => {
        try {
          const flush = await writeWhole(this.#manifestPath(id), canonicalManifest(manifest));
          const stored = this.#blobs.get(id);
          if (stored !== undefined) stored.flush = flush;
        } catch (error) {
          this.#remove(id);
          throw error;
        }
      });
      return id;
    }
    await this.#turns.settled(id);
    // Whoever was writing it may have failed.
    return this.#blobs.has(id) ? id : this.putManifest(manifest);
  }

  async getManifest(id: BlobId): Promise<Manifest | undefined> {
    await this.#turns.settled(id);
    const manifest = this.#blobs.get(id)?.manifest;
    return manifest?.chunks.every((chunk) => this.#chunks.has(chunk)) ? manifest : undefined;
  }

  async retain(ids: readonly BlobId[], holder: string): Promise<void> {
    await Promise.all([this.#holders.retain(ids, holder), ...ids.map((id) => this.#flush(id))]);
    for (const id of ids) {
      const blob = this.#blobs.get(id);
      if (blob !== undefined) blob.awaited = false;
    }
  }

  async release(holder: string, except?: readonly BlobId[]): Promise<void> {
    const released = await this.#holders.release(holder, except);
    try {
      await this.#forget(released.filter((id) => !this.#holders.isHeld(id) && !this.#blobs.get(id)?.awaited));
    } catch (error) {
      throw storageError(error, this.#directory);
    }
  }

  /**
   * Forgets what nobody retains and nobody has touched for a day, and lets go what is held for a holder that is not heard of any
   * more. Done at every opening; do it daily, too.
   */
  async sweep(): Promise<void> {
    for (const holder of await this.#holders.idleSince(this.#nowMs() - this.#heldMs)) await this.release(holder);
    const before = this.#nowMs() - this.#forgottenMs;
    await this.#forget(
      [...this.#blobs]
        .filter(([id, { touchedMs }]) => touchedMs < before && !this.#holders.isHeld(id))
        .map(([id]) => id),
    );
    const orphans = [...this.#chunks].filter(([id, { touchedMs }]) => !this.#uses.has(id) && touchedMs < before);
    await this.#removeChunks(orphans.map(([id]) => id));
  }

  /** Together: the disk takes little longer for many files than for one. */
  async #flush(id: BlobId): Promise<void> {
    const blob = this.#blobs.get(id);
    if (blob === undefined || !this.#isDurable) return;
    const stored = [blob, ...blob.manifest.chunks.flatMap((chunk) => this.#chunks.get(chunk) ?? [])];
    await Promise.all(
      stored.map(async (each) => {
        await each.flush?.();
        each.flush = null;
      }),
    );
  }

  /** What nobody retains may have been cut short by a power cut; so may everything where nothing is flushed. */
  async #checkUnflushed(): Promise<void> {
    const flushed = new Set<ChunkId>();
    for (const [id, { manifest }] of this.#blobs) {
      if (this.#isDurable && this.#holders.isHeld(id)) for (const chunk of manifest.chunks) flushed.add(chunk);
    }
    const memory = new Uint8Array(chunkBytes);
    for (const id of [...this.#chunks.keys()].filter((each) => !flushed.has(each))) {
      if ((await this.#readChunk(id, memory)) === undefined) await this.#drop(id);
    }
  }

  /** @throws TransportError if a chunk is not there, or is not as long as the manifest says. */
  #check(manifest: Manifest): void {
    for (const [index, id] of manifest.chunks.entries()) {
      const bytes = this.#chunks.get(id)?.bytes;
      if (bytes === undefined) {
        throw new TransportError('transport.chunk-missing', `There is no chunk ${id} in ${this.#directory}.`);
      }
      if (bytes !== bytesOfChunk(manifest, index)) {
        const text = `A manifest says that chunk ${id} has ${bytesOfChunk(manifest, index)} bytes; it has ${bytes}.`;
        throw new TransportError('transport.manifest-mismatch', text);
      }
    }
  }

  #add(id: BlobId, manifest: Manifest, touchedMs: number): void {
    const stored = this.#blobs.get(id);
    if (stored === undefined) {
      this.#blobs.set(id, { manifest, awaited: false, touchedMs, flush: null });
      this.#count(manifest, 1);
    } else stored.touchedMs = touchedMs;
  }

  #remove(id: BlobId): readonly ChunkId[] {
    const manifest = this.#blobs.get(id)?.manifest;
    if (manifest === undefined) return [];
    this.#blobs.delete(id);
    this.#count(manifest, -1);
    return manifest.chunks;
  }

  #count({ chunks }: Manifest, by: number): void {
    for (const id of new Set(chunks)) {
      const uses = (this.#uses.get(id) ?? 0) + by;
      if (uses === 0) this.#uses.delete(id);
      else this.#uses.set(id, uses);
    }
  }

  /** All counting is done before the first await, so that what comes meanwhile sees the blobs gone. */
  async #forget(ids: readonly BlobId[]): Promise<void> {
    const freed = new Set(ids.flatMap((id) => this.#remove(id)));
    const removals = ids.map((id) =>
      this.#turns.take(id, async () => {
        if (!this.#blobs.has(id)) removeSmall(this.#manifestPath(id));
      }),
    );
    await Promise.all(removals);
    const before = this.#nowMs() - this.#forgottenMs;
    const free = [...freed].filter((id) => {
      const chunk = this.#chunks.get(id);
      return chunk !== undefined && (chunk.awaited === 0 || chunk.touchedMs < before);
    });
    await this.#removeChunks(free);
  }

  async #removeChunks(ids: readonly ChunkId[]): Promise<void> {
    const isSpare = (id: ChunkId) => (this.#chunks.get(id)?.bytes ?? 0) >= spareBytesMin;
    // Else a power cut could bring a blob back that is held and whose chunk holds other bytes.
    if (ids.some(isSpare)) await this.#holders.flush();
    for (const id of ids) {
      await this.#turns.take(id, async () => {
        if (this.#uses.has(id)) return;
        // Whoever reads it goes on with the bytes of this file.
        const stored = this.#chunks.get(id);
        if (stored === undefined || !isSpare(id) || stored.readers > 0) return this.#drop(id);
        this.#chunks.delete(id);
        await this.#files.forget(this.#chunkPath(id));
        await this.#spares.keep(this.#chunkPath(id), stored.bytes);
      });
    }
  }

  async #drop(id: ChunkId): Promise<void> {
    this.#chunks.delete(id);
    await this.#files.forget(this.#chunkPath(id));
    await removeFile(this.#chunkPath(id));
  }

  /** undefined if there is no such file, or its bytes no longer match its name. */
  async #readChunk(id: ChunkId, into?: Uint8Array): Promise<Uint8Array | undefined> {
    const stored = this.#chunks.get(id);
    if (stored === undefined || stored.bytes > chunkBytes) return undefined;
    const bytes = await this.#read(id, stored, 0, into?.subarray(0, stored.bytes) ?? new Uint8Array(stored.bytes));
    return bytes !== undefined && this.#isIntact(id, stored, bytes) ? bytes : undefined;
  }

  /** From `begin`, as much as there is and `into` takes; undefined if there is no such file, or not of its length. */
  async #read(id: ChunkId, stored: StoredChunk, begin: number, into: Uint8Array): Promise<Uint8Array | undefined> {
    stored.readers++;
    try {
      const bytes = into.subarray(0, Math.max(0, stored.bytes - begin));
      return await this.#files.use(this.#chunkPath(id), async (file) => {
        if (!this.#isTrusted(stored) && (await file.stat()).size !== stored.bytes) return undefined;
        for (let filled = 0; filled < bytes.length; ) {
          const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, begin + filled);
          if (bytesRead === 0) return undefined;
          filled += bytesRead;
        }
        collectAfterReading(bytes.length);
        return bytes;
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw storageError(error, this.#directory);
    } finally {
      stored.readers--;
    }
  }

  /** Hashing costs more than all else that is done to a chunk: one that was checked a moment ago is trusted. */
  #isTrusted({ checkedMs }: StoredChunk): boolean {
    const ageMs = this.#nowMs() - (checkedMs ?? Number.NEGATIVE_INFINITY);
    return ageMs >= 0 && ageMs < this.#trustedMs;
  }

  #isIntact(id: ChunkId, stored: StoredChunk, bytes: Uint8Array): boolean {
    if (this.#isTrusted(stored)) return true;
    if (chunkIdOf(bytes) !== id) return false;
    stored.checkedMs = this.#nowMs();
    return true;
  }

  async #readChunks(): Promise<void> {
    for (const prefix of await readdir(join(this.#directory, 'chunks'))) {
      for (const name of await readdir(join(this.#directory, 'chunks', prefix))) {
        const path = join(this.#directory, 'chunks', prefix, name);
        const { size, mtimeMs } = await stat(path);
        const id = chunkIdSchema.safeParse(name);
        if (id.success) {
          this.#chunks.set(id.data, { ...unusedChunk, bytes: size, touchedMs: mtimeMs });
        } else await this.#removeStaleDraft(path, mtimeMs);
      }
    }
  }

  async #readManifests(): Promise<void> {
    for (const name of await readdir(join(this.#directory, 'manifests'))) {
      const path = join(this.#directory, 'manifests', name);
      const { mtimeMs } = await stat(path);
      const manifest = readManifest(await readFile(path, 'utf8'));
      if (manifest !== undefined && blobIdOf(manifest) === name) this.#add(name as BlobId, manifest, mtimeMs);
      else if (name.endsWith(draftSuffix)) await this.#removeStaleDraft(path, mtimeMs);
      // Damaged: as good as not there. What named the blob asks for it again.
      else await rm(path);
    }
  }

  async #removeStaleDraft(path: string, mtimeMs: number): Promise<void> {
    if (path.endsWith(draftSuffix) && mtimeMs < this.#nowMs() - this.#forgottenMs) await rm(path, { force: true });
  }

  #chunkPath(id: ChunkId): string {
    return join(this.#directory, 'chunks', id.slice(0, 2), id);
  }

  #manifestPath(id: BlobId): string {
    return join(this.#directory, 'manifests', id);
  }
}
