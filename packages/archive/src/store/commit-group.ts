/**
 * Many small changes to the catalogue in one transaction, so that they share one flush of the disk. While a transaction
 * is being flushed, the next one gathers.
 */
import type { DatabaseSync } from 'node:sqlite';
import { storageError } from './storage-error.ts';

interface Waiting {
  readonly change: () => unknown;
  readonly flush: boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitOptions {
  /**
   * False where the change is made again after a power cut, or need not be: then it is committed, for everybody to see and
   * to survive a kill, and flushed with the next one that asks for it.
   */
  readonly flush?: boolean;
}

/** More wait for the next transaction. */
const changesMax = 1000;

export class CommitGroup {
  readonly #database: DatabaseSync;
  readonly #path: string;
  #waiting: Waiting[] = [];
  #isScheduled = false;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /**
   * Makes a change and resolves with its result when it is durable, or committed if it need not be flushed. A change that throws is undone and rejected, and the
   * others of its transaction are not.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  run<T>(change: () => T, { flush = true }: CommitOptions = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ change, flush, resolve: resolve as (value: never) => void, reject });
    this.#schedule();
    return promise;
  }

  /** Makes what waits durable now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, changesMax));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After all that the current turn of the event loop has finished.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commit(this.#waiting.splice(0, changesMax));
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commit(group: readonly Waiting[]): void {
    if (group.length === 0) return;
    const answers: (() => void)[] = [];
    const isFlushed = group.some(({ flush }) => flush);
    try {
      // Without a flush of the log at each commit; it is flushed whole, with what was committed before, at the next that has.
      this.#database.exec(isFlushed ? 'BEGIN IMMEDIATE' : 'PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE');
      for (const { change, resolve, reject } of group) {
        this.#database.exec('SAVEPOINT change');
        try {
          const value = change() as never;
          answers.push(() => resolve(value));
        } catch (error) {
          // Of a disk that is full SQLite undoes the whole transaction itself.
          if (!this.#database.isTransaction) throw error;
          this.#database.exec('ROLLBACK TO change');
          answers.push(() => reject(storageError(error, this.#path)));
        }
        this.#database.exec('RELEASE change');
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { reject } of group) reject(storageError(error, this.#path));
      return;
    } finally {
      if (!isFlushed) this.#database.exec('PRAGMA synchronous = FULL');
    }
    for (const answer of answers) answer();
  }
}
