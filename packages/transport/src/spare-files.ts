/**
 * Files of forgotten chunks, written over by the next ones: their blocks on disk and their pages in memory are there
 * already, and a round forgets as much as it writes. None outlives its process.
 */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, removeFile } from './durable-file.ts';

export class SpareFiles {
  readonly #directory: string;
  readonly #filesMax: number;
  readonly #spare: string[] = [];
  #kept = 0;

  constructor(directory: string, filesMax: number) {
    this.#directory = directory;
    this.#filesMax = filesMax;
  }

  async open(): Promise<void> {
    await makeDirectory(this.#directory);
    for (const name of await readdir(this.#directory)) await removeFile(join(this.#directory, name));
  }

  /** Takes a file away from its place, to be written over. Whatever may still name it must have been seen to be gone. */
  async keep(path: string): Promise<void> {
    if (this.#spare.length >= this.#filesMax) return removeFile(path);
    const spare = join(this.#directory, `${++this.#kept}`);
    try {
      await rename(path, spare);
      this.#spare.push(spare);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** The caller's from now on. */
  take(): string | undefined {
    return this.#spare.pop();
  }
}
