import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createProject } from './project.fixture.ts';
import { Requests } from './requests.ts';

const project = await createProject();
const { certificate, key } = await project.server();
const { signal } = new AbortController();

/** What the other side does with a request: a request ends with its head here, or with `!`. */
let answer: (socket: TLSSocket) => void;
let connections = 0;
const server = createServer({ cert: certificate, key }, (socket) => {
  connections++;
  socket.on('error', () => {});
  let asked = '';
  socket.on('data', (bytes) => {
    asked += bytes.toString('latin1');
    if (!(asked.startsWith('PUT') ? asked.endsWith('!') : asked.endsWith('\r\n\r\n'))) return;
    asked = '';
    answer(socket);
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const requests = new Requests({
  origin: `https://localhost:${(server.address() as AddressInfo).port}`,
  authority: project.authority.certificate,
});
afterAll(async () => {
  await requests.close();
  server.close();
});
beforeEach(() => {
  connections = 0;
});

const says = (text: string) => {
  answer = (socket) => socket.write(text, 'latin1');
};
const fetched = async (length = 5): Promise<string> => {
  const into = new Uint8Array(length);
  const bytes = await requests.moveChunk({ method: 'GET', path: '/v1/chunks/a', into }, signal);
  return Buffer.from(into.subarray(0, bytes)).toString();
};
const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes';

describe('the wire of chunks', () => {
  it('reads an answer cut at any byte, after signs of life, over one connection', async () => {
    const text = `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${whole}`;
    for (let cut = 1; cut < text.length; cut += 3) {
      answer = (socket) => {
        socket.write(text.slice(0, cut), () => setImmediate(() => socket.write(text.slice(cut))));
      };
      expect(await fetched()).toBe('bytes');
    }
    says('HTTP/1.1 204 No Content\r\n\r\n');
    const send = Buffer.from('a chunk!');
    expect(await requests.moveChunk({ method: 'PUT', path: '/v1/chunks/a', send }, signal)).toBe(0);
    expect(connections).toBeLessThanOrEqual(2);
  });

  it.each([
    ['is no HTTP', '220 mail.example.org ESMTP\r\n\r\n'],
    ['has a head without an end', `HTTP/1.1 200 OK\r\n${'x'.repeat(40_000)}`],
    ['does not say how long it is', 'HTTP/1.1 200 OK\r\n\r\nbytes'],
    ['is longer than the chunk', 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nbytes!'],
    ['says no at great length', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 99999999\r\n\r\n'],
  ])('refuses an answer that %s, and goes on with another connection', async (_, text) => {
    says(text);
    await expect(fetched()).rejects.toMatchObject({ code: 'transport.answer-malformed' });
    says(whole);
    expect(await fetched()).toBe('bytes');
  });

  it('gives on what the coordinator says no with, though the chunk is still being sent', async () => {
    const no = JSON.stringify({ code: 'transport.hash-mismatch', message: 'Other bytes have that name.' });
    says(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${no.length}\r\n\r\n${no}`);
    const refusal = { name: 'Refusal', status: 400, code: 'transport.hash-mismatch' };
    await expect(fetched()).rejects.toMatchObject(refusal);
    const send = new Uint8Array(8 * 2 ** 20).fill('!'.charCodeAt(0));
    await expect(requests.moveChunk({ method: 'PUT', path: '/', send }, signal)).rejects.toMatchObject(refusal);
    says(whole);
    expect(await fetched()).toBe('bytes');
  });

  it('takes no connection again that was closed, or on which more came than was asked for', async () => {
    answer = (socket) => socket.end(whole.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    for (let turn = 0; turn < 3; turn++) expect(await fetched()).toBe('bytes');
    expect(connections).toBeGreaterThanOrEqual(2); // the first may be one of before
    answer = (socket) => socket.write(`${whole}more`);
    await fetched().catch(() => {});
    says(whole);
    expect(await fetched()).toBe('bytes');
    answer = (socket) => socket.write(whole.slice(0, -1), () => socket.destroy());
    await expect(fetched()).rejects.toMatchObject({ code: 'transport.connection-lost' });
  });
});
