/** Joining, renewing and leaving. Enrolment is the one thing that is done without a certificate. */
import type { AuditLog } from '@consilium/audit';
import { siteIdSchema } from '@consilium/protocol';
import { EventStream, type Identity, Refusal } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { MemberActs } from '../member-acts.ts';
import type { Member, MemberRegistry } from '../member-registry.ts';
import type { SiteLines } from '../site-lines.ts';

export interface MemberRoutesOptions {
  readonly acts: MemberActs;
  readonly audit: AuditLog;
  readonly registry: MemberRegistry;
  readonly lines: SiteLines;
  /** PEM. */
  readonly authorityCertificate: string;
  /** @throws a coded refusal */
  readonly identityOf: (request: FastifyRequest) => Identity;
  /** The name of an admitted member. @throws a coded refusal */
  readonly memberOf: (request: FastifyRequest) => string;
}

const pem = z.string().min(1).max(10_000);
const enrolmentSchema = z.strictObject({ token: z.string().min(1).max(200), request: pem });
const renewalSchema = z.strictObject({ request: pem });
const invitationSchema = z.strictObject({
  role: z.enum(['site', 'member']),
  id: siteIdSchema,
  hours: z
    .number()
    .positive()
    .max(24 * 90)
    .default(72),
});
const memberSchema = z.strictObject({ role: z.enum(['site', 'member']), id: siteIdSchema });
const admissionSchema = memberSchema.extend({ fingerprint: z.string().min(1).max(200) });

export async function memberRoutes(app: FastifyInstance, options: MemberRoutesOptions): Promise<void> {
  const { acts, audit, registry, lines, authorityCertificate, identityOf, memberOf } = options;

  /** For who has an invitation, which holds its fingerprint. */
  app.get('/v1/authority', { config: { anonymous: true } }, async () => ({ certificate: authorityCertificate }));

  /** Answers with a stream: the fingerprint at once, the certificate when a person has admitted the key. */
  app.post('/v1/enrolments', { config: { anonymous: true } }, async (request, reply) => {
    const { token, request: csr } = parsed(enrolmentSchema, request.body);
    const member = registry.enrol(token, csr);
    await acts.asks(member);
    const stream = new EventStream(reply);
    stream.send({ kind: 'pending', role: member.role, id: member.id, fingerprint: member.fingerprint });
    const over = new AbortController();
    void stream.closed.then(() => over.abort());
    while (!over.signal.aborted) {
      const present = registry.find(member.role, member.id);
      if (present?.fingerprint !== member.fingerprint || present.state === 'revoked') {
        stream.send({ kind: 'refused', code: 'coordinator.member-revoked', message: 'The request was turned down.' });
        break;
      }
      if (present.certificate !== null) {
        stream.send({ kind: 'admitted', certificate: present.certificate, authority: authorityCertificate });
        break;
      }
      await registry.decided(member.role, member.id, over.signal);
    }
    stream.close();
  });

  app.post('/v1/renewals', async (request) => {
    const identity = identityOf(request);
    const { request: csr } = parsed(renewalSchema, request.body);
    const actor = { kind: identity.role === 'site' ? 'site' : 'member', id: identity.id } as const;
    const renewal = { actor, action: 'certificate.renewed', subjects: [keyOf(identity)] } as const;
    return { certificate: await audit.doing(renewal, () => registry.renew(identity, csr)) };
  });

  app.post('/v1/invitations', async (request) => {
    const by = memberOf(request);
    const { hours, ...whom } = parsed(invitationSchema, request.body);
    const token = await acts.invite({ kind: 'member', id: by }, whom, hours);
    return { ...whom, token };
  });
  app.get('/v1/members', async (request) => {
    memberOf(request);
    return {
      members: registry.list().map(({ certificate: _, ...member }) => {
        if (member.role !== 'site') return member;
        const line = lines.all.find(({ siteId }) => siteId === member.id);
        const silentSeconds = line === undefined ? null : Math.round(line.silentMs / 1000);
        return { ...member, connected: line?.isConnected ?? false, silentSeconds };
      }),
    };
  });
  app.post('/v1/members/admit', async (request) => {
    const actor = { kind: 'member', id: memberOf(request) } as const;
    return publicly(await acts.admit(actor, parsed(admissionSchema, request.body)));
  });
  app.post('/v1/members/revoke', async (request) => {
    const actor = { kind: 'member', id: memberOf(request) } as const;
    return publicly(await acts.revoke(actor, parsed(memberSchema, request.body)));
  });
}

function keyOf({ keyFingerprint }: Identity) {
  return { kind: 'key', id: keyFingerprint.replaceAll(' ', '') } as const;
}

function publicly({ role, id, state, fingerprint }: Member): Omit<Member, 'certificate'> {
  return { role, id, state, fingerprint };
}

/** The error names the field that is wrong, never its value. */
function parsed<T>(schema: z.ZodType<T>, received: unknown): T {
  const { data, error } = schema.safeParse(received);
  if (data !== undefined) return data;
  const { path, code } = error!.issues[0]!;
  const text = `The request is wrong at "${path.join('.')}" (${code}).`;
  throw new Refusal(400, 'coordinator.bad-request', text);
}
