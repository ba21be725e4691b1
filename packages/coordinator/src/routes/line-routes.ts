/**
 * A site's line: one request that is answered with an event stream of tasks for as long as it lasts, and one request for
 * each thing the site has to say. Who a site is, its certificate says.
 */
import {
  type CoordinatorMessage,
  checkProtocolVersion,
  type Hello,
  parseHello,
  parseSiteMessage,
  protocolVersion,
  type Revocations,
  type SiteId,
} from '@consilium/protocol';
import { EventStream, Refusal } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SiteLines } from '../site-lines.ts';

export interface LineRoutesOptions {
  readonly lines: SiteLines;
  /** @throws a coded refusal if the peer is not an admitted site */
  readonly siteOf: (request: FastifyRequest) => SiteId;
  /** ISO 8601. */
  readonly now: () => string;
  /** Members that were revoked. */
  readonly revocations: () => Revocations;
  /** For the log. */
  readonly onLine: (siteId: SiteId, state: 'connected' | 'disconnected') => void;
}

export async function lineRoutes(app: FastifyInstance, options: LineRoutesOptions): Promise<void> {
  const { lines, siteOf, now, onLine, revocations } = options;

  app.post('/v1/line', async (request, reply) => {
    const siteId = siteOf(request);
    const hello: Hello = parseHello(request.body);
    checkProtocolVersion(hello.protocolVersion);
    const line = lines.of(siteId);
    const stream = new EventStream(reply);
    const connection = {
      send: (message: CoordinatorMessage) => stream.send(message),
      end: () => stream.close(),
    };
    const welcome = { kind: 'welcome', protocolVersion, coordinatorTime: now(), revocations: revocations() } as const;
    stream.send(welcome satisfies CoordinatorMessage);
    onLine(siteId, 'connected');
    void stream.closed.then(() => {
      line.disconnected(connection);
      onLine(siteId, 'disconnected');
    });
    await line.connected(hello, connection);
  });

  app.post('/v1/messages', async (request) => {
    const siteId = siteOf(request);
    const message = parseSiteMessage(request.body);
    if ('taskId' in message && !message.taskId.endsWith(`/${siteId}`)) {
      throw new Refusal(403, 'coordinator.task-of-another', 'The task was given to another site.');
    }
    return lines.of(siteId).receive(message);
  });
}
