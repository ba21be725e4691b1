/**
 * What an archive knows of who its subjects are, for another process of the hospital that must know a patient again: it gets
 * what its digest makes of the facts, one subject at a time, and nothing is kept. Whoever calls this writes down why.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { IdentityFacts } from './identity-map.ts';
import { SealedBox } from './sealed-box.ts';
import { readOrCreateSecret } from './secret-file.ts';
import { storageError } from './storage-error.ts';

export interface IdentityReading<T> {
  /** Of the identity map, where it is not in the archive. */
  readonly keyFile?: string | undefined;
  /** What is wanted of the facts: all that is ever given out. */
  readonly digest: (facts: IdentityFacts) => T;
}

/**
 * By subject's pseudonym, one for each set of facts that was said of it; a subject of whom nothing is known has none.
 * @throws ArchiveError `archive.key-missing`, `archive.key-wrong`, `archive.key-exposed`, `archive.not-writable`
 */
export async function readIdentities<T>(
  directory: string,
  subjects: Iterable<string>,
  { keyFile = join(directory, 'identity.key'), digest }: IdentityReading<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const box = new SealedBox(await readOrCreateSecret(keyFile, { mayCreate: false }), 'identity');
  const database = openForReading(directory);
  try {
    const rows = database.prepare("SELECT sealed FROM identity WHERE level = 'subject' AND pseudonym = ?");
    return new Map(
      [...subjects].map((subject) => [
        subject,
        rows
          .all(subject)
          .map(({ sealed }) => digest(JSON.parse(box.openText(sealed as Uint8Array, `subject ${subject}`)))),
      ]),
    );
  } finally {
    database.close();
  }
}

function openForReading(directory: string): DatabaseSync {
  try {
    return new DatabaseSync(join(directory, 'identity', 'identity.sqlite'), { readOnly: true, timeout: 10_000 });
  } catch (error) {
    throw storageError(error, directory);
  }
}
