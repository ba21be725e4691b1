/** What happens in a project as server-sent events (WHATWG HTML 9.2): to each only what that person may see. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Asker } from '../asker.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { eventAnswer, workAnswer } from './answers.ts';

const signOfLifeMs = 15_000;
const eventsMax = 1000;

export function sendEvents(
  room: ReadingRoom,
  {
    asker,
    isStillIn,
    project,
    reply,
    request,
    signal,
    since,
  }: {
    asker: Asker;
    project: string;
    /** Logging out, or being shut out, ends the stream. */
    isStillIn: (request: FastifyRequest) => boolean;
    /** The last event that is known; `Last-Event-ID` of a browser that comes back says it, too. */
    since: number;
    request: FastifyRequest;
    reply: FastifyReply;
    signal: AbortSignal;
  },
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  raw.write(': here\n\n');
  let last = Math.max(since, Number(request.headers['last-event-id'] ?? 0) || 0);
  const end = () => raw.end();
  const isOpen = () => {
    if (!raw.writableEnded && !isStillIn(request)) end();
    return !raw.writableEnded;
  };
  const send = () => {
    if (!isOpen()) return;
    for (const event of room.events(asker, project, { since: last, limit: eventsMax })) {
      last = event.seq;
      raw.write(`id: ${event.seq}\ndata: ${JSON.stringify(eventAnswer(event))}\n\n`);
    }
  };
  const listening = room.listen(send);
  // How far models are is told as it is now: of an event of another name, and without a number.
  const working = room.models.listen(asker, project, (work) => {
    if (isOpen()) raw.write(`event: work\ndata: ${JSON.stringify(workAnswer(work))}\n\n`);
  });
  send();
  const alive = setInterval(() => isOpen() && raw.write(': here\n\n'), signOfLifeMs);
  signal.addEventListener('abort', end, { once: true });
  request.raw.once('close', () => {
    clearInterval(alive);
    signal.removeEventListener('abort', end);
    listening[Symbol.dispose]();
    working[Symbol.dispose]();
  });
}
