/** Files named by their SHA-256, two hexadecimal digits a directory: `ab/abcd…`. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../archive-error.ts';
import { draftSuffix, makeDirectory, writeDurably } from './durable-file.ts';
import { storageError } from './storage-error.ts';

export class ContentDirectory {
  readonly path: string;
  /** Directories that are there. */
  readonly #made = new Map<string, Promise<void>>();

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
    await this.#makeFor(sha256);
    await writeDurably(this.pathOf(sha256), bytes);
    return sha256;
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

  #makeFor(sha256: string): Promise<void> {
    const name = sha256.slice(0, 2);
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made = makeDirectory(join(this.path, name));
    this.#made.set(name, made);
    made.catch(() => this.#made.delete(name));
    return made;
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
