/** That somebody is given images, or sends some, is written into the archive's audit log before it is done. */
import { type AuditLog, auditSubject } from '@consilium/audit';
import type { Asker } from '../asker.ts';

type ImageAct =
  | { readonly action: 'study.exported'; readonly seriesInstanceUid: string }
  | { readonly action: 'import.begun' };

export async function recordImages(audit: AuditLog, { person }: Asker, act: ImageAct): Promise<void> {
  const subjects = act.action === 'study.exported' ? [auditSubject('series', act.seriesInstanceUid)] : [];
  const actor = { kind: 'person', id: auditSubject('account', person).id } as const;
  await audit.record({ actor, action: act.action, subjects, outcome: 'allowed' });
}
