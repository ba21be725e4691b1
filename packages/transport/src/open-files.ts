/**
 * Files that are read a piece at a time, kept open for a moment: to open and to close one costs as much as to read a piece of
 * it, each being a trip to another thread.
 */
import { type FileHandle, open } from 'node:fs/promises';

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  users: number;
  /** Its path may stand for another file from now on. */
  isForgotten: boolean;
  /** Closes it when nobody has used it for a while. */
  idle: NodeJS.Timeout | undefined;
}

const openMs = 1000;
/** With more than these, each is closed as soon as nobody uses it. */
const openMax = 64;

export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();

  /** Rejects as `open` does, and as `work` does. */
  async use<Result>(path: string, work: (file: FileHandle) => Promise<Result>): Promise<Result> {
    const file = this.#files.get(path) ?? this.#open(path);
    file.users++;
    clearTimeout(file.idle);
    try {
      return await work(await file.handle);
    } catch (error) {
      this.#forget(path, file);
      throw error;
    } finally {
      file.users--;
      if (file.users === 0) await this.#leave(path, file);
    }
  }

  /** Whoever uses it goes on; whoever comes next opens what is there then. Resolves when it is closed, unless it is in use. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#forget(path, file);
    if (file.users === 0) await close(file);
  }

  #open(path: string): OpenFile {
    const file: OpenFile = { handle: open(path, 'r'), users: 0, isForgotten: false, idle: undefined };
    this.#files.set(path, file);
    return file;
  }

  async #leave(path: string, file: OpenFile): Promise<void> {
    if (this.#files.size > openMax) this.#forget(path, file);
    if (file.isForgotten) return close(file);
    file.idle = setTimeout(() => void this.forget(path), openMs).unref();
  }

  #forget(path: string, file: OpenFile): void {
    clearTimeout(file.idle);
    file.isForgotten = true;
    if (this.#files.get(path) === file) this.#files.delete(path);
  }
}

/** One that could not be opened has told so to whoever used it. */
async function close({ handle }: OpenFile): Promise<void> {
  const opened = await handle.catch(() => undefined);
  await opened?.close();
}
