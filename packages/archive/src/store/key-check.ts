/** Whether the identity key is the one the archive began with: found out when it is opened, not when somebody asks who is who. */
import type { DatabaseSync } from 'node:sqlite';
import { SealedBox } from './sealed-box.ts';

const place = 'key check';

/** Whether an archive has begun with a key: then none is made in its place. */
export function hasIdentityKey(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM archive_state WHERE key = ?').get(place) !== undefined;
}

/** The first opening writes what later ones have to be able to open. @throws ArchiveError `archive.key-wrong` */
export function checkIdentityKey(database: DatabaseSync, identityKey: Uint8Array): void {
  const box = new SealedBox(identityKey, 'check');
  const row = database.prepare('SELECT value FROM archive_state WHERE key = ?').get(place);
  if (row === undefined) {
    const sealed = Buffer.from(box.sealText('', place)).toString('hex');
    database.prepare('INSERT INTO archive_state VALUES (?, ?)').run(place, sealed);
  } else {
    box.open(Buffer.from(String(row['value']), 'hex'), place);
  }
}
