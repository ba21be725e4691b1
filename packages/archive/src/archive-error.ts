/**
 * Why something could not be taken in, kept, found or given out. Every code has a section in `docs/errors/archive.md`.
 * `message` never holds a value read from an image, a header or a path; `detail` may, for the local log.
 */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: `archive.${string}`;
  readonly detail: string | undefined;

  constructor(code: `archive.${string}`, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
