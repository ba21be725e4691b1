/**
 * What crosses the hospital's wall: everything, and nothing else. Both sides parse each message by these schemas before
 * they look at it. Append-only: a field or a kind may be added, none may change its meaning.
 */
import { z } from 'zod';
import { contributionSchema } from './contribution.ts';
import { failureSchema } from './failure.ts';
import { sha256Schema, siteIdSchema, taskIdSchema } from './id.ts';
import { ProtocolError } from './protocol-error.ts';
import { taskSchema } from './task.ts';
import { taskProgressSchema } from './task-progress.ts';

export const protocolVersion = 1;

/** A blob on its way, named by what it holds. Whoever receives it checks the name. */
const blobMessageSchema = z.object({
  kind: z.literal('blob'),
  sha256: sha256Schema,
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});

const coordinatorMessageSchema = z.discriminatedUnion('kind', [
  /** The first message. `settings` are the site's own (in a hospital: from its file), and mean nothing to the sender. */
  z.object({ kind: z.literal('configure'), protocolVersion: z.int(), settings: z.unknown() }),
  z.object({ kind: z.literal('task'), task: taskSchema }),
  /** Give up on a task; the site answers it with a failure. */
  z.object({ kind: z.literal('abort'), taskId: taskIdSchema }),
  blobMessageSchema,
  /** The blob that was asked for does not exist. */
  z.object({ kind: z.literal('blob-missing'), sha256: sha256Schema }),
  /** End the process once the current task has been given up. */
  z.object({ kind: z.literal('stop') }),
]);
export type CoordinatorMessage = z.infer<typeof coordinatorMessageSchema>;

const siteMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), protocolVersion: z.int(), siteId: siteIdSchema }),
  /** The settings were not accepted; the process ends. */
  z.object({ kind: z.literal('refused'), failure: failureSchema }),
  z.object({ kind: z.literal('alive') }),
  z.object({ kind: z.literal('blob-wanted'), sha256: sha256Schema }),
  /** Sent before the contribution that names it. */
  blobMessageSchema,
  z.object({ kind: z.literal('progress'), taskId: taskIdSchema, progress: taskProgressSchema }),
  z.object({ kind: z.literal('contribution'), taskId: taskIdSchema, contribution: contributionSchema }),
  z.object({ kind: z.literal('failure'), taskId: taskIdSchema, failure: failureSchema }),
]);
export type SiteMessage = z.infer<typeof siteMessageSchema>;

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
