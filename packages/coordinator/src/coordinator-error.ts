/** Something failed on the coordinator's own side. The message says what to do; it may name the coordinator's own paths. */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  readonly code: string;
  constructor(code: `coordinator.${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Names the failures of file system and SQLite that a person can mend; other errors pass unchanged. */
export function storageError(error: unknown, directory: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : undefined; // https://sqlite.org/rescode.html
  if (code === 'ENOSPC' || code === 'EDQUOT' || primary === 13) {
    const text = `The disk of ${directory} is full. Nothing recorded is lost: free some space and resume.`;
    return new CoordinatorError('coordinator.disk-full', text, { cause: error });
  }
  if (primary === 5 || primary === 6) {
    const text = `Another process is using ${directory}. Wait for it to end, or end it.`;
    return new CoordinatorError('coordinator.store-in-use', text, { cause: error });
  }
  if (['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'].includes(String(code)) || primary === 8 || primary === 14) {
    const text = `${directory} cannot be written to. Check its permissions, or choose another directory.`;
    return new CoordinatorError('coordinator.store-not-writable', text, { cause: error });
  }
  if (primary === 11 || primary === 26) {
    const text = `The ledger in ${directory} is damaged. Restore it from a backup, or begin in another directory.`;
    return new CoordinatorError('coordinator.store-damaged', text, { cause: error });
  }
  return error;
}
