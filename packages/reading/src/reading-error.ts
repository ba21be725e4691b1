/**
 * Why something in the reading room was refused. Every code has a section in `docs/errors/reading.md`. `message` never holds
 * a value read from an image, a header or a path; `detail` may, for the local log.
 */
export class ReadingError extends Error {
  override readonly name = 'ReadingError';
  readonly code: `reading.${string}`;
  readonly detail: string | undefined;

  constructor(code: `reading.${string}`, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
