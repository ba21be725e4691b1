/** Why a service did not do what a page asked of it. */

interface ServiceErrorFacts {
  readonly code: string;
  readonly message: string;
  /** HTTP's; 0 if there was no answer. */
  readonly status: number;
  /** Of the first character of a query that is not understood, counted from 0. */
  readonly position?: number | undefined;
}

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: string;
  readonly status: number;
  readonly position: number | undefined;

  constructor({ code, message, position, status }: ServiceErrorFacts) {
    super(message);
    this.code = code;
    this.status = status;
    this.position = position;
  }
}

export function unreachable(): ServiceError {
  const message = 'The service did not answer.';
  return new ServiceError({ code: 'console.unreachable', message, status: 0 });
}

/** Of the body of an answer that says no. */
export function serviceErrorOf(status: number, body: unknown): ServiceError {
  const { code, message, position } = (body ?? {}) as { code?: unknown; message?: unknown; position?: unknown };
  return new ServiceError({
    code: typeof code === 'string' ? code : 'console.answer-unknown',
    message:
      typeof message === 'string' ? message : 'The service answered something that this page does not understand.',
    status,
    position: typeof position === 'number' ? position : undefined,
  });
}
