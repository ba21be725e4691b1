import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Requests } from './requests.ts';

/** How a request ends through a proxy that does this when it has been asked, and how often it was asked. */
async function through(answers: (socket: Socket) => void, idleMs = 5000) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => answers(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const requests = new Requests({
    origin: 'https://coordinator.example.org',
    authority: null,
    proxy: `http://user:a-password@127.0.0.1:${port}`,
    idleMs,
  });
  const { signal } = new AbortController();
  const error = await requests.askJson({ method: 'GET', path: '/', signal }).catch((thrown: unknown) => thrown);
  await requests.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  return { error, connections };
}

describe('a request through a proxy', () => {
  it.each([
    ['hangs up', (socket: Socket) => socket.destroy(), 'connection-lost'],
    ['hangs up politely', (socket: Socket) => socket.end(), 'connection-lost'],
    ['speaks something else', (socket: Socket) => socket.end('220 mail.example.org ESMTP\r\n'), 'connection-lost'],
    ['says no', (socket: Socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'), 'proxy-forbidden'],
    ['wants a password', (socket: Socket) => socket.end('HTTP/1.1 407 Who?\r\n\r\n'), 'proxy-authentication'],
    [
      'opens and hangs up',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', () => socket.destroy());
      },
      'connection-lost',
    ],
    ['opens to no TLS', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n'), 'no-tls'],
  ])('that %s fails by a code, having asked once', async (_, answers, code) => {
    const { error, connections } = await through(answers);
    expect(error).toMatchObject({ code: `transport.${code}` });
    expect(connections).toBe(1);
  });

  it('that says nothing fails after the idle limit', async () => {
    const { error, connections } = await through(() => {}, 300);
    expect(error).toMatchObject({ code: expect.stringMatching(/^transport\.(silent|proxy-unreachable)$/) });
    expect(connections).toBe(1);
  });
});
