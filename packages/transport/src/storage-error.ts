/** Names the failures of file system and SQLite that a person can mend; other errors pass unchanged. */
import { TransportError } from './transport-error.ts';

export function storageError(error: unknown, directory: string): unknown {
  if (!(error instanceof Error) || error instanceof TransportError) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : undefined; // https://sqlite.org/rescode.html
  if (code === 'ENOSPC' || code === 'EDQUOT' || primary === 13) {
    const text = `The disk of ${directory} is full. Nothing kept is lost: free some space and go on.`;
    return new TransportError('transport.disk-full', text, { cause: error });
  }
  if (primary === 5 || primary === 6) {
    const text = `Another process is using ${directory}. Wait for it to end, or end it.`;
    return new TransportError('transport.directory-in-use', text, { cause: error });
  }
  if (['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'].includes(String(code)) || primary === 8 || primary === 14) {
    const text = `${directory} cannot be written to. Check its permissions, or choose another directory.`;
    return new TransportError('transport.not-writable', text, { cause: error });
  }
  if (code === 'EIO' || primary === 10) {
    const text = `The disk of ${directory} fails to read or write. Replace it; restore the directory from a backup.`;
    return new TransportError('transport.disk-failing', text, { cause: error });
  }
  if (primary === 11 || primary === 26) {
    const text = `The database in ${directory} is damaged. Restore it from a backup, or begin in another directory.`;
    return new TransportError('transport.database-damaged', text, { cause: error });
  }
  return error;
}
