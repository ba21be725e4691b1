/**
 * What crosses the hospital's wall: everything, and nothing else. Both sides parse each message by these schemas before
 * they look at it. Append-only: a field or a kind may be added, none may change its meaning.
 */
import { z } from 'zod';
import { blobIdSchema, manifestSchema } from './blob.ts';
import { contributionSchema } from './contribution.ts';
import { failureSchema } from './failure.ts';
import { taskIdSchema } from './id.ts';
import { ProtocolError } from './protocol-error.ts';
import { revocationsSchema } from './revocations.ts';
import { taskSchema } from './task.ts';
import { taskProgressSchema } from './task-progress.ts';

export const protocolVersion = 1;

/** Chunks of the longest manifest that a task comes with: of 512 MiB. A longer one is asked for. */
export const toldChunksMax = 64;
const toldManifestSchema = manifestSchema.refine(({ chunks }) => chunks.length <= toldChunksMax, 'must be asked for');

export const coordinatorMessageSchema = z.discriminatedUnion('kind', [
  /** The first message on a line: who is speaking. */
  z.object({
    kind: z.literal('welcome'),
    protocolVersion: z.int(),
    coordinatorTime: z.iso.datetime(),
    revocations: revocationsSchema.optional(),
  }),
  /** A member was revoked. A site that does not know this kind loses its line, and hears it at the next welcome. */
  z.object({ kind: z.literal('revocations'), revocations: revocationsSchema }),
  /**
   * Also sent again, whenever a line is new, for what has not been answered. With it come manifests of blobs that it names,
   * so that they need not be asked for.
   */
  z.object({ kind: z.literal('task'), task: taskSchema, manifests: z.array(toldManifestSchema).max(100).optional() }),
  /** Give up on a task; nothing is expected in return. */
  z.object({ kind: z.literal('abort'), taskId: taskIdSchema }),
]);
export type CoordinatorMessage = z.infer<typeof coordinatorMessageSchema>;

/** What a site says to get a line. */
export const helloSchema = z.object({
  kind: z.literal('hello'),
  protocolVersion: z.int(),
  /** What it works on, or has finished and not yet delivered. */
  holding: z.array(taskIdSchema).max(1000),
});
export type Hello = z.infer<typeof helloSchema>;

const attempt = z.int().min(1);
export const siteMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('alive') }),
  z.object({ kind: z.literal('progress'), taskId: taskIdSchema, progress: taskProgressSchema }),
  z.object({ kind: z.literal('contribution'), taskId: taskIdSchema, attempt, contribution: contributionSchema }),
  z.object({ kind: z.literal('failure'), taskId: taskIdSchema, attempt, failure: failureSchema }),
]);
export type SiteMessage = z.infer<typeof siteMessageSchema>;

/** The coordinator's answer to a contribution or a failure, when what it says is durable. */
export const verdictSchema = z.discriminatedUnion('kind', [
  /** It is in the ledger, now or since an earlier delivery. */
  z.object({ kind: z.literal('accepted') }),
  z.object({ kind: z.literal('refused'), code: z.string().max(200), message: z.string().max(2000) }),
  /** The round or the job is over; it is of no use any more. */
  z.object({ kind: z.literal('closed') }),
  /** The task may still be asked for (the coordinator has just started, say): keep it. */
  z.object({ kind: z.literal('not-asked') }),
  /** It names blobs that are not here (any more): send them, then say it again. */
  z.object({ kind: z.literal('blobs-wanted'), blobs: z.array(blobIdSchema).max(100) }),
]);
export type Verdict = z.infer<typeof verdictSchema>;

/** @throws ProtocolError `protocol.malformed-message` */
export function parseHello(received: unknown): Hello {
  return parse(helloSchema, received);
}

/** @throws ProtocolError `protocol.malformed-message` */
export function parseVerdict(received: unknown): Verdict {
  return parse(verdictSchema, received);
}

/** @throws ProtocolError `protocol.malformed-message` */
export function parseCoordinatorMessage(received: unknown): CoordinatorMessage {
  return parse(coordinatorMessageSchema, received);
}

/** @throws ProtocolError `protocol.malformed-message` */
export function parseSiteMessage(received: unknown): SiteMessage {
  return parse(siteMessageSchema, received);
}

/** @throws ProtocolError `protocol.version-unsupported` */
export function checkProtocolVersion(version: number): void {
  if (version !== protocolVersion) {
    throw new ProtocolError(
      'protocol.version-unsupported',
      `The other side speaks version ${version} of the protocol, this one version ${protocolVersion}.`,
    );
  }
}

/** The error names the field that is wrong, never its value. */
function parse<T>(schema: z.ZodType<T>, received: unknown): T {
  const parsed = schema.safeParse(received);
  if (parsed.success) return parsed.data;
  const { path, code } = parsed.error.issues[0]!;
  throw new ProtocolError('protocol.malformed-message', `A message was malformed at "${path.join('.')}" (${code}).`);
}
