/**
 * Two services show each other the heads of their logs, and each holds the other to the last one it was shown. The one that
 * may open connections asks; what travels is a head, its key and a path of hashes: nothing of any entry.
 */
import type { AuditLog } from './audit-log.ts';
import { AuditReader } from './audit-reader.ts';
import { decodePublicKey, isSignedBy, type SignedHead } from './signed-head.ts';
import { type Alarm, AlarmCode, type Checkpoint, lastWitnessed, raise, witness } from './witness.ts';

export interface CheckpointOffer extends Checkpoint {
  /** Where the path begins: what the other side is thought to have kept; 0 if nothing. */
  readonly from: number;
  /** The size of the other side's head that is kept here; 0 if none. */
  readonly holds: number;
}

export type CheckpointAnswer =
  | (Checkpoint & {
      readonly kind: 'checkpoint';
      /** The asking side's head that is kept at the answering side. */
      readonly kept: SignedHead | null;
    })
  /** Another size is kept here: send the path from there. */
  | { readonly kind: 'path-wanted'; readonly from: number };

/** @param send brings the offer to the other side. @returns new alarms. */
export async function exchangeCheckpoints(
  log: AuditLog,
  origin: string,
  send: (offer: CheckpointOffer) => Promise<CheckpointAnswer>,
): Promise<readonly Alarm[]> {
  const holds = lastWitnessed(log.database, origin)?.head.size ?? 0;
  let answer = await send(offerOf(log, { from: 0, holds }));
  if (answer.kind === 'path-wanted') answer = await send(offerOf(log, { from: answer.from, holds }));
  if (answer.kind === 'path-wanted') return []; // it has changed between the two: next time
  const own = answer.kept === null ? null : objectionToKept(log, answer.kept);
  const alarms = [
    await witness(log, origin, answer),
    own === null ? null : await raise(log, origin, { code: own, head: answer.kept! }),
  ];
  return alarms.filter((alarm) => alarm !== null);
}

/** Keeps the head of a log that lies on the same machine. @returns a new alarm. @throws AuditError */
export function witnessDirectory(log: AuditLog, origin: string, directory: string): Promise<Alarm | null> {
  using reader = AuditReader.open(directory);
  return witness(log, origin, reader.checkpoint(lastWitnessed(log.database, origin)?.head.size ?? 0));
}

/** The other end. @returns what is answered, and a new alarm. */
export async function answerCheckpoint(
  log: AuditLog,
  origin: string,
  { from, holds, ...checkpoint }: CheckpointOffer,
): Promise<{ readonly answer: CheckpointAnswer; readonly alarm: Alarm | null }> {
  const before = lastWitnessed(log.database, origin);
  if (before !== null && checkpoint.head.size > before.head.size && from !== before.head.size) {
    return { answer: { kind: 'path-wanted', from: before.head.size }, alarm: null };
  }
  const alarm = await witness(log, origin, checkpoint);
  const kept = lastWitnessed(log.database, origin)?.head ?? null;
  return { answer: { kind: 'checkpoint', ...checkpointOf(log, holds), kept }, alarm };
}

function offerOf(log: AuditLog, { from, holds }: { from: number; holds: number }): CheckpointOffer {
  return { ...checkpointOf(log, from), from, holds };
}

/** With the path from a size; none where the log is not even so long. */
function checkpointOf(log: AuditLog, from: number): Checkpoint {
  log.flush(); // what the other side keeps must not be lost here
  const { head, publicKey } = log;
  const path = from > head.size ? [] : log.consistencyPath(from, head.size);
  return { publicKey, head, path: path.map((hash) => Buffer.from(hash).toString('base64')) };
}

/** Whether a head of this log that another has kept is one that this log had. */
function objectionToKept(log: AuditLog, kept: SignedHead): AlarmCode | null {
  const key = decodePublicKey(log.publicKey);
  if (key === null || !isSignedBy(kept, key)) return AlarmCode.ownChanged;
  if (kept.size > log.head.size) return AlarmCode.ownChanged;
  return Buffer.from(log.rootAt(kept.size)).toString('hex') === kept.root ? null : AlarmCode.ownChanged;
}
