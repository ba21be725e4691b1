/**
 * Files of forgotten chunks, written over by the next ones of their length: their blocks on disk and their pages in memory are
 * there already, and a round forgets as much as it writes. None outlives its process.
 */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, removeFile } from './durable-file.ts';

interface SpareFile {
  readonly path: string;
  readonly bytes: number;
}

export class SpareFiles {
  readonly #directory: string;
  readonly #bytesMax: number;
  /** The oldest first. */
  #spares: SpareFile[] = [];
  #bytes = 0;
  #kept = 0;

  constructor(directory: string, bytesMax: number) {
    this.#directory = directory;
    this.#bytesMax = bytesMax;
  }

  async open(): Promise<void> {
    await makeDirectory(this.#directory);
    for (const name of await readdir(this.#directory)) await removeFile(join(this.#directory, name));
  }

  /** Takes a file away from its place, to be written over. Whatever may still name it must have been seen to be gone. */
  async keep(path: string, bytes: number): Promise<void> {
    const spare = join(this.#directory, `${++this.#kept}`);
    try {
      await rename(path, spare);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    this.#spares.push({ path: spare, bytes });
    this.#bytes += bytes;
    // The oldest are of a length that is not asked for any more.
    while (this.#bytes > this.#bytesMax) await removeFile(this.#taken(0));
  }

  /** One of this length, the caller's from now on. */
  take(bytes: number): string | undefined {
    const index = this.#spares.findLastIndex((spare) => spare.bytes === bytes);
    return index < 0 ? undefined : this.#taken(index);
  }

  #taken(index: number): string {
    const [{ path, bytes }] = this.#spares.splice(index, 1) as [SpareFile];
    this.#bytes -= bytes;
    return path;
  }
}
