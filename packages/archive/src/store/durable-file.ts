/** Files that, after a crash or a power cut, are there whole or not at all. */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageError } from './storage-error.ts';

/** What the name of a file ends in that was never finished. */
export const draftSuffix = '.draft';

export interface DurableFileOptions {
  readonly mode?: number;
}

/**
 * Writes beside `path`, flushes, renames into place, and flushes the directory.
 * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  { mode = 0o640 }: DurableFileOptions = {},
): Promise<void> {
  const draft = `${path}.${randomUUID()}${draftSuffix}`;
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw storageError(error, path);
  }
}

/**
 * Writes a file that others see whole or not at all; a power cut may take it until it is flushed. It returns when the
 * operating system has the bytes, which takes less than handing them to another thread.
 * @param path if it exists already, its file is replaced.
 * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
 */
export function writeUnflushed(path: string, bytes: Uint8Array): void {
  const draft = `${path}.${randomUUID()}${draftSuffix}`;
  try {
    writeFileSync(draft, bytes, { flag: 'wx', mode: 0o640 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw storageError(error, path);
  }
}

/** Of a file that is there: makes its content survive a power cut. @throws as `writeUnflushed` */
export async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    await file.datasync().finally(() => file.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw storageError(error, path);
  }
}

/**
 * Makes all that was written to a directory's file system survive a power cut, by syncfs(2), which Node.js does not offer
 * but the program `sync` does. False where there is no such program, or it failed: then nothing is known.
 */
export function syncFileSystem(directory: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('sync', ['-f', directory], (error) => resolve(error === null));
  });
}

/** Makes a directory, and those it lies in, survive a power cut. */
export async function makeDirectory(directory: string, mode = 0o750): Promise<void> {
  try {
    const first = await mkdir(directory, { recursive: true, mode });
    if (first === undefined) return;
    for (let made = directory; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
  } catch (error) {
    throw storageError(error, directory);
  }
}

/** Flushes of a directory that have not begun yet: whoever comes meanwhile is served by the same flush. */
const waiting = new Map<string, Promise<void>>();
const running = new Map<string, Promise<void>>();

/** Makes what was created, renamed or removed in a directory survive a power cut; concurrent callers share a flush. */
export function syncDirectory(directory: string): Promise<void> {
  const joined = waiting.get(directory);
  if (joined !== undefined) return joined;
  const flush = (running.get(directory) ?? Promise.resolve())
    .catch(() => {})
    .then(() => {
      waiting.delete(directory);
      running.set(directory, flush);
      return flushed(directory);
    })
    .finally(() => {
      if (running.get(directory) === flush) running.delete(directory);
    });
  waiting.set(directory, flush);
  return flush;
}

async function flushed(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
