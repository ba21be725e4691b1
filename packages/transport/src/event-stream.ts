/**
 * The coordinator's end of a line: server-sent events on an answer that stays open. A comment every few seconds tells
 * the other side that the line lives. Whoever does not read is cut off: nothing is buffered without limit.
 */
import type { FastifyReply } from 'fastify';

export interface EventStreamOptions {
  readonly heartbeatMs?: number;
  /** Unsent bytes beyond which the connection is dropped. */
  readonly bufferBytesMax?: number;
}

/** Heartbeats for which nothing of what waits was taken, until the connection is dropped. */
const stalledHeartbeatsMax = 3;

export class EventStream implements Disposable {
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #reply: FastifyReply;
  readonly #bufferBytesMax: number;
  #stalled = 0;

  /** Sends the head of the answer; the route returns nothing after it. */
  constructor(reply: FastifyReply, { heartbeatMs = 5000, bufferBytesMax = 8 * 2 ** 20 }: EventStreamOptions = {}) {
    this.#reply = reply;
    this.#bufferBytesMax = bufferBytesMax;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.flushHeaders();
    const heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    this.closed = new Promise((resolve) => {
      const end = () => {
        clearInterval(heartbeat);
        resolve();
      };
      if (raw.destroyed) end();
      else raw.once('close', end);
      raw.once('error', () => {});
    });
  }

  /** False if the connection is gone, or was dropped for want of reading. What is lost is said again on the next line. */
  send(message: unknown): boolean {
    return this.#write(`data: ${JSON.stringify(message)}\n\n`);
  }

  close(): void {
    this.#reply.raw.end();
  }

  [Symbol.dispose](): void {
    this.#reply.raw.destroy();
  }

  #beat(): void {
    this.#stalled = this.#reply.raw.writableLength > 0 ? this.#stalled + 1 : 0;
    if (this.#stalled > stalledHeartbeatsMax) this.#reply.raw.destroy();
    else this.#write(':\n\n');
  }

  #write(text: string): boolean {
    const { raw } = this.#reply;
    if (raw.destroyed || raw.writableEnded) return false;
    raw.write(text);
    if (raw.writableLength > this.#bufferBytesMax) raw.destroy();
    return !raw.destroyed;
  }
}
