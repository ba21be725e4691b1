/** Writing a file so that, after a crash or a power cut, it is there whole or as it was before. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { wallClockMs } from './ports/wall-clock.ts';
import { storageError } from './storage-error.ts';

/** What the name of a file ends in that was never finished. */
export const draftSuffix = '.draft';

/**
 * What is as small as this, and not flushed, is written at once: handing it to another thread and hearing of its end, four
 * times, takes three times as long.
 */
const smallBytesMax = 2 ** 16;

export interface DurableFileOptions {
  /** Who may read it; 0600 for keys. */
  readonly mode?: number;
}

/**
 * Writes beside `path`, flushes, renames into place, and flushes the directory. Drafts have names of their own, so that
 * two writers of one file cannot mix: the last to end wins.
 * @throws TransportError `transport.disk-full`, `transport.not-writable`, `transport.disk-failing`
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  options: DurableFileOptions = {},
): Promise<void> {
  await writeInPlace(path, content, options, (file) => file.datasync());
  await syncFile(dirname(path));
}

/**
 * As `writeDurably`, but resolves when the file is in place, which survives the end of the process; what is resolved
 * with flushes it, so that it survives a power cut too. Many files are flushed together for little more than one.
 * `spare`: a file that nobody needs, to be written over and moved there.
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  options: { readonly spare?: string | undefined } = {},
): Promise<() => Promise<void>> {
  const isSmall = content.length <= smallBytesMax && options.spare === undefined;
  if (isSmall)
    await putInPlace(path, draftOf(path), (draft) => writeFileSync(draft, content, { flag: 'wx', mode: 0o644 }));
  else await writeInPlace(path, content, options, async () => {});
  return () => flushed(path);
}

async function writeInPlace(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, spare }: DurableFileOptions & { readonly spare?: string | undefined },
  flush: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await putInPlace(path, spare ?? draftOf(path), async (draft) => {
    const file = await open(draft, spare === undefined ? 'wx' : 'r+', mode);
    try {
      await writeAll(file, typeof content === 'string' ? Buffer.from(content) : content);
      if (spare !== undefined) await file.truncate(content.length);
      await flush(file);
    } finally {
      await file.close();
    }
  });
}

function draftOf(path: string): string {
  return `${path}.${randomUUID()}${draftSuffix}`;
}

async function putInPlace(path: string, draft: string, write: (draft: string) => void | Promise<void>): Promise<void> {
  try {
    await write(draft);
    renameSync(draft, path);
  } catch (error) {
    discard(draft);
    throw storageError(error, dirname(path));
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written, written)).bytesWritten;
  }
}

/**
 * Lines at the end of a file that may not exist yet; if there are none, it is marked as touched. A line torn by a power cut
 * is followed by a whole one. What is resolved with makes them survive one.
 */
export function appendLines(path: string, lines: readonly string[]): () => Promise<void> {
  try {
    if (lines.length === 0) {
      const now = wallClockMs() / 1000;
      utimesSync(path, now, now);
      return async () => {};
    }
    appendFileSync(path, `\n${lines.join('\n')}\n`);
    return () => flushed(path);
  } catch (error) {
    throw storageError(error, dirname(path));
  }
}

/** A file that need not be there, and is small: a large one takes time. */
export function removeSmall(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What is left of something that failed, and does no harm if it stays. */
export function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}

/** A file that need not be there. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Makes a directory, and those it lies in, survive a power cut. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    const first = await mkdir(directory, { recursive: true });
    if (first === undefined) return;
    for (let made = directory; made.length >= first.length; made = dirname(made)) await syncFile(dirname(made));
  } catch (error) {
    throw storageError(error, directory);
  }
}

/** Makes directories in one that is there, and they survive a power cut. */
export async function makeDirectoriesIn(parent: string, names: readonly string[]): Promise<void> {
  try {
    const made = names.map((name) => mkdirSync(join(parent, name), { recursive: true }));
    if (made.some((first) => first !== undefined)) await syncFile(parent);
  } catch (error) {
    throw storageError(error, parent);
  }
}

/** Makes a file, its content and that it is there, survive a power cut. */
async function flushed(path: string): Promise<void> {
  await Promise.all([syncFile(path), syncFile(dirname(path))]);
}

/** Makes the content of a file, or what was created, renamed or removed in a directory, survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(error, dirname(path));
  }
}
