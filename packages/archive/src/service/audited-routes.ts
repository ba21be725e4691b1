/**
 * What the interface of an archive writes down before it does it: one table. What a person typed is there by its digest
 * only, and ids are only those that the catalogue knows: whoever types a patient's name into an address has not put it into
 * the log.
 */
import { type AuditAction, type AuditEvent, type AuditSubject, auditSubject } from '@consilium/audit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Archive } from '../archive.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ConsoleContext } from './console-context.ts';

interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly archive: Archive;
  readonly audit: ConsoleContext['audit'];
}
type Subjects = (asked: Asked) => readonly AuditSubject[];

const named =
  (kind: AuditSubject['kind']): Subjects =>
  ({ audit, params }) => [plainly(audit, kind, params['id'] ?? '')];
const inBody =
  (kind: AuditSubject['kind'], field: string): Subjects =>
  ({ audit, body }) => [plainly(audit, kind, String(body[field]))];
const digested =
  (...fields: readonly string[]): Subjects =>
  ({ audit, body }) =>
    fields.map((field) => audit.keyedDigest(String(body[field])));
const ofSeries: Subjects = ({ archive, audit, params }) => [known({ archive, audit }, 'series', params['id'] ?? '')];
const ofSubject: Subjects = ({ archive, audit, body, params }) => [
  known({ archive, audit }, 'subject', params['id'] ?? ''),
  audit.keyedDigest(String(body['reason'])),
];
const annotated = { action: 'series.annotated', subjects: ofSeries } as const;

/** By method and address, without the prefix. */
export const auditedRoutes: Readonly<Record<string, { readonly action: AuditAction; readonly subjects: Subjects }>> = {
  'POST /reidentify': {
    action: 'subject.reidentified',
    subjects: ({ archive, audit, body }) => [
      known({ archive, audit }, String(body['level']), String(body['pseudonym'])),
      audit.keyedDigest(String(body['reason'])),
    ],
  },
  // A digest of a number of the hospital's could be guessed: the pseudonym cannot.
  'POST /pseudonym': {
    action: 'subject.reidentified',
    subjects: ({ archive, audit, body }) => [
      known(
        { archive, audit },
        'subject',
        archive.pseudonymOfPatient(String(body['patientId']), String(body['issuer'] ?? '')),
      ),
      audit.keyedDigest(String(body['reason'])),
    ],
  },
  'POST /subjects/:id/erase': { action: 'subject.erased', subjects: ofSubject },
  'POST /subjects/:id/allow': { action: 'subject.allowed', subjects: ofSubject },
  'POST /series/:id/tags': annotated,
  'DELETE /series/:id/tags/:tag': annotated,
  'POST /series/:id/notes': annotated,
  'POST /series/:id/findings': annotated,
  'DELETE /series/:id/findings/:source/:code': annotated,
  'PUT /series/:id/phase': annotated,
  'POST /series/:id/labels': { action: 'label.changed', subjects: ofSeries },
  'POST /cohorts': { action: 'cohort.frozen', subjects: inBody('cohort', 'name') },
  'POST /splits': { action: 'split.drawn', subjects: inBody('split', 'split') },
  'POST /splits/:id/extend': { action: 'split.drawn', subjects: named('split') },
  'GET /quarantine/:id': { action: 'quarantine.read', subjects: named('quarantine') },
  'POST /quarantine/:id/release': { action: 'quarantine.released', subjects: named('quarantine') },
  'DELETE /quarantine/:id': { action: 'quarantine.deleted', subjects: named('quarantine') },
  'POST /uploads/zip': { action: 'import.begun', subjects: () => [] },
  'POST /imports': { action: 'import.begun', subjects: digested('path') },
  'POST /imports/:id/stop': { action: 'import.begun', subjects: named('import') },
  'POST /imports/:id/go-on': { action: 'import.begun', subjects: named('import') },
  'POST /remotes/:id/search': { action: 'remote.searched', subjects: named('remote') },
  'POST /remotes/:id/pulls': { action: 'pull.begun', subjects: named('remote') },
  'DELETE /pulls/:id': { action: 'pull.cancelled', subjects: named('pull') },
};

