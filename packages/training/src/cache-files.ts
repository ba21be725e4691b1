/** What the cache asks of a disk: the one place of this package that touches files. */
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface CacheFiles {
  /** The file's bytes; undefined if there is none or it cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Afterwards the file is there whole and survives a power cut; on failure nothing is left behind. */
  writeWhole(path: string, bytes: Uint8Array): Promise<void>;
}

export const nodeCacheFiles: CacheFiles = {
  async read(path) {
    try {
      return await readFile(path);
    } catch {
      return undefined;
    }
  },

  async writeWhole(path, bytes) {
    const directory = dirname(path);
    await mkdir(directory, { recursive: true });
    const workshop = await mkdtemp(join(directory, 'writing-'));
    try {
      const file = join(workshop, 'entry');
      {
        await using handle = await open(file, 'wx');
        await handle.writeFile(bytes);
        await handle.sync();
      }
      await rename(file, path);
      await using parent = await open(directory, 'r');
      await parent.sync();
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  },
};
