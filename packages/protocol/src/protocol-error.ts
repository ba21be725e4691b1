/** The other side did not keep to the protocol. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: string;
  constructor(code: `protocol.${string}`, message: string) {
    super(message);
    this.code = code;
  }
}