/** Why each of these that changes something is not written down. */
export const unauditedRoutes: Readonly<Record<string, string>> = {
  'POST /uploads/instance': 'instances come by the thousand; the catalogue knows where each came from',
  'POST /series/:id/settle': 'only hastens what happens by itself',
  'POST /settle': 'only hastens what happens by itself',
  'POST /cohorts/preview': 'changes nothing',
  'POST /remotes/:id/verify': 'asks another machine whether it is there',
};

/** For every route that is registered after it. */
export function auditRoutes(
  app: FastifyInstance,
  { access, archive, audit }: Pick<ConsoleContext, 'access' | 'archive' | 'audit'>,
): void {
  const written = new WeakMap<FastifyRequest, Omit<AuditEvent, 'outcome'>>();
  app.addHook('preHandler', async (request) => {
    const { method, params, routeOptions } = request;
    const route = auditedRoutes[`${method} ${(routeOptions.url ?? '').slice(app.prefix.length)}`];
    if (route === undefined) return;
    const body = (isPlain(request.body) ? request.body : {}) as Readonly<Record<string, unknown>>;
    const subjects = route.subjects({ archive, audit, body, params: params as Readonly<Record<string, string>> });
    const event = { actor: access.actorOf(request), action: route.action, subjects };
    await audit.record({ ...event, outcome: 'allowed' });
    written.set(request, event);
  });
  app.addHook('onError', async (request, _reply, error) => {
    const event = written.get(request);
    if (event === undefined) return;
    const code = error instanceof ArchiveError ? { code: error.code } : {};
    await audit.record({ ...event, outcome: 'failed', ...code }).catch(() => {}); // that it was begun is there
  });
}

/** How often the same client is written down for the same study: a viewer asks for each frame. */
const exportEveryMs = 3_600_000;
const exportsRemembered = 10_000;

/** Of DICOMweb: who was given images of which study. */
export function auditExports(
  app: FastifyInstance,
  { archive, audit, nowMs }: Pick<ConsoleContext, 'archive' | 'audit'> & { readonly nowMs: () => number },
): void {
  const writtenMs = new Map<string, number>();
  app.addHook('preHandler', async ({ dicomwebClient, method, params }) => {
    const { study } = (params ?? {}) as { readonly study?: string };
    if (method !== 'GET' || study === undefined || (dicomwebClient ?? '') === '') return;
    const key = `${study} ${dicomwebClient}`;
    if (nowMs() - (writtenMs.get(key) ?? Number.NEGATIVE_INFINITY) < exportEveryMs) return;
    const actor = { kind: 'person', id: auditSubject('account', dicomwebClient).id } as const;
    const subjects = [known({ archive, audit }, 'study', study)];
    await audit.record({ actor, action: 'study.exported', subjects, outcome: 'allowed' });
    if (writtenMs.size >= exportsRemembered) writtenMs.clear();
    writtenMs.set(key, nowMs());
  });
}

function isPlain(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype;
}

/** As it is, if the catalogue has it; else by its digest. */
function known(
  { archive: { catalogue }, audit }: Pick<ConsoleContext, 'archive' | 'audit'>,
  kind: string,
  id: string,
): AuditSubject {
  try {
    if (kind === 'series') return auditSubject(kind, catalogue.seriesDetails(id).seriesInstanceUid);
    const isKnown = kind === 'study' ? catalogue.seriesOf(id).length > 0 : catalogue.studiesOf(id).length > 0;
    if (isKnown) return auditSubject(kind === 'study' ? kind : 'subject', id);
  } catch {}
  return audit.keyedDigest(id);
}

/** A name as it is where it is dull, else by its digest. */
function plainly(audit: ConsoleContext['audit'], kind: AuditSubject['kind'], id: string): AuditSubject {
  const subject = auditSubject(kind, id);
  return subject.id === id ? subject : { kind, id: audit.keyedDigest(id).id };
}
