/**
 * A directory is one process's at a time. What holds it is a lock of the operating system, which lets it go when the
 * process ends, however it ends: nothing is left behind that a person would have to remove. Node can lock a file only
 * through SQLite; the file stays empty.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from './durable-file.ts';
import { storageError } from './storage-error.ts';

const lockFile = 'lock';

export class DirectoryLock implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Makes the directory if it is not there.
   * @throws TransportError `transport.directory-in-use`, `transport.not-writable`
   */
  static async take(directory: string): Promise<DirectoryLock> {
    await makeDirectory(directory);
    try {
      const database = new DatabaseSync(join(directory, lockFile));
      try {
        database.exec('BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        throw error;
      }
      return new DirectoryLock(database);
    } catch (error) {
      throw storageError(error, directory);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
