/**
 * What happened in jobs, on disk beside the ledger, so that it can be read after a restart: the newest events of each
 * job, and of all jobs together. Passing progress is left out. It survives the end of the process; a power cut may take
 * the last of it, and a file that is damaged is begun anew, for nothing depends on it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { JobEvent } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { storageError } from '@consilium/transport';
import type { TimedEvent } from './timed-event.ts';

export interface EventStoreOptions {
  /** Events of a job. */
  readonly kept?: number;
  /** Events of all jobs: what bounds the file, to some 30 MB. */
  readonly keptOfAll?: number;
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS event_of_job ON event (job_id, position);
`;
const file = 'events.sqlite';
const trimmedEvery = 256;

export class EventStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #kept: number;
  readonly #keptOfAll: number;
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #trimJob: StatementSync;
  readonly #trimAll: StatementSync;
  #added = 0;

  private constructor(database: DatabaseSync, { kept = 5000, keptOfAll = 100_000 }: EventStoreOptions) {
    this.#database = database;
    this.#kept = kept;
    this.#keptOfAll = keptOfAll;
    this.#insert = database.prepare('INSERT INTO event (job_id, value) VALUES (?, ?)');
    this.#newest = database.prepare('SELECT value FROM event WHERE job_id = ? ORDER BY position DESC LIMIT ?');
    this.#trimJob = database.prepare(
      `DELETE FROM event WHERE job_id = ?1 AND position <=
       (SELECT position FROM event WHERE job_id = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)`,
    );
    this.#trimAll = database.prepare('DELETE FROM event WHERE position <= (SELECT max(position) FROM event) - ?');
  }

  /**
   * In the directory of a coordinator, which this process has to itself.
   * @throws TransportError `transport.not-writable`, `transport.disk-full`
   */
  static open(directory: string, options: EventStoreOptions = {}): EventStore {
    const path = join(directory, file);
    try {
      return new EventStore(openDatabase(path), options);
    } catch (error) {
      if (!isDamaged(error)) throw storageError(error, directory);
      for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true });
      return new EventStore(openDatabase(path), options);
    }
  }

  add(event: TimedEvent): void {
    if (isPassing(event)) return;
    this.#insert.run(event.jobId, JSON.stringify(event));
    this.#added += 1;
    if (this.#added % trimmedEvery !== 0) return;
    this.#trimJob.run(event.jobId, this.#kept);
    this.#trimAll.run(this.#keptOfAll);
  }

  /** In the order in which they happened. */
  recent(jobId: JobId): readonly TimedEvent[] {
    const rows = this.#newest.all(jobId, this.#kept);
    return rows.map(({ value }) => JSON.parse(String(value)) as TimedEvent).reverse();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Steps and cases on the way: a site tells of them twice a second, and the last one says it all. */
function isPassing(event: JobEvent): boolean {
  if (event.kind === 'site-step') return event.step < event.of;
  return event.kind === 'site-case' && event.done < event.of;
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** https://sqlite.org/rescode.html: SQLITE_CORRUPT, SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && [11, 26].includes(errcode & 0xff);
}
