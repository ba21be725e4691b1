/** What happens in an archive as server-sent events (WHATWG HTML 9.2), for pages that show it as it happens. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ArchiveEvents } from '../archive-events.ts';

const signOfLifeMs = 15_000;

export function sendEvents(
  events: ArchiveEvents,
  {
    isStillIn,
    reply,
    request,
    signal,
  }: {
    /** Whether who listens would still be let in: logging out, or being shut out, ends the stream. */
    isStillIn: () => boolean;
    request: FastifyRequest;
    reply: FastifyReply;
    signal: AbortSignal;
  },
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  raw.write(': here\n\n');
  const end = () => raw.end();
  const write = (text: string) => {
    if (raw.writableEnded) return;
    if (isStillIn()) raw.write(text);
    else end();
  };
  const listening = events.listen((event) => write(`data: ${JSON.stringify(event)}\n\n`));
  const alive = setInterval(() => write(': here\n\n'), signOfLifeMs);
  signal.addEventListener('abort', end, { once: true });
  request.raw.once('close', () => {
    clearInterval(alive);
    signal.removeEventListener('abort', end);
    listening[Symbol.dispose]();
  });
}
