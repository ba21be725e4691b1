/**
 * What became of the files of each import, so that one that was killed goes on where it was. Paths may name patients: they
 * are kept encrypted.
 */
import { createHmac, randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ArchiveError } from '../archive-error.ts';
import type { CommitGroup } from '../store/commit-group.ts';
import { SealedBox } from '../store/sealed-box.ts';
import type { TreeFile } from './file-tree.ts';

/**
 * `watch`: of all that ever came into a watched folder. `series-folders`: each folder is taken for one series, where the files
 * state none.
 */
export type ImportKind = 'folder' | 'series-folders' | 'zip' | 'watch';

export interface FileOutcome {
  readonly outcome: 'stored' | 'duplicate' | 'refused' | 'ignored';
  /** Why it was refused or ignored. */
  readonly code: string | undefined;
}

export interface ImportReport {
  readonly id: string;
  readonly kind: ImportKind;
  /** Of the folder; of what was uploaded, undefined. Identified. */
  readonly path: string | undefined;
  readonly createdMs: number;
  readonly state: 'running' | 'finished' | 'failed';
  /** Why it failed. */
  readonly code: string | undefined;
  readonly counts: Readonly<Record<FileOutcome['outcome'], number>>;
  /** Refused and ignored files by name; the first of them if there are very many. Identified. */
  readonly exceptions: readonly {
    readonly path: string;
    readonly outcome: 'refused' | 'ignored';
    readonly code: string;
  }[];
}

export interface RunningImport {
  readonly id: string;
  readonly kind: ImportKind;
  readonly path: string;
}

/** Where an image or a segmentation lay: the two have it in common. Identified. */
export interface VolumePlace {
  /** The folder that is taken in. */
  readonly root: string;
  readonly group: string;
  readonly key: string;
}

const exceptionsMax = 1000;

export class ImportLedger {
  readonly #database: DatabaseSync;
  readonly #commits: CommitGroup;
  readonly #secret: Uint8Array;
  readonly #box: SealedBox;
  readonly #note: StatementSync;

  constructor(parts: { database: DatabaseSync; commits: CommitGroup; secret: Uint8Array }) {
    this.#database = parts.database;
    this.#commits = parts.commits;
    this.#secret = parts.secret;
    this.#box = new SealedBox(parts.secret, 'imports');
    this.#note = parts.database.prepare('INSERT OR REPLACE INTO import_file VALUES (?, ?, ?, ?, ?)');
  }

  /** The unfinished import of this path, or a new one. */
  async begin(kind: ImportKind, path: string, nowMs: number): Promise<RunningImport> {
    const unfinished = this.running().find((one) => one.kind === kind && one.path === path);
    if (unfinished !== undefined) return unfinished;
    const id = randomUUID();
    await this.#commits.run(() =>
      this.#database
        .prepare("INSERT INTO import (id, kind, sealed_path, state, created_ms) VALUES (?, ?, ?, 'running', ?)")
        .run(id, kind, this.#box.sealText(path, id), nowMs),
    );
    return { id, kind, path };
  }

  running(): readonly RunningImport[] {
    return this.#database
      .prepare("SELECT * FROM import WHERE state = 'running' ORDER BY created_ms")
      .all()
      .map((row) => {
        const id = String(row['id']);
        const path = this.#box.openText(row['sealed_path'] as Uint8Array, id);
        return { id, kind: String(row['kind']) as ImportKind, path };
      });
  }

