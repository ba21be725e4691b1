/**
 * What can go wrong while a model is published, checked or applied. The message is public: it holds no path and nothing read
 * from an image. `detail` is for the person at the terminal and the local log.
 */
export type PublicationErrorCode = `publication.${string}`;

export class PublicationError extends Error {
  override readonly name = 'PublicationError';
  readonly code: PublicationErrorCode;
  readonly detail: string | undefined;

  constructor(code: PublicationErrorCode, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
