/**
 * What could not be taken in, encrypted, with the reason. Listed in the catalogue without anything that names a patient;
 * the bytes are opened only to try again.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Origin } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import type { CommitGroup } from './commit-group.ts';
import { makeDirectory, writeDurably } from './durable-file.ts';
import { SealedBox } from './sealed-box.ts';

export interface QuarantineReason {
  readonly code: string;
  /** Public: holds nothing read from the file. */
  readonly message: string;
  /** For the local page and log: may name an attribute's value, and is kept encrypted. */
  readonly detail: string | undefined;
}

export interface QuarantinedFile {
  readonly id: string;
  readonly code: string;
  readonly message: string;
  readonly origin: Origin;
  readonly sizeBytes: number;
  readonly arrivedMs: number;
}

const fileSuffix = '.sealed';

export class Quarantine {
  readonly #directory: string;
  readonly #database: DatabaseSync;
  readonly #commits: CommitGroup;
  readonly #box: SealedBox;
  readonly #bySource: StatementSync;
  readonly #insert: StatementSync;
  readonly #insertInstance: StatementSync;
  readonly #byInstance: StatementSync;

  private constructor(directory: string, options: { database: DatabaseSync; commits: CommitGroup; box: SealedBox }) {
    this.#directory = directory;
    this.#database = options.database;
    this.#commits = options.commits;
    this.#box = options.box;
    this.#bySource = this.#database.prepare('SELECT id FROM quarantine WHERE source = ?');
    this.#insert = this.#database.prepare(
      `INSERT INTO quarantine (id, code, message, origin, size_bytes, source, sealed_detail, arrived_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (source) DO UPDATE SET code = excluded.code, message = excluded.message,
         sealed_detail = excluded.sealed_detail`,
    );
    this.#insertInstance = this.#database.prepare('INSERT OR IGNORE INTO quarantined_instance VALUES (?, ?)');
    this.#byInstance = this.#database.prepare('SELECT 1 FROM quarantined_instance WHERE SOPInstanceUID = ?');
  }

  /** @throws ArchiveError `archive.not-writable`, `archive.disk-full` */
  static async open(
    directory: string,
    options: { database: DatabaseSync; commits: CommitGroup; secret: Uint8Array },
  ): Promise<Quarantine> {
    await makeDirectory(directory, 0o700);
    return new Quarantine(directory, { ...options, box: new SealedBox(options.secret, 'quarantine') });
  }

  /**
   * Keeps a file, once however often it comes, and answers with its id when it is durable.
   * @param source keyed digest of the file.
   * @param sopInstanceUid its pseudonym, if the file states one.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  async keep(
    bytes: Uint8Array,
    {
      nowMs,
      origin,
      reason,
      sopInstanceUid,
      source,
    }: {
      source: Uint8Array;
      sopInstanceUid: string | undefined;
      origin: Origin;
      reason: QuarantineReason;
      nowMs: number;
    },
  ): Promise<string> {
    const known = this.#bySource.get(source)?.['id'];
    const id = known === undefined ? randomUUID() : String(known);
    if (known === undefined) {
      await writeDurably(this.#pathOf(id), this.#box.seal(bytes, id), { mode: 0o600 });
    }
    const kept = await this.#commits.run(() => {
      // The same file may have come meanwhile.
      const listed = String(this.#bySource.get(source)?.['id'] ?? id);
      const detail = reason.detail === undefined ? null : this.#box.sealText(reason.detail, `detail ${listed}`);
      this.#insert.run(
        ...[listed, reason.code, reason.message, JSON.stringify(origin), bytes.length, source, detail, nowMs],
      );
      if (sopInstanceUid !== undefined) this.#insertInstance.run(listed, sopInstanceUid);
      return listed;
    });
    if (kept !== id) await rm(this.#pathOf(id), { force: true });
    return kept;
  }

  /** Whether a file with this SOP Instance UID is here. @param sopInstanceUid its pseudonym. */
  holdsInstance(sopInstanceUid: string): boolean {
    return this.#byInstance.get(sopInstanceUid) !== undefined;
  }

  /** Oldest first. */
  list({ offset = 0, limit = 100 }: { offset?: number; limit?: number } = {}): readonly QuarantinedFile[] {
    return this.#database
      .prepare('SELECT * FROM quarantine ORDER BY arrived_ms, id LIMIT ? OFFSET ?')
      .all(limit, offset)
      .map((row) => ({
        id: String(row['id']),
        code: String(row['code']),
        message: String(row['message']),
        origin: JSON.parse(String(row['origin'])) as Origin,
        sizeBytes: Number(row['size_bytes']),
        arrivedMs: Number(row['arrived_ms']),
      }));
  }

  /** What the local page may tell besides; undefined if nothing. @throws ArchiveError `archive.quarantine-unknown` */
  detail(id: string): string | undefined {
    const row = this.#database.prepare('SELECT sealed_detail FROM quarantine WHERE id = ?').get(id);
    if (row === undefined) throw unknown();
    const sealed = row['sealed_detail'] as Uint8Array | null;
    return sealed === null ? undefined : this.#box.openText(sealed, `detail ${id}`);
  }

  /** The file as it came, identified. @throws ArchiveError `archive.quarantine-unknown`, `archive.key-wrong` */
  async read(id: string): Promise<{ readonly bytes: Uint8Array; readonly origin: Origin }> {
    const row = this.#database.prepare('SELECT origin FROM quarantine WHERE id = ?').get(id);
    if (row === undefined) throw unknown();
    const sealed = await readFile(this.#pathOf(id));
    return { bytes: this.#box.open(sealed, id), origin: JSON.parse(String(row['origin'])) as Origin };
  }

  /** @throws ArchiveError `archive.quarantine-unknown` */
  async delete(id: string): Promise<void> {
    const { changes } = await this.#commits.run(() =>
      this.#database.prepare('DELETE FROM quarantine WHERE id = ?').run(id),
    );
    if (changes === 0) throw unknown();
    await rm(this.#pathOf(id), { force: true });
  }

  /** Of all files, those that are such; answers how many. One is in memory at a time. @throws as `read`, `delete` */
  async deleteWhere(isSuch: (bytes: Uint8Array) => boolean): Promise<number> {
    let deleted = 0;
    for (const { id } of this.#database.prepare('SELECT id FROM quarantine').all()) {
      const file = await this.read(String(id)).catch((error: NodeJS.ErrnoException) => {
        // Deleted meanwhile by somebody else.
        if (error.code === 'ENOENT' || error.code === 'archive.quarantine-unknown') return undefined;
        throw error;
      });
      if (file === undefined || !isSuch(file.bytes)) continue;
      await this.delete(String(id));
      deleted++;
    }
    return deleted;
  }

  /** Removes files that are not listed, after a crash. */
  async sweep(): Promise<void> {
    const known = this.#database.prepare('SELECT 1 FROM quarantine WHERE id = ?');
    for (const name of await readdir(this.#directory)) {
      const isKnown = name.endsWith(fileSuffix) && known.get(name.slice(0, -fileSuffix.length)) !== undefined;
      if (!isKnown) await rm(join(this.#directory, name), { force: true });
    }
  }

  #pathOf(id: string): string {
    // An id comes from a page: it names a file only through its digest-free, fixed alphabet.
    if (!/^[0-9a-f-]{36}$/.test(id)) throw unknown();
    return join(this.#directory, `${id}${fileSuffix}`);
  }
}

function unknown(): ArchiveError {
  return new ArchiveError('archive.quarantine-unknown', 'There is no such file in quarantine.');
}
