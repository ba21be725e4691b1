export { type AuditAction, auditActions } from './audit-action.ts';
export {
  type AuditActor,
  type AuditEntry,
  type AuditEvent,
  type AuditSubject,
  auditSubject,
  digestOf,
} from './audit-entry.ts';
export { AuditError } from './audit-error.ts';
export { AuditLog, type AuditLogOptions } from './audit-log.ts';
export { AuditReader, readHead, verifyExport, verifyProof } from './audit-reader.ts';
export {
  answerCheckpoint,
  type CheckpointAnswer,
  type CheckpointOffer,
  exchangeCheckpoints,
  witnessDirectory,
} from './checkpoint-exchange.ts';
export { type AuditReport, headsKeptOf, verifyAudit } from './verification.ts';
export { type Alarm, alarmsOf } from './witness.ts';
