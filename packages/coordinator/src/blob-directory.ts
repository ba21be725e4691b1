/**
 * Blobs as files named by the SHA-256 of what they hold, `<first two digits>/<sha256>`. A blob is written beside its
 * place, flushed and renamed into it, so under its name it is always whole.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobStore } from '@consilium/federation';
import type { Sha256 } from '@consilium/protocol';
import { CoordinatorError, storageError } from './coordinator-error.ts';

export class BlobDirectory implements BlobStore {
  readonly #directory: string;
  /** Writes under way, so that the same blob is not written twice at once. */
  readonly #writing = new Map<Sha256, Promise<void>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async putBlob(bytes: Uint8Array): Promise<Sha256> {
    const sha256 = sha256Of(bytes);
    const writing = this.#writing.get(sha256) ?? this.#write(sha256, bytes);
    this.#writing.set(sha256, writing);
    try {
      await writing;
    } catch (error) {
      throw storageError(error, this.#directory);
    } finally {
      this.#writing.delete(sha256);
    }
    return sha256;
  }

  async hasBlob(sha256: Sha256): Promise<boolean> {
    return access(this.#path(sha256)).then(
      () => true,
      () => false,
    );
  }

  async getBlob(sha256: Sha256): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#path(sha256));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError(error, this.#directory);
      throw new CoordinatorError('coordinator.blob-missing', `There is no blob ${sha256} in ${this.#directory}.`);
    }
    if (sha256Of(bytes) !== sha256) {
      throw new CoordinatorError('coordinator.blob-damaged', `The file ${this.#path(sha256)} is damaged.`);
    }
    return bytes;
  }

  async #write(sha256: Sha256, bytes: Uint8Array): Promise<void> {
    if (await this.hasBlob(sha256)) return;
    const path = this.#path(sha256);
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.draft`;
    const file = await open(draft, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncDirectory(dirname(path));
    await syncDirectory(this.#directory);
  }

  #path(sha256: Sha256): string {
    return join(this.#directory, sha256.slice(0, 2), sha256);
  }
}

/** Makes a rename in the directory survive a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}
