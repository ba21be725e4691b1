/**
 * What can go wrong while a model is planned, trained or run. The message is public: it holds no file name, no case id
 * and nothing read from an image, so that it may leave a hospital. `detail` is for the site's own log.
 */
export type TrainingErrorCode = `training.${string}`;

export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly code: TrainingErrorCode;
  /** For the local log only: may name a case, a path or a value. */
  readonly detail: string | undefined;

  constructor(code: TrainingErrorCode, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
