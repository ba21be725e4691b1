/** Strokes that the reading room has not acknowledged yet, in the browser's own database: they outlive the tab and the machine. */
import type { WireStroke } from '../reading-asking.ts';

export interface WrittenStroke {
  readonly draftId: string;
  readonly stroke: WireStroke;
}

export interface StrokeStore {
  put(taskKey: string, draftId: string, stroke: WireStroke): Promise<void>;
  /** In the order in which they were drawn. */
  list(taskKey: string): Promise<readonly WrittenStroke[]>;
  /** Those of a draft up to a number, or all of a task. */
  forget(taskKey: string, draftId?: string, upToSeq?: number): Promise<void>;
}

const databaseName = 'consilium-annotator';
const tableName = 'strokes';

export class BrowserStrokeStore implements StrokeStore {
  #database: Promise<IDBDatabase> | undefined;

  async put(taskKey: string, draftId: string, stroke: WireStroke): Promise<void> {
    await this.#run('readwrite', (table) => table.put({ draftId, stroke }, [taskKey, draftId, stroke.seq]));
  }

  async list(taskKey: string): Promise<readonly WrittenStroke[]> {
    return this.#run('readonly', (table) => table.getAll(ofTask(taskKey)));
  }

  async forget(taskKey: string, draftId?: string, upToSeq = 0): Promise<void> {
    const range =
      draftId === undefined ? ofTask(taskKey) : IDBKeyRange.bound([taskKey, draftId, 0], [taskKey, draftId, upToSeq]);
    await this.#run('readwrite', (table) => table.delete(range));
  }

  async #run<T>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    this.#database ??= opened();
    const transaction = (await this.#database).transaction(tableName, mode, { durability: 'strict' });
    const request = ask(transaction.objectStore(tableName));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  }
}

function ofTask(taskKey: string): IDBKeyRange {
  return IDBKeyRange.bound([taskKey], [taskKey, []]);
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(tableName);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
