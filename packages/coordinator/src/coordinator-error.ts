/** Something failed on the coordinator's own side. The message says what to do; it may name its own paths. */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  readonly code: string;
  constructor(code: `coordinator.${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Names the failures of SQLite that a person can mend; other errors pass unchanged. */
export function databaseError(error: unknown, directory: string): unknown {
  const { errcode } = error as { errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : undefined; // https://sqlite.org/rescode.html
  const say = (code: `coordinator.${string}`, text: string) => new CoordinatorError(code, text, { cause: error });
  switch (primary) {
    case 13:
      return say(
        'coordinator.disk-full',
        `The disk of ${directory} is full. Nothing recorded is lost: free some space and resume.`,
      );
    case 5:
    case 6:
      return say('coordinator.store-in-use', `Another process is using ${directory}. Wait for it to end, or end it.`);
    case 8:
    case 14:
      return say(
        'coordinator.store-not-writable',
        `${directory} cannot be written to. Check its permissions, or choose another directory.`,
      );
    case 11:
    case 26:
      return say(
        'coordinator.store-damaged',
        `The ledger in ${directory} is damaged. Restore it from a backup, or begin in another directory.`,
      );
    default:
      return error;
  }
}
