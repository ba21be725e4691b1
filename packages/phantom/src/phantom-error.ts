/** What can go wrong when patients are made up. Every code has a page in `docs/errors/phantom.md`. */
export type PhantomErrorCode = 'phantom.site-unknown' | 'phantom.option-not-whole' | 'phantom.study-not-written';

export class PhantomError extends Error {
  override readonly name = 'PhantomError';
  readonly code: PhantomErrorCode;
  /** For this machine's log only: may name a path. */
  readonly detail: string | undefined;

  constructor(code: PhantomErrorCode, message: string, options: { detail?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}
