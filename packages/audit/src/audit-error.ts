/** Why something could not be written down, or what is wrong with what was. Nothing of an entry is in the message. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: `audit.${string}`;
  constructor(code: `audit.${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Of SQLite's and the file system's failures. */
export function auditErrorOf(error: unknown): unknown {
  if (error instanceof AuditError || !(error instanceof Error)) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const primary = typeof errcode === 'number' ? errcode & 0xff : undefined; // https://sqlite.org/rescode.html
  if (primary === 11 || primary === 26) {
    const text =
      'The audit log is damaged. Keep what is there for whoever looks into it, and restore it from a backup.';
    return new AuditError('audit.log-damaged', text, { cause: error });
  }
  if (primary === undefined && typeof code !== 'string') return error;
  const text =
    'The audit log cannot be written, so nothing is done that has to be in it. Look at its disk and permissions.';
  return new AuditError('audit.not-recorded', text, { cause: error });
}
