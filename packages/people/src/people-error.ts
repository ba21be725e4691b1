/**
 * Why somebody is not let in, or something about people was not done. Every code has a section in `docs/errors/people.md`.
 * `message` never holds what somebody typed or sent.
 */
export class PeopleError extends Error {
  override readonly name = 'PeopleError';
  readonly code: `people.${string}`;
  /** Of HTTP. */
  readonly statusCode: number;
  /** When it may be tried again. */
  readonly waitSeconds: number | undefined;

  constructor(
    code: `people.${string}`,
    message: string,
    { cause, statusCode = 400, waitSeconds }: { cause?: unknown; statusCode?: number; waitSeconds?: number } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.statusCode = statusCode;
    this.waitSeconds = waitSeconds;
  }
}
