/** What of the reading room is for the audit log of the archive: written down before it is done, or it is not done. */
import { type AuditAction, type AuditSubject, auditSubject } from '@consilium/audit';

interface RoomAct {
  readonly action: AuditAction;
  readonly person: string;
  readonly subjects: readonly AuditSubject[];
}

/** Writes down what is about to be done, has it done, and writes down if it failed. */
export type Recorder = <T>(act: RoomAct, done: () => Promise<T>) => Promise<T>;

export const unrecorded: Recorder = (_act, done) => done();

/** Of something in a project: a label version or a model, by its digest. */
export function inProject(project: string, what?: { readonly kind: 'label' | 'model'; readonly digest: string }) {
  const subjects = [auditSubject('project', project)];
  return what === undefined ? subjects : [...subjects, auditSubject(what.kind, what.digest)];
}
