/**
 * The key of a log, Ed25519: `key.pem`, which only its owner may read, and `public.pem` for whoever wants to check. It is
 * the log's own, not that of a certificate, because certificates are made anew and an archive has none.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditError } from './audit-error.ts';

/** @throws AuditError `audit.key-missing`, `audit.key-exposed` */
export function readOrCreateKey(directory: string, { mayCreate }: { readonly mayCreate: boolean }): KeyObject {
  const path = join(directory, 'key.pem');
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) {
    if (!mayCreate) {
      throw new AuditError('audit.key-missing', 'The key of the audit log is missing. Restore it from its backup.');
    }
    return create(directory, path);
  }
  if ((mode & 0o077) !== 0) {
    throw new AuditError('audit.key-exposed', 'Others may read the key of the audit log. Set its mode to 0600.');
  }
  return createPrivateKey(readFileSync(path));
}

function create(directory: string, path: string): KeyObject {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(directory, 'public.pem'), publicPem, { flush: true });
  const draft = `${path}.draft`;
  writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
  renameSync(draft, path);
  return privateKey;
}

/** Of a log that may be another's: its public key. @throws AuditError `audit.no-log` */
export function readPublicKey(path: string): KeyObject {
  try {
    return createPublicKey(readFileSync(path));
  } catch (cause) {
    throw new AuditError('audit.no-log', 'There is no public key of an audit log.', { cause });
  }
}
