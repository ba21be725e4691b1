import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { sendEvents } from './event-stream.ts';

async function serve() {
  const app = fastify({ forceCloseConnections: true });
  const happenings = new EventEmitter();
  const over = new AbortController();
  const state = { isIn: true };
  app.get('/', (request, reply) => {
    sendEvents({ request, reply, signal: over.signal, isStillIn: () => state.isIn }, (send) => {
      const tell = (event: string) => send(() => [event]);
      happenings.on('event', tell);
      return [{ [Symbol.dispose]: () => void happenings.off('event', tell) }];
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { happenings, over, port, state, [Symbol.asyncDispose]: () => app.close() };
}

const listeners = ({ happenings }: { happenings: EventEmitter }) => happenings.listenerCount('event');

describe('a stream of events', () => {
  it('brings what happens as it happens, until whoever listens is shut out', async () => {
    await using server = await serve();
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe(': here\n\n');
    server.happenings.emit('event', 'data: 1');
    expect((await reader.read()).value).toBe('data: 1\n\n');
    server.state.isIn = false;
    server.happenings.emit('event', 'data: 2');
    expect((await reader.read()).done).toBe(true);
    await expect.poll(() => listeners(server)).toBe(0);
  });

  it('ends with the service', async () => {
    await using server = await serve();
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    server.over.abort();
    expect(await answer.text()).toBe(': here\n\n');
    await expect.poll(() => listeners(server)).toBe(0);
  });

  it('is cut off from who does not read it, before much is kept for them', async () => {
    await using server = await serve();
    const socket = connect(server.port, '127.0.0.1').on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'readable');
    socket.pause();
    expect(listeners(server)).toBe(1);
    const event = `data: ${'x'.repeat(2 ** 20)}`;
    let sent = 0;
    while (listeners(server) > 0 && sent < 100) {
      server.happenings.emit('event', event);
      sent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(listeners(server)).toBe(0);
    expect(sent).toBeLessThan(50);
    socket.destroy();
  });
});
