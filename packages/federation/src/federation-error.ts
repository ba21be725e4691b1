/** A job could not be run or resumed. */
export class FederationError extends Error {
  override readonly name = 'FederationError';
  readonly code: string;
  constructor(code: `federation.${string}`, message: string) {
    super(message);
    this.code = code;
  }
}
