/**
 * What is in a crate, with a signature: `manifest.json` lists every other file with its SHA-256, and is signed by Ed25519.
 * The signature says who published, to whoever has the public key from the publisher; by itself it says that nothing has
 * changed since.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';

export const manifestPath = 'manifest.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  kind: z.literal('consilium-crate-1'),
  name: z.string(),
  version: z.string(),
  /** Path to size and hash, in order of paths; the manifest itself left out. */
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256 })),
  /** SPKI in DER, base64. */
  publicKey: z.base64(),
  /** Over the manifest without it, base64. */
  signature: z.base64().length(88),
});
export type SignedManifest = z.infer<typeof manifestSchema>;
type Unsigned = Omit<SignedManifest, 'signature'>;

export function signManifest(
  { name, version, files }: Pick<SignedManifest, 'name' | 'version' | 'files'>,
  key: KeyObject,
): SignedManifest {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  const sorted = Object.fromEntries(Object.entries(files).sort(([one], [other]) => (one < other ? -1 : 1)));
  const unsigned: Unsigned = { kind: 'consilium-crate-1', name, version, files: sorted, publicKey };
  return { ...unsigned, signature: sign(null, statementOf(unsigned), key).toString('base64') };
}

/** null if the bytes are no manifest. */
export function parseManifest(bytes: Uint8Array): SignedManifest | null {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Whether the key in the manifest signed it. */
export function isSigned({ signature, ...unsigned }: SignedManifest): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(unsigned.publicKey, 'base64'), type: 'spki', format: 'der' });
    if (key.asymmetricKeyType !== 'ed25519') return false;
    return verify(null, statementOf(unsigned), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** SHA-256 of the public key (SPKI, DER), hexadecimal: what a publisher tells others beside the crate. */
export function keyIdOf({ publicKey }: Pick<SignedManifest, 'publicKey'>): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex');
}

function statementOf({ kind, name, version, files, publicKey }: Unsigned): Uint8Array {
  const lines = Object.entries(files)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, { bytes, sha256: digest }]) => JSON.stringify([path, bytes, digest]));
  return new TextEncoder().encode([kind, JSON.stringify([name, version, publicKey]), ...lines, ''].join('\n'));
}