  async end(id: string, state: 'finished' | 'failed', code?: string): Promise<void> {
    await this.#commits.run(() =>
      this.#database.prepare('UPDATE import SET state = ?, code = ? WHERE id = ?').run(state, code ?? null, id),
    );
  }

  outcomeOf(importId: string, file: TreeFile): FileOutcome | undefined {
    const row = this.#database
      .prepare('SELECT outcome, code FROM import_file WHERE import_id = ? AND file = ?')
      .get(importId, this.#digest(importId, file));
    return row && { outcome: String(row['outcome']) as FileOutcome['outcome'], code: codeOf(row['code']) };
  }

  async note(importId: string, file: TreeFile, { outcome, code }: FileOutcome): Promise<void> {
    const digest = this.#digest(importId, file);
    const sealed = this.#box.sealText(file.path, `${importId} ${digest.toString('hex')}`);
    const change = () => this.#note.run(importId, digest, sealed, outcome, code ?? null);
    // What a power cut takes of it is taken in again, and found to be there already.
    await this.#commits.run(change, { flush: false });
  }

  /** The newest first. */
  ids(): readonly string[] {
    const rows = this.#database.prepare('SELECT id FROM import ORDER BY created_ms DESC, rowid DESC').all();
    return rows.map(({ id }) => String(id));
  }

  /** @throws ArchiveError `archive.import-unknown` */
  report(id: string): ImportReport {
    const row = this.#database.prepare('SELECT * FROM import WHERE id = ?').get(id);
    if (row === undefined) throw new ArchiveError('archive.import-unknown', 'There is no import of this id.');
    const counts = { stored: 0, duplicate: 0, refused: 0, ignored: 0 };
    const sums = this.#database
      .prepare('SELECT outcome, count(*) AS files FROM import_file WHERE import_id = ? GROUP BY outcome')
      .all(id);
    for (const { outcome, files } of sums) counts[String(outcome) as keyof typeof counts] = Number(files);
    const exceptions = this.#database
      .prepare(
        `SELECT * FROM import_file WHERE import_id = ? AND outcome IN ('refused', 'ignored')
         ORDER BY outcome DESC LIMIT ?`,
      )
      .all(id, exceptionsMax)
      .map((file) => {
        const place = `${id} ${Buffer.from(file['file'] as Uint8Array).toString('hex')}`;
        return {
          path: this.#box.openText(file['sealed_path'] as Uint8Array, place),
          outcome: String(file['outcome']) as 'refused' | 'ignored',
          code: String(file['code']),
        };
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    const [kind, state] = [String(row['kind']) as ImportKind, String(row['state']) as ImportReport['state']];
    return {
      ...{ id, kind, state, code: codeOf(row['code']), counts, exceptions },
      path: kind === 'zip' ? undefined : this.#box.openText(row['sealed_path'] as Uint8Array, id),
      createdMs: Number(row['created_ms']),
    };
  }

  /** Notes where an image lay, by what its path has in common with that of its segmentation. */
  async noteVolume(place: VolumePlace, seriesInstanceUid: string): Promise<void> {
    await this.#commits.run(() =>
      this.#database
        .prepare('INSERT OR REPLACE INTO import_volume VALUES (?, ?)')
        .run(this.#placeDigest(place), seriesInstanceUid),
    );
  }

  /** The series of the image that lay there. */
  volumeAt(place: VolumePlace): string | undefined {
    const row = this.#database
      .prepare('SELECT SeriesInstanceUID FROM import_volume WHERE place = ?')
      .get(this.#placeDigest(place));
    return row && String(row['SeriesInstanceUID']);
  }

  /** Of files by their paths. What is asked again of one is answered as if it had never come. */
  async forget(isForgotten: (path: string) => boolean): Promise<void> {
    const rows = this.#database.prepare('SELECT import_id, file, sealed_path FROM import_file').iterate();
    const files: { readonly id: string; readonly file: Uint8Array }[] = [];
    for (const row of rows) {
      const [id, file] = [String(row['import_id']), row['file'] as Uint8Array];
      const place = `${id} ${Buffer.from(file).toString('hex')}`;
      if (isForgotten(this.#box.openText(row['sealed_path'] as Uint8Array, place))) files.push({ id, file });
    }
    const forgotten = this.#database.prepare('DELETE FROM import_file WHERE import_id = ? AND file = ?');
    await this.#commits.run(() => {
      for (const { id, file } of files) forgotten.run(id, file);
    });
  }

  #placeDigest({ root, group, key }: VolumePlace): Buffer {
    return createHmac('sha256', this.#secret).update(`volume\0${root}\0${group}\0${key}`).digest();
  }

  #digest(importId: string, { path, version }: TreeFile): Buffer {
    return createHmac('sha256', this.#secret).update(`import\0${importId}\0${path}\0${version}`).digest();
  }
}

function codeOf(value: unknown): string | undefined {
  return value === null ? undefined : String(value);
}
