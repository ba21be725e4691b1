/**
 * Every error of a route as an answer: a status, and `{code, message}`. What is no refusal concerns this side alone: the
 * other hears that it may try again, and the log has the rest.
 */
import { FederationError } from '@consilium/federation';
import { ProtocolError } from '@consilium/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';
import { TransportError } from './transport-error.ts';

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, message } = refusalOf(error);
  if (status >= 500) request.log.error(error);
  // What is left of a body that is too large is not waited for.
  if (status === 413) reply.header('connection', 'close');
  void reply.code(status).send({ code, message } satisfies ErrorBody);
}

function refusalOf(error: unknown): { readonly status: number } & ErrorBody {
  if (error instanceof Refusal) return error;
  if (error instanceof ProtocolError) return { status: 400, code: error.code, message: error.message };
  if (error instanceof TransportError || error instanceof FederationError) {
    switch (error.code) {
      case 'transport.manifest-mismatch':
      case 'transport.certificate-request-malformed':
        return { status: 400, code: error.code, message: error.message };
      case 'transport.chunk-missing':
      case 'federation.chunk-missing':
        return { status: 404, code: 'transport.chunk-missing', message: 'There is no such chunk.' };
      case 'transport.disk-full':
        return { status: 507, code: error.code, message: 'The disk of the other side is full.' };
    }
  }
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (status === 413) return { status, code: 'transport.body-too-large', message: 'The body is too large.' };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'transport.request-malformed', message: 'The request is malformed.' };
  }
  return { status: 500, code: 'transport.other-side-failed', message: 'The other side failed; its log says why.' };
}
