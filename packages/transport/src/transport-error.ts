/** Bytes could not be kept or moved. The message says what to do; it may name this side's own paths and hosts. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: string;
  constructor(code: `transport.${string}`, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
