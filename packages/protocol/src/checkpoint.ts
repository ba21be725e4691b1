/**
 * Two audit logs and what each keeps of the other: signed heads, keys, and paths of hashes. A site asks, the coordinator
 * answers; nothing of an entry is in it.
 */
import { z } from 'zod';
import { ProtocolError } from './protocol-error.ts';

const sizeSchema = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);

const headSchema = z.strictObject({
  /** SHA-256 of the log's public key, hexadecimal. */
  log: z.string().regex(/^[0-9a-f]{64}$/),
  /** Entries. */
  size: sizeSchema.min(1),
  /** Of the tree over them (RFC 9162, 2.1), hexadecimal. */
  root: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime(),
  /** Ed25519, base64. */
  signature: z.base64().length(88),
});

const checkpointShape = {
  /** Ed25519, SPKI in DER, base64. */
  publicKey: z.base64().length(60),
  head: headSchema,
  /** That the head has grown from the one that the other side keeps (RFC 9162, 2.1.4): hashes, base64. */
  path: z.array(z.base64().length(44)).max(64),
};

const checkpointOfferSchema = z.strictObject({
  kind: z.literal('checkpoint'),
  ...checkpointShape,
  /** The size at which the path begins; 0 if it is empty. */
  from: sizeSchema,
  /** Of the coordinator's head that the site keeps; 0 if none. */
  holds: sizeSchema,
});
export type CheckpointOfferMessage = z.infer<typeof checkpointOfferSchema>;

const checkpointAnswerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('checkpoint'),
    ...checkpointShape,
    /** The site's head that the coordinator keeps. */
    kept: headSchema.nullable(),
  }),
  /** The coordinator keeps another: the path is to begin there. */
  z.strictObject({ kind: z.literal('path-wanted'), from: sizeSchema }),
]);
export type CheckpointAnswerMessage = z.infer<typeof checkpointAnswerSchema>;

/** @throws ProtocolError `protocol.malformed-message` */
export function parseCheckpointOffer(received: unknown): CheckpointOfferMessage {
  return parse(checkpointOfferSchema, received);
}

/** @throws ProtocolError `protocol.malformed-message` */
export function parseCheckpointAnswer(received: unknown): CheckpointAnswerMessage {
  return parse(checkpointAnswerSchema, received);
}

function parse<T>(schema: z.ZodType<T>, received: unknown): T {
  const { data, error } = schema.safeParse(received);
  if (data !== undefined) return data;
  const { path, code } = error!.issues[0]!;
  throw new ProtocolError('protocol.malformed-message', `A message was malformed at "${path.join('.')}" (${code}).`);
}
