/** A request that was answered with no: thrown where that is decided, and again at the side that asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** HTTP status, 400 to 499. */
  readonly status: number;
  readonly code: string;
  /** The message goes to the other side: it names nothing of this one's. */
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
