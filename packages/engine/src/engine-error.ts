/** Every operating failure of this package. `docs/errors/engine.md` has a section per code. */
export type EngineErrorCode =
  | 'engine.model-malformed'
  | 'engine.model-unsupported'
  | 'engine.operator-unknown'
  | 'engine.operator-not-differentiable'
  | 'engine.shape-mismatch'
  | 'engine.weights-mismatch'
  | 'engine.state-mismatch'
  | 'engine.feed-mismatch'
  | 'engine.session-failed'
  | 'engine.loss-not-finite';

/** The message names operators, tensors and shapes of the network; never a value of a tensor. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A `never` that was reached after all: a switch forgot a case. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}
