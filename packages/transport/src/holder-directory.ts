/** Who retains which blobs: a file a holder, a line a blob. A release that a power cut undoes is done again. */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, blobIdSchema } from '@consilium/protocol';
import { appendLine, removeFile, syncFile } from './durable-file.ts';
import { storageError } from './storage-error.ts';
import { Turns } from './turns.ts';

export class HolderDirectory {
  readonly #directory: string;
  readonly #options: { readonly isDurable: boolean };
  /** By the name of the holder's file. */
  readonly #held = new Map<string, Set<BlobId>>();
  readonly #holders = new Map<BlobId, number>();
  readonly #turns = new Turns<string>();

  constructor(directory: string, options: { readonly isDurable: boolean }) {
    this.#directory = directory;
    this.#options = options;
  }

  async read(): Promise<void> {
    for (const file of await readdir(this.#directory)) {
      const lines = (await readFile(join(this.#directory, file), 'utf8')).split('\n');
      // A line that is no name was torn when the power went, before anybody was told that it is kept.
      for (const line of lines) if (blobIdSchema.safeParse(line).success) this.#add(line as BlobId, file);
    }
  }

  isHeld(id: BlobId): boolean {
    return this.#holders.has(id);
  }

  /** Who has retained nothing since a moment, in milliseconds since 1970. */
  async idleSince(beforeMs: number): Promise<readonly string[]> {
    const idle: string[] = [];
    for (const file of [...this.#held.keys()]) {
      const facts = await stat(join(this.#directory, file)).catch(() => undefined);
      if (facts !== undefined && facts.mtimeMs < beforeMs) idle.push(decodeURIComponent(file));
    }
    return idle;
  }

  async retain(id: BlobId, holder: string): Promise<void> {
    const file = fileOf(holder);
    await this.#turns.take(file, async () => {
      if (this.#held.get(file)?.has(id)) return;
      // In memory first: a release by somebody else, meanwhile, leaves the blob alone.
      this.#add(id, file);
      try {
        await appendLine(join(this.#directory, file), id, this.#options);
      } catch (error) {
        this.#remove(id, file);
        // Else it could come back at the next start, and nobody would let go of it.
        if (!this.#held.has(file)) await removeFile(join(this.#directory, file)).catch(() => {});
        throw error;
      }
    });
  }

  /** Resolves when no power cut can undo a release. */
  async flush(): Promise<void> {
    if (this.#options.isDurable) await syncFile(this.#directory);
  }

  /** What it held. */
  async release(holder: string): Promise<readonly BlobId[]> {
    const file = fileOf(holder);
    return this.#turns.take(file, async () => {
      const held = this.#held.get(file);
      if (held === undefined) return [];
      try {
        await removeFile(join(this.#directory, file));
      } catch (error) {
        throw storageError(error, this.#directory);
      }
      const released = [...held];
      for (const id of released) this.#remove(id, file);
      return released;
    });
  }

  #add(id: BlobId, file: string): void {
    const held = this.#held.get(file) ?? new Set();
    this.#held.set(file, held);
    if (held.has(id)) return;
    held.add(id);
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
  }

  #remove(id: BlobId, file: string): void {
    const held = this.#held.get(file)!;
    held.delete(id);
    if (held.size === 0) this.#held.delete(file);
    const left = this.#holders.get(id)! - 1;
    if (left === 0) this.#holders.delete(id);
    else this.#holders.set(id, left);
  }
}

/** Readable, and a safe name whatever the holder is called. */
function fileOf(holder: string): string {
  const file = encodeURIComponent(holder).replaceAll('.', '%2E');
  assert(file.length > 0 && file.length <= 250, 'a holder has a name of 1 to about 200 characters');
  return file;
}
