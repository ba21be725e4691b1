/** Names the failures of file system and SQLite that a person can mend; other errors pass unchanged. */
import { ArchiveError } from '../archive-error.ts';

const permissionCodes: readonly unknown[] = ['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST', 'EISDIR'];

/** @param path goes into `detail` only. */
export function storageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof ArchiveError) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : undefined; // https://sqlite.org/rescode.html
  const say = (named: `archive.${string}`, message: string) =>
    new ArchiveError(named, message, { detail: `${path}: ${error.message}`, cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT' || primary === 13) {
    return say('archive.disk-full', 'The disk is full. Nothing that was acknowledged is lost: free some space.');
  }
  if (primary === 5 || primary === 6) {
    return say('archive.in-use', 'Another process has the archive open. Wait for it to end, or end it.');
  }
  if (permissionCodes.includes(code) || primary === 8 || primary === 14) {
    return say('archive.not-writable', 'A directory of the archive cannot be made or written to.');
  }
  if (primary === 11 || primary === 26) {
    return say('archive.catalogue-damaged', 'The catalogue is damaged. Restore the archive from a backup.');
  }
  return error;
}
