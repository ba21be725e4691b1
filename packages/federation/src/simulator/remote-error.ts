/** A request that was not answered, or was refused by the other side. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  /** As much of an error as travels. */
  static from(error: unknown): RemoteError {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return new RemoteError(typeof code === 'string' ? code : 'remote.unexpected-error', String(message));
  }

  /** Whether asking again may help. */
  get isOfTheNetwork(): boolean {
    return this.code.startsWith('network.');
  }
}
