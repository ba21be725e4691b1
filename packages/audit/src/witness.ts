/**
 * What a service keeps of other logs: their signed heads, each proved to have grown from the one before. A head that has
 * not is not kept in its place: it raises an alarm, which stays.
 */
import type { KeyObject } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { AuditLog } from './audit-log.ts';
import { provesConsistency } from './merkle-tree.ts';
import { decodePublicKey, isSignedBy, type SignedHead, signedHeadSchema } from './signed-head.ts';

/** What another log says of itself. */
export interface Checkpoint {
  /** Ed25519, SPKI in DER, base64. */
  readonly publicKey: string;
  readonly head: SignedHead;
  /** Proof that it has grown from the head that is kept of it; base64, empty for the first. */
  readonly path: readonly string[];
}

export const AlarmCode = {
  /** The head is not signed by its key. */
  headForged: 'audit.head-forged',
  /** Another key than before. */
  keyChanged: 'audit.key-changed',
  /** Fewer entries than before: they were cut off, or an old copy was brought back. */
  shortened: 'audit.history-shortened',
  /** What was there before is not what is there now. */
  rewritten: 'audit.history-rewritten',
  /** The other side keeps a head of this log that is not in it. */
  ownChanged: 'audit.own-history-changed',
} as const;
export type AlarmCode = (typeof AlarmCode)[keyof typeof AlarmCode];

export interface Alarm {
  /** Of whose log. */
  readonly origin: string;
  readonly code: AlarmCode;
  readonly head: SignedHead;
  readonly time: string;
}

export interface Witnessed {
  readonly origin: string;
  readonly publicKey: string;
  readonly head: SignedHead;
  readonly path: readonly string[];
  /** When it was taken, ISO 8601. */
  readonly time: string;
}

/** What would be wrong with keeping this after that; null if nothing is. */
export function objectionTo(
  { publicKey, head, path }: Checkpoint,
  kept: Pick<Witnessed, 'publicKey' | 'head'> | null,
): AlarmCode | null {
  if (kept !== null && publicKey !== kept.publicKey) return AlarmCode.keyChanged;
  const key: KeyObject | null = decodePublicKey(publicKey);
  if (key === null || !isSignedBy(head, key)) return AlarmCode.headForged;
  if (kept === null) return null;
  if (head.size < kept.head.size) return AlarmCode.shortened;
  const isGrown = provesConsistency({
    ...{ first: kept.head.size, second: head.size },
    firstRoot: Buffer.from(kept.head.root, 'hex'),
    secondRoot: Buffer.from(head.root, 'hex'),
    path: path.map((hash) => Buffer.from(hash, 'base64')),
  });
  return isGrown ? null : AlarmCode.rewritten;
}

/** The last that was kept of a log. */
export function lastWitnessed(database: DatabaseSync, origin: string): Witnessed | null {
  const row = database.prepare('SELECT * FROM witnessed WHERE origin = ? ORDER BY position DESC LIMIT 1').get(origin);
  return row === undefined ? null : witnessedOf(row);
}

/** All that was kept, in its order. */
export function allWitnessed(database: DatabaseSync): readonly Witnessed[] {
  return database.prepare('SELECT * FROM witnessed ORDER BY position').all().map(witnessedOf);
}

export function alarmsOf(database: DatabaseSync): readonly Alarm[] {
  return database
    .prepare('SELECT * FROM alarm ORDER BY position')
    .all()
    .map((row) => ({
      ...{ origin: String(row['origin']), code: String(row['code']) as AlarmCode, time: String(row['time']) },
      head: signedHeadSchema.parse(JSON.parse(String(row['head']))),
    }));
}

/**
 * Keeps a head of another log if it has grown from the last one, else raises the alarm. Both are in this log, too.
 * @returns the alarm if it is a new one.
 */
export async function witness(log: AuditLog, origin: string, checkpoint: Checkpoint): Promise<Alarm | null> {
  const kept = lastWitnessed(log.database, origin);
  const { head, path, publicKey } = checkpoint;
  const code = objectionTo(checkpoint, kept);
  if (code !== null) return raise(log, origin, { code, head });
  if (kept?.head.size === head.size) return null;
  await log.record({
    ...{ actor: log.service, action: 'checkpoint.stored', outcome: 'done' },
    subjects: [
      { kind: 'log', id: `${origin}/${head.size}` },
      { kind: 'digest', id: head.root },
    ],
  });
  log.database
    .prepare('INSERT INTO witnessed (origin, public_key, head, path, time) VALUES (?, ?, ?, ?, ?)')
    .run(origin, publicKey, JSON.stringify(head), JSON.stringify(path), log.time);
  return null;
}

/** Once: what comes after it on the same ground is the same affair. @returns it if it is new. */
export async function raise(
  log: AuditLog,
  origin: string,
  { code, head }: { readonly code: AlarmCode; readonly head: SignedHead },
): Promise<Alarm | null> {
  const { time } = log;
  const { changes } = log.database
    .prepare('INSERT OR IGNORE INTO alarm (origin, code, head, time) VALUES (?, ?, ?, ?)')
    .run(origin, code, JSON.stringify(head), time);
  if (changes === 0) return null;
  await log.record({
    ...{ actor: log.service, action: 'checkpoint.disputed', outcome: 'failed', code },
    subjects: [
      { kind: 'log', id: `${origin}/${head.size}` },
      { kind: 'digest', id: head.root },
    ],
  });
  return { origin, code, head, time };
}

function witnessedOf(row: Record<string, unknown>): Witnessed {
  return {
    ...{ origin: String(row['origin']), publicKey: String(row['public_key']), time: String(row['time']) },
    head: signedHeadSchema.parse(JSON.parse(String(row['head']))),
    path: JSON.parse(String(row['path'])) as readonly string[],
  };
}
