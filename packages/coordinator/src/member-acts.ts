/** What is done with members, by whoever may: each act is in the audit log before it is done, and told to who looks on. */
import type { AuditAction, AuditActor, AuditEvent, AuditLog } from '@consilium/audit';
import type { Member, MemberRegistry } from './member-registry.ts';

export interface Whom {
  readonly role: 'site' | 'member';
  readonly id: string;
}

export interface MemberActsOptions {
  readonly audit: AuditLog;
  readonly registry: MemberRegistry;
  /** Something about a member has changed. `by`: who did it. */
  readonly onChange: (member: Member, by: string) => void;
}

export class MemberActs {
  readonly #options: MemberActsOptions;

  constructor(options: MemberActsOptions) {
    this.#options = options;
  }

  /** @returns the token, which is good once. */
  invite(actor: AuditActor, whom: Whom, hours: number): Promise<string> {
    const { audit, registry } = this.#options;
    return audit.doing(asked(actor, 'invitation.made', whom), () => registry.invite(whom, hours));
  }

  /** @throws Refusal `coordinator.member-unknown`, `coordinator.fingerprint-differs`, `coordinator.member-revoked` */
  async admit(actor: AuditActor, { fingerprint, ...whom }: Whom & { readonly fingerprint: string }): Promise<Member> {
    const { audit, onChange, registry } = this.#options;
    const admission = asked(actor, 'member.admitted', whom, registry.find(whom.role, whom.id));
    const member = await audit.doing(admission, () => registry.admit(whom.role, whom.id, fingerprint));
    onChange(member, actor.id);
    return member;
  }

  /** @throws Refusal `coordinator.member-unknown` */
  async revoke(actor: AuditActor, whom: Whom): Promise<Member> {
    const { audit, onChange, registry } = this.#options;
    const revocation = asked(actor, 'member.revoked', whom, registry.find(whom.role, whom.id));
    const member = await audit.doing(revocation, () => registry.revoke(whom.role, whom.id));
    onChange(member, actor.id);
    return member;
  }

  /** An invitation was used, by the member itself. */
  async asks(member: Member): Promise<void> {
    const { audit, onChange } = this.#options;
    const whom = { role: member.role === 'site' ? member.role : 'member', id: member.id } as const;
    await audit.record({ ...asked({ kind: 'member', id: member.id }, 'member.asked', whom, member), outcome: 'done' });
    onChange(member, member.id);
  }
}

function asked(
  actor: AuditActor,
  action: AuditAction,
  { id, role }: Whom,
  member?: Pick<Member, 'fingerprint'>,
): Omit<AuditEvent, 'outcome'> {
  const key = member === undefined ? [] : [{ kind: 'key', id: member.fingerprint.replaceAll(' ', '') } as const];
  return { actor, action, subjects: [{ kind: role, id }, ...key] };
}
