/** Files named by their SHA-256, two hexadecimal digits a directory: `ab/abcd…`. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchiveError } from '../archive-error.ts';
import {
  draftSuffix,
  makeDirectory,
  syncDirectory,
  syncFile,
  syncFileSystem,
  writeDurably,
  writeUnflushed,
} from './durable-file.ts';
import { storageError } from './storage-error.ts';

/** So many files are flushed sooner with all that the file system holds, in one go, than one by one. */
const syncedAtOnceMin = 64;
/** Side by side, so that what is asked meanwhile finds a free thread. */
const flushesAtOnce = 2;

export class ContentDirectory {
  readonly path: string;
  /** Directories that are there. */
  readonly #made = new Set<string>();

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws ArchiveError `archive.not-writable`, `archive.disk-full` */
  static async open(path: string): Promise<ContentDirectory> {
    await makeDirectory(path);
    return new ContentDirectory(path);
  }

  /** For a process that only reads. */
  static at(path: string): ContentDirectory {
    return new ContentDirectory(path);
  }

  pathOf(sha256: string): string {
    return join(this.path, sha256.slice(0, 2), sha256);
  }

  /** Keeps the bytes, flushed, and answers with their SHA-256 in hexadecimal. */
  async put(bytes: Uint8Array, sha256: string = sha256Of(bytes)): Promise<string> {
    await makeDirectory(join(this.path, sha256.slice(0, 2)));
    // It may have been made before, unflushed.
    await syncDirectory(this.path);
    await writeDurably(this.pathOf(sha256), bytes);
    return sha256;
  }

  /** Keeps the bytes for everybody to read; a power cut may take them until `flush`. */
  putUnflushed(bytes: Uint8Array, sha256: string): void {
    const name = sha256.slice(0, 2);
    if (!this.#made.has(name)) this.#make(name);
    writeUnflushed(this.pathOf(sha256), bytes);
  }

  /** Makes files that were kept unflushed survive a power cut. Those removed meanwhile are left out. */
  async flush(names: ReadonlySet<string>): Promise<void> {
    if (names.size >= syncedAtOnceMin && (await syncFileSystem(this.path))) return;
    const directories = new Set([this.path]);
    const queue = names[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const path = this.pathOf(next.value);
        directories.add(dirname(path));
        await syncFile(path);
      }
    };
    await Promise.all(Array.from({ length: flushesAtOnce }, worker));
    for (const directory of directories) await syncDirectory(directory);
  }

  /** Keeps the bytes, unflushed, if what lies there is not what it should be. */
  async restore(bytes: Uint8Array, sha256: string): Promise<void> {
    if (await this.get(sha256).catch(() => undefined)) return;
    await this.remove(sha256);
    this.putUnflushed(bytes, sha256);
  }

  /** @throws ArchiveError `archive.instance-damaged` */
  async get(sha256: string): Promise<Uint8Array> {
    const bytes = await readFile(this.pathOf(sha256)).catch((cause: unknown) => {
      throw damaged(cause);
    });
    if (sha256Of(bytes) !== sha256) throw damaged(undefined);
    return bytes;
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.pathOf(sha256), { force: true });
  }

  /** Removes drafts, and what nobody knows: after a crash, before anything is written. Answers how many files it removed. */
  async sweep(isKnown: (sha256: string) => boolean): Promise<number> {
    let removed = 0;
    try {
      for (const directory of await readdir(this.path)) {
        for (const name of await readdir(join(this.path, directory))) {
          if (!name.endsWith(draftSuffix) && isKnown(name)) continue;
          await rm(join(this.path, directory, name), { force: true });
          removed++;
        }
      }
    } catch (error) {
      throw storageError(error, this.path);
    }
    return removed;
  }

  #make(name: string): void {
    try {
      mkdirSync(join(this.path, name), { recursive: true, mode: 0o750 });
    } catch (error) {
      throw storageError(error, this.path);
    }
    this.#made.add(name);
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(cause: unknown): ArchiveError {
  return new ArchiveError(
    'archive.instance-damaged',
    'A stored file is missing or no longer what it was. Restore it from a backup, or have it sent again.',
    { cause },
  );
}
