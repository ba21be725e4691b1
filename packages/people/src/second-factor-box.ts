/**
 * Secrets of second factors, encrypted: codes are computed from them, so no hash would do. AES-256-GCM with a fresh nonce
 * each, bound to the account, so that nobody who can write the database gives one account the factor of another. The key
 * is in a file of its own beside the database: who has a copy of the database alone has no factor. It is read whenever it
 * is used, so that one that was restored counts at once.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PeopleError } from './people-error.ts';

const keyFile = 'second-factors.key';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export class SecondFactorBox {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What is wrong with the key is said before anybody needs it. @throws PeopleError `people.key-exposed`, `people.key-malformed` */
  check(): void {
    this.#key();
  }

  /** Makes the key if there is none. @throws PeopleError `people.key-exposed`, `people.key-malformed` */
  seal(secret: string, account: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key() ?? this.#newKey(), nonce);
    cipher.setAAD(Buffer.from(account));
    return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64',
    );
  }

  /** @throws PeopleError `people.second-factor-unreadable`, `people.key-exposed`, `people.key-malformed` */
  open(sealed: string, account: string): string {
    const key = this.#key();
    if (key === undefined) throw unreadable();
    try {
      const bytes = Buffer.from(sealed, 'base64');
      const end = bytes.length - tagBytes;
      const options = { authTagLength: tagBytes };
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), options);
      decipher.setAAD(Buffer.from(account));
      decipher.setAuthTag(bytes.subarray(end));
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, end)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  /** undefined: there is no file. */
  #key(): Buffer | undefined {
    const path = join(this.#directory, keyFile);
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    if (mode === undefined) return undefined;
    if ((mode & 0o077) !== 0) {
      const text = 'Others may read the key of second factors. Set the mode of people/second-factors.key to 0600.';
      throw new PeopleError('people.key-exposed', text, { statusCode: 500 });
    }
    const text = readFileSync(path, 'utf8').trim();
    if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
    throw new PeopleError('people.key-malformed', 'people/second-factors.key is not 64 hexadecimal digits.', {
      statusCode: 500,
    });
  }

  /** Another process may make one at the same time: then it is that one. On disk before anything is encrypted with it. */
  #newKey(): Buffer {
    const path = join(this.#directory, keyFile);
    const draft = `${path}.${randomBytes(8).toString('hex')}`;
    writeFileSync(draft, `${randomBytes(keyBytes).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    try {
      linkSync(draft, path);
      const directory = openSync(this.#directory, 'r');
      fsyncSync(directory);
      closeSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    return this.#key()!;
  }
}

function unreadable(cause?: unknown): PeopleError {
  const text =
    'The second factor cannot be checked: its key is lost, or another one. Restore it, or reset the account.';
  return new PeopleError('people.second-factor-unreadable', text, { statusCode: 500, cause });
}
