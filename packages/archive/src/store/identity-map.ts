/**
 * Which pseudonym is whom, every value encrypted. Nothing reads it but `reidentify`, which a person asks for, and
 * `readIdentities`, for a site whose people allow that patients are compared with other sites; it lies in a directory of its own, so that it can be kept apart from the images, or thrown away.
 */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { makeDirectory } from './durable-file.ts';
import { SealedBox } from './sealed-box.ts';
import { storageError } from './storage-error.ts';

/** What was said of one patient or study before it was de-identified: by attribute's keyword. */
export type IdentityFacts = Readonly<Record<string, string>>;

export type IdentityLevel = 'subject' | 'study' | 'series';

const recentMax = 1000;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  -- what is forgotten is overwritten
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS identity (
    level TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    -- keyed digest of the facts: the same facts are kept once, changed ones beside the first
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (level, pseudonym, digest)
  ) STRICT, WITHOUT ROWID;
`;

export class IdentityMap implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #box: SealedBox;
  readonly #secret: Uint8Array;
  readonly #known: StatementSync;
  /** What was said of those who came last, for all instances of a series say the same. */
  readonly #recent = new Set<string>();

  private constructor(database: DatabaseSync, path: string, secret: Uint8Array) {
    this.#database = database;
    this.#path = path;
    this.#secret = secret;
    this.#box = new SealedBox(secret, 'identity');
    this.#known = database.prepare('SELECT 1 FROM identity WHERE level = ? AND pseudonym = ? AND digest = ?');
  }

  /** @throws ArchiveError `archive.not-writable`, `archive.disk-full` */
  static async open(directory: string, secret: Uint8Array): Promise<IdentityMap> {
    await makeDirectory(directory, 0o700);
    try {
      const database = new DatabaseSync(join(directory, 'identity.sqlite'));
      database.exec(schema);
      return new IdentityMap(database, directory, secret);
    } catch (error) {
      throw storageError(error, directory);
    }
  }

  /** Durable when it returns. @throws ArchiveError `archive.disk-full`, `archive.not-writable` */
  remember(entries: readonly { level: IdentityLevel; pseudonym: string; facts: IdentityFacts }[]): void {
    const missing = entries.flatMap(({ level, pseudonym, facts }) => {
      const text = JSON.stringify(Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1))));
      const place = `${level} ${pseudonym}`;
      const said = `${place} ${text}`;
      if (this.#recent.has(said)) return [];
      const digest = createHmac('sha256', this.#secret).update(said).digest();
      if (this.#knows(level, pseudonym, digest)) {
        this.#keepInMind(said);
        return [];
      }
      return [{ level, pseudonym, digest, place, text, said }];
    });
    if (missing.length === 0) return;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const insert = this.#database.prepare('INSERT OR IGNORE INTO identity VALUES (?, ?, ?, ?)');
      for (const { level, pseudonym, digest, place, text } of missing) {
        insert.run(level, pseudonym, digest, this.#box.sealText(text, place));
      }
      this.#database.exec('COMMIT');
      for (const { said } of missing) this.#keepInMind(said);
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw storageError(error, this.#path);
    }
  }

  /**
   * All that was said of a pseudonym, in no order; empty if nobody has it.
   * @throws ArchiveError `archive.key-wrong`
   */
  reidentify(level: IdentityLevel, pseudonym: string): readonly IdentityFacts[] {
    const rows = this.#database
      .prepare('SELECT sealed FROM identity WHERE level = ? AND pseudonym = ?')
      .all(level, pseudonym);
    return rows.map(({ sealed }) => JSON.parse(this.#box.openText(sealed as Uint8Array, `${level} ${pseudonym}`)));
  }

  /** All that was said of these. Durable when it returns. @throws ArchiveError `archive.disk-full`, `archive.not-writable` */
  forget(entries: readonly { readonly level: IdentityLevel; readonly pseudonym: string }[]): void {
    this.#recent.clear();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const forgotten = this.#database.prepare('DELETE FROM identity WHERE level = ? AND pseudonym = ?');
      for (const { level, pseudonym } of entries) forgotten.run(level, pseudonym);
      this.#database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw storageError(error, this.#path);
    }
  }

  /** Closes the database and forgets the key. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #keepInMind(said: string): void {
    if (this.#recent.size >= recentMax) this.#recent.clear();
    this.#recent.add(said);
  }

  #knows(level: IdentityLevel, pseudonym: string, digest: Uint8Array): boolean {
    return this.#known.get(level, pseudonym, digest) !== undefined;
  }
}
