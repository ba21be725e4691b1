/** What happens in an archive as server-sent events (WHATWG HTML 9.2), for pages that show it as it happens. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ArchiveEvents } from '../archive-events.ts';

const signOfLifeMs = 15_000;

export function sendEvents(
  events: ArchiveEvents,
  { request, reply, signal }: { request: FastifyRequest; reply: FastifyReply; signal: AbortSignal },
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  raw.write(': here\n\n');
  const listening = events.listen((event) => raw.write(`data: ${JSON.stringify(event)}\n\n`));
  const alive = setInterval(() => raw.write(': here\n\n'), signOfLifeMs);
  const end = () => raw.end();
  signal.addEventListener('abort', end, { once: true });
  request.raw.once('close', () => {
    clearInterval(alive);
    signal.removeEventListener('abort', end);
    listening[Symbol.dispose]();
  });
}
