/**
 * Server-sent events (WHATWG HTML 9.2), for pages that show what happens as it happens. Who does not read is cut off:
 * nothing is kept for them without limit, and a page that comes back asks for what it missed.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface EventStreamOptions {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Whether who listens would still be let in: logging out, or being shut out, ends the stream. */
  readonly isStillIn: () => boolean;
}

const signOfLifeMs = 15_000;
/** Unsent, beyond which the connection is dropped. */
const bufferBytesMax = 8 * 2 ** 20;

/**
 * Answers with a stream of events that lasts until one of the two ends it. `listen` is given what sends some; what it returns is
 * disposed of at the end. An event is its lines (`data: …`), without the blank line after it. None are asked for once who
 * listens is not let in any more.
 */
export function sendEvents(
  { request, reply, signal, isStillIn }: EventStreamOptions,
  listen: (send: (events: () => readonly string[]) => void) => readonly Disposable[],
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  const end = () => raw.end();
  const send = (events: () => readonly string[]) => {
    if (raw.writableEnded || raw.destroyed) return;
    if (raw.writableLength > bufferBytesMax) raw.destroy();
    else if (!isStillIn()) end();
    else for (const event of events()) raw.write(`${event}\n\n`);
  };
  const signOfLife = () => send(() => [': here']);
  signOfLife();
  const listening = listen(send);
  const alive = setInterval(signOfLife, signOfLifeMs);
  signal.addEventListener('abort', end, { once: true });
  request.raw.once('close', () => {
    clearInterval(alive);
    signal.removeEventListener('abort', end);
    for (const each of listening) each[Symbol.dispose]();
  });
}
