/**
 * One entry: who did what to which, and how it went. No patient data: subjects are names of our own making, pseudonyms and
 * digests; `reason` is a code or a sentence of the program's or of an official act, never what a person typed about a
 * patient (of that, only the digest).
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { type AuditAction, auditActions } from './audit-action.ts';
import { AuditError } from './audit-error.ts';

/** Characters that names and digests are made of: too few to say much. */
const idSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$/);

const actorSchema = z.strictObject({
  /** `service`: the process itself. `person`: somebody at this machine or with its token. */
  kind: z.enum(['member', 'site', 'coordinator', 'person', 'service']),
  id: idSchema,
});
export type AuditActor = z.infer<typeof actorSchema>;

const subjectSchema = z.strictObject({
  kind: z.enum([
    ...(['job', 'task', 'site', 'member', 'key', 'invitation', 'policy', 'approval', 'account', 'token'] as const),
    ...(['subject', 'study', 'series', 'cohort', 'split', 'label', 'import', 'pull', 'remote', 'quarantine'] as const),
    ...(['log', 'digest', 'project', 'model'] as const),
  ]),
  id: idSchema,
});
export type AuditSubject = z.infer<typeof subjectSchema>;

const actions = Object.keys(auditActions) as [AuditAction, ...AuditAction[]];
const eventShape = {
  actor: actorSchema,
  action: z.enum(actions),
  subjects: z.array(subjectSchema).max(20).readonly(),
  /** `allowed`: written down before it was done. `done`, `failed`: after. `refused`: it was not done. */
  outcome: z.enum(['allowed', 'done', 'refused', 'failed']),
  /** Of an error: why it was refused or failed. */
  code: z
    .string()
    .regex(/^[a-z]+\.[a-z0-9-]{1,100}$/)
    .exactOptional(),
  /** One line. */
  reason: z
    .string()
    .max(300)
    .regex(/^[^\p{Cc}]*$/u)
    .exactOptional(),
};
const eventSchema = z.strictObject(eventShape);
/** What happened. */
export type AuditEvent = z.infer<typeof eventSchema>;

const entrySchema = z.strictObject({
  /** From 0. */
  number: z.int().min(0),
  time: z.iso.datetime(),
  ...eventShape,
  /** Hexadecimal: the leaf hash of the entry before; 64 zeros in the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditEntry = z.infer<typeof entrySchema>;

/** What stands before the first entry. */
export const noPrevious = '0'.repeat(64);

/** Asserts that it is one: what may be written down is the caller's to know. */
export function checkedEvent(event: AuditEvent): AuditEvent {
  return eventSchema.parse(event);
}

/** The line that is hashed: JSON in a fixed order of fields. */
export function encodeEntry({ actor, subjects, ...rest }: AuditEntry): string {
  const { number, time, action, outcome, code, reason, previous } = rest;
  const named = ({ kind, id }: { kind: string; id: string }) => ({ kind, id });
  return JSON.stringify({
    ...{ number, time, actor: named(actor), action, subjects: subjects.map(named), outcome },
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    previous,
  });
}

/** @throws AuditError `audit.entry-altered` if no service of ours has written it */
export function decodeEntry(line: string): AuditEntry {
  try {
    const entry = entrySchema.parse(JSON.parse(line));
    if (encodeEntry(entry) === line) return entry;
  } catch {}
  throw new AuditError('audit.entry-altered', 'A line of the log is no entry.');
}

/** A name for the log of something that people name: itself where it is dull enough, else its digest. */
export function auditSubject(kind: AuditSubject['kind'], id: string): AuditSubject {
  return { kind, id: idSchema.safeParse(id).success ? id : digestText(id) };
}

/** Of what is no secret: whoever has the text can show that it is the one. */
export function digestOf(text: string): AuditSubject {
  return { kind: 'digest', id: digestText(text) };
}

function digestText(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}
