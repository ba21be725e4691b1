/** For whoever wants to know whether the way here works: who is asking, who is answering, and what time it is here. */
import { protocolVersion } from '@consilium/protocol';
import type { Identity } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface CheckRoutesOptions {
  readonly project: string;
  /** @throws a coded refusal */
  readonly identityOf: (request: FastifyRequest) => Identity;
  /** ISO 8601. */
  readonly now: () => string;
}

export async function checkRoutes(
  app: FastifyInstance,
  { project, identityOf, now }: CheckRoutesOptions,
): Promise<void> {
  app.get('/v1/check', async (request) => {
    const { role, id } = identityOf(request);
    return { project, role, id, protocolVersion, time: now() };
  });
}
