/**
 * The key that signs what is published, Ed25519: `key.pem`, which only its owner may read, and `public.pem` for whoever wants
 * to check. It belongs to the people who publish, not to a service: it lies where they say.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PublicationError } from '../publication-error.ts';

/** @throws PublicationError `publication.key-exposed`, `publication.key-unusable` */
export async function readOrCreateKey(
  directory: string,
): Promise<{ readonly key: KeyObject; readonly isNew: boolean }> {
  const path = join(directory, 'key.pem');
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return { key: await create(directory, path), isNew: true };
  if ((mode & 0o077) !== 0) {
    const message = 'Others may read the key that signs publications. Set its mode to 0600.';
    throw new PublicationError('publication.key-exposed', message);
  }
  const key = readKey(path);
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new PublicationError('publication.key-unusable', 'The key that signs publications is none of Ed25519.');
  }
  return { key, isNew: false };
}

function readKey(path: string): KeyObject | undefined {
  try {
    return createPrivateKey(readFileSync(path));
  } catch {
    return undefined;
  }
}

async function create(directory: string, path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  await writeFile(join(directory, 'public.pem'), publicPem, { flush: true });
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  return privateKey;
}
