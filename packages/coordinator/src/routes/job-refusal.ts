/** What of a job's errors was wrong with the request, as an answer for whoever asked. */
import { FederationError } from '@consilium/federation';
import { Refusal } from '@consilium/transport';

/** The rest is this side's own affair, and passes unchanged. */
export function refusalOf(error: unknown): unknown {
  const status = error instanceof FederationError ? refused[error.code] : undefined;
  return status === undefined ? error : new Refusal(status, (error as FederationError).code, (error as Error).message);
}

const refused: Readonly<Record<string, number>> = {
  'federation.bad-job': 400,
  'federation.mandate-mismatch': 400,
  'federation.secure-overflow': 400,
  'federation.secure-threshold': 400,
  'federation.secure-unsuitable': 400,
  'federation.job-unknown': 404,
  'federation.job-changed': 409,
  'federation.job-over': 409,
};
