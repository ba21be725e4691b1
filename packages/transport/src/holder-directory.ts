/**
 * Who retains which blobs: a file a holder, a line for each blob that it retains, and one that begins with `-` for each that
 * it lets go while it keeps others. A release that a power cut undoes is done again.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, blobIdSchema } from '@consilium/protocol';
import { appendLines, discard, removeSmall, syncFile } from './durable-file.ts';
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
      for (const line of lines) {
        const isLetGo = line.startsWith('-');
        const id = blobIdSchema.safeParse(isLetGo ? line.slice(1) : line);
        if (!id.success) continue;
        if (isLetGo) this.#remove(id.data, file);
        else this.#add(id.data, file);
      }
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

  async retain(ids: readonly BlobId[], holder: string): Promise<void> {
    if (ids.length === 0) return;
    const file = fileOf(holder);
    await this.#turns.take(file, async () => {
      const added = [...new Set(ids)].filter((id) => !this.#held.get(file)?.has(id));
      // In memory first: a release by somebody else, meanwhile, leaves the blobs alone.
      for (const id of added) this.#add(id, file);
      try {
        // Also if nothing is added: the file says when its holder was last heard of.
        await this.#append(file, added);
      } catch (error) {
        for (const id of added) this.#remove(id, file);
        // Else it could come back at the next start, and nobody would let go of it.
        if (!this.#held.has(file)) discard(join(this.#directory, file));
        throw error;
      }
    });
  }

  /** Resolves when no power cut can undo a release. */
  async flush(): Promise<void> {
    if (this.#options.isDurable) await syncFile(this.#directory);
  }

  /** What it held and holds no more: all but `except`. */
  async release(holder: string, except: readonly BlobId[] = []): Promise<readonly BlobId[]> {
    const file = fileOf(holder);
    return this.#turns.take(file, async () => {
      const held = [...(this.#held.get(file) ?? [])];
      const released = held.filter((id) => !except.includes(id));
      if (released.length === 0) return [];
      const lines = released.map((id) => `-${id}`);
      if (released.length === held.length) this.#removeFile(file);
      else await this.#append(file, lines);
      for (const id of released) this.#remove(id, file);
      return released;
    });
  }

  async #append(file: string, lines: readonly string[]): Promise<void> {
    const flush = appendLines(join(this.#directory, file), lines);
    if (this.#options.isDurable) await flush();
  }

  #removeFile(file: string): void {
    try {
      removeSmall(join(this.#directory, file));
    } catch (error) {
      throw storageError(error, this.#directory);
    }
  }

  #add(id: BlobId, file: string): void {
    const held = this.#held.get(file) ?? new Set();
    this.#held.set(file, held);
    if (held.has(id)) return;
    held.add(id);
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
  }

  #remove(id: BlobId, file: string): void {
    const held = this.#held.get(file);
    if (!held?.delete(id)) return;
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
