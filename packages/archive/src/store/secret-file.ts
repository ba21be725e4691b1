/** A key of 32 random bytes in a file that only its owner can read. */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ArchiveError } from '../archive-error.ts';
import { writeDurably } from './durable-file.ts';
import { storageError } from './storage-error.ts';

const keyBytes = 32;

/**
 * The key in the file, as 64 hexadecimal digits; a new one if there is no file and `mayCreate`.
 * @throws ArchiveError `archive.key-missing`, `archive.key-malformed`, `archive.key-exposed`
 */
export async function readOrCreateSecret(path: string, { mayCreate }: { mayCreate: boolean }): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw storageError(error, path);
  });
  if (text === undefined) {
    if (!mayCreate) {
      throw new ArchiveError('archive.key-missing', 'A key of the archive is missing. Restore it from its backup.', {
        detail: path,
      });
    }
    const key = randomBytes(keyBytes);
    await writeDurably(path, `${key.toString('hex')}\n`, { mode: 0o600 });
    return key;
  }
  if (((await stat(path)).mode & 0o077) !== 0) {
    throw new ArchiveError('archive.key-exposed', 'Others may read a key of the archive. Set its mode to 0600.', {
      detail: path,
    });
  }
  return parseSecret(text);
}

/** @throws ArchiveError `archive.key-malformed` */
export function parseSecret(text: string): Uint8Array {
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) {
    throw new ArchiveError('archive.key-malformed', 'A key of the archive is not 64 hexadecimal digits.');
  }
  return new Uint8Array(Buffer.from(text.trim(), 'hex'));
}
