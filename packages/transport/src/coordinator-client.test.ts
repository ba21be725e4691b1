import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { getBlob, MemoryStore, putBlob } from '@consilium/federation';
import {
  type CoordinatorMessage,
  chunkBytes,
  type Hello,
  type JobId,
  protocolVersion,
  type Task,
  type TaskId,
} from '@consilium/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type BlobRoutesOptions, blobRoutes } from './blob-routes.ts';
import { ConnectProxy } from './connect-proxy.fixture.ts';
import { CoordinatorClient, type CoordinatorClientOptions } from './coordinator-client.ts';
import type { Credentials } from './credentials.ts';
import { EventStream, type EventStreamOptions } from './event-stream.ts';
import type { Identity } from './identity.ts';
import { createProject } from './project.fixture.ts';
import { TcpRelay } from './tcp-relay.fixture.ts';
import { createTlsServer } from './tls-server.ts';

const project = await createProject();
const serverCredentials = await project.server();
const siteCredentials = await project.site('site-1');
const authority = project.authority.certificate;
const hello: Hello = { kind: 'hello', protocolVersion, holding: [] };
const welcome: CoordinatorMessage = { kind: 'welcome', protocolVersion, coordinatorTime: '2026-01-01T00:00:00Z' };
const abort = (taskId: string): CoordinatorMessage => ({ kind: 'abort', taskId: taskId as TaskId });
const never = new AbortController().signal;
const alive = { kind: 'alive' } as const;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface ServeOptions {
  readonly credentials?: Credentials;
  readonly stream?: EventStreamOptions;
  readonly nowMs?: () => number;
  readonly blobs?: Partial<BlobRoutesOptions>;
}

async function serve({ credentials = serverCredentials, stream = {}, nowMs = Date.now, blobs }: ServeOptions = {}) {
  const revoked = new Set<string>();
  const server = createTlsServer({
    project: 'kidney',
    credentials,
    authority,
    admits: ({ serial }) => !revoked.has(serial),
    nowMs,
  });
  const { app } = server;
  const lines: EventStream[] = [];
  const peers: (Identity | null)[] = [];
  app.post('/v1/line', async (request, reply) => {
    peers.push(request.identity);
    const line = new EventStream(reply, stream);
    line.send(welcome);
    lines.push(line);
  });
  app.post('/v1/messages', async () => ({ kind: 'accepted' }));
  app.post('/v1/join', { config: { anonymous: true } }, async (request) => ({ known: request.identity?.id ?? null }));
  await app.register(blobRoutes, { store: new MemoryStore(), authorise: () => {}, ...blobs });
  await app.listen({ host: '127.0.0.1', port: 0 });
  closing.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  return { server, port, lines, revoked, peers };
}

function clientTo(port: number, options: Partial<CoordinatorClientOptions> = {}): CoordinatorClient {
  const origin = `https://localhost:${port}`;
  const client = new CoordinatorClient({ origin, authority, credentials: siteCredentials, ...options });
  closing.push(() => client.close());
  return client;
}

describe('a line to the coordinator', () => {
  it('brings what the coordinator says, in order and whatever its size, until the coordinator ends it', async () => {
    const { port, lines, peers } = await serve();
    const received: string[] = [];
    const names = ['ä€😀'.normalize(), 'plain'].flatMap((_, index) => [`job/${index}`, `job/${index}`.repeat(40)]);
    const reading = (async () => {
      for await (const message of clientTo(port).openLine(hello, never)) {
        if (message.kind === 'welcome') for (const name of names) lines[0]!.send(abort(name));
        if (message.kind === 'abort') received.push(message.taskId);
        if (received.length === names.length) lines[0]!.close();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'transport.line-ended' });
    expect(received).toEqual(names);
    expect(peers).toEqual([expect.objectContaining({ role: 'site', id: 'site-1' })]);
  });

  it('tells of manifests, which are not asked for then', async () => {
    const store = new MemoryStore();
    const blob = await putBlob(store, new Uint8Array([1, 2, 3]));
    const other = await putBlob(store, new Uint8Array([4]));
    const { server, port, lines } = await serve({ blobs: { store } });
    const task: Task = {
      ...{ kind: 'evaluate', plan: 1, model: other, weights: blob, split: 'validation', pictures: false },
      ...{ taskId: 'job/1/evaluate/site-1' as TaskId, jobId: 'job' as JobId, attempt: 1 },
      modelName: 'job' as Extract<Task, { kind: 'evaluate' }>['modelName'],
    };
    const client = clientTo(port);
    const mine = new MemoryStore();
    for await (const message of client.openLine(hello, never)) {
      if (message.kind === 'welcome') {
        lines[0]!.send({ kind: 'task', task, manifests: [(await store.getManifest(blob))!] });
        continue;
      }
      const asked: string[] = [];
      server.app.server.on('request', ({ url }: { url?: string }) => asked.push(url!.split('/')[2]!));
      await client.fetchBlob(blob, mine, never);
      expect(asked).toEqual(['chunks']);
      await client.fetchBlob(other, mine, never);
      expect(asked).toEqual(['chunks', 'blobs', 'chunks']);
      break;
    }
    expect(await getBlob(mine, blob)).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('ends by the signal, and the coordinator notices', async () => {
    const { port, lines } = await serve();
    const over = new AbortController();
    const reading = (async () => {
      for await (const _ of clientTo(port).openLine(hello, over.signal)) over.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
    await lines[0]!.closed;
    expect(lines[0]!.send(welcome)).toBe(false);
  });

  it('lives by heartbeats alone, and by them only: a peer gone silent is noticed within the idle limit', async () => {
    const { port } = await serve({ stream: { heartbeatMs: 50 } });
    await using relay = await TcpRelay.start(port);
    const line = clientTo(relay.port, { idleMs: 500 }).openLine(hello, never);
    expect((await line.next()).value).toEqual(welcome);
    const next = line.next();
    const early = await Promise.race([
      next.catch(() => 'ended'),
      new Promise((resolve) => setTimeout(resolve, 1500, 'lives')),
    ]);
    expect(early).toBe('lives');
    relay.isStalled = true;
    const stalledMs = performance.now();
    await expect(next).rejects.toMatchObject({ code: 'transport.silent' });
    expect(performance.now() - stalledMs).toBeLessThan(1500);
  });

  it('does not take the time its own reader needs for silence', async () => {
    const { port, lines } = await serve({ stream: { heartbeatMs: 50 } });
    const line = clientTo(port, { idleMs: 300 }).openLine(hello, never);
    await line.next();
    await new Promise((resolve) => setTimeout(resolve, 700));
    lines[0]!.send(abort('job/1'));
    expect((await line.next()).value).toEqual(abort('job/1'));
    await line.return(undefined as never);
  });

  it('refuses what is no message', async () => {
    const { port, lines } = await serve();
    const line = clientTo(port).openLine(hello, never);
    await line.next();
    lines[0]!.send({ kind: 'surprise' });
    await expect(line.next()).rejects.toMatchObject({ code: 'protocol.malformed-message' });
    await lines[0]!.closed;
  });

  it('is dropped by the coordinator when its peer reads nothing, and buffers no more than it may', async () => {
    const { port, lines } = await serve({ stream: { bufferBytesMax: 100_000, heartbeatMs: 20 } });
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority,
      ...tls(siteCredentials),
    });
    const body = JSON.stringify(hello);
    socket.on('error', () => {});
    socket.write(
      `POST /v1/line HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    socket.pause();
    let sent = 0;
    while (lines[0]!.send(abort('job/1'.repeat(50)))) {
      if (++sent % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await lines[0]!.closed;
    expect(sent * 280).toBeLessThan(50e6);
    socket.destroy();
  });
});

function tls({ certificate, key }: Credentials) {
  return { cert: certificate, key };
}

describe('a transfer that waits for its turn', () => {
  it('is told so, and fails neither by the idle limit nor otherwise', async () => {
    const store = new MemoryStore();
    const putChunk = store.putChunk.bind(store);
    store.putChunk = async (bytes) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return putChunk(bytes);
    };
    const { port } = await serve({ blobs: { store, chunksInMemoryMax: 1, signOfLifeMs: 50 } });
    const retries: string[] = [];
    const client = clientTo(port, { idleMs: 500, chunksAtOnce: 3, onRetry: ({ code }) => retries.push(code) });
    const source = new MemoryStore();
    const id = await putBlob(
      source,
      new Uint8Array(2 * chunkBytes + 1).map((_, index) => index >> 20),
    );
    await client.offerBlob(id, source, never);
    expect(retries).toEqual([]);
    expect(await store.getManifest(id)).toBeDefined();
  });
});

describe('who may ask the coordinator', () => {
  const refusalOf = (client: CoordinatorClient) =>
    client.send(alive).then(
      () => undefined,
      (error) => error,
    );

  it('is who has a certificate of the project, and for enrolment anybody', async () => {
    const { port } = await serve();
    expect(await clientTo(port).send(alive)).toEqual({ kind: 'accepted' });
    const nobody = clientTo(port, { credentials: undefined });
    expect(await nobody.post('/v1/join', {})).toEqual({ known: null });
    expect(await clientTo(port).post('/v1/join', {})).toEqual({ known: 'site-1' });
    expect(await refusalOf(nobody)).toMatchObject({
      name: 'Refusal',
      status: 401,
      code: 'transport.certificate-wanted',
    });
    await expect(nobody.post('/v1/nothing', {})).rejects.toMatchObject({ code: 'transport.certificate-wanted' });
    await expect(clientTo(port).post('/v1/nothing', {})).rejects.toMatchObject({ code: 'transport.no-such-route' });
  });

  it('is nobody of another project, of another authority with the same name, or with a server certificate', async () => {
    const { port } = await serve();
    const liver = await (await createProject('liver')).site('site-1');
    const impostor = await (await createProject('kidney')).site('site-1');
    for (const credentials of [liver, impostor, serverCredentials]) {
      expect(await refusalOf(clientTo(port, { credentials }))).toMatchObject({ code: 'transport.certificate-foreign' });
    }
  });

  it('is nobody whose certificate was revoked, on a connection that exists as on a new one', async () => {
    const { port, revoked, peers } = await serve();
    const client = clientTo(port);
    await client.openLine(hello, never).next();
    expect(await refusalOf(client)).toBeUndefined();
    revoked.add(peers[0]!.serial);
    expect(await refusalOf(client)).toMatchObject({ status: 403, code: 'transport.certificate-revoked' });
    expect(await refusalOf(clientTo(port))).toMatchObject({ code: 'transport.certificate-revoked' });
    expect(await refusalOf(clientTo(port, { credentials: await project.site('site-1') }))).toBeUndefined();
  });

  it('is nobody whose certificate has expired: both sides know it, and a renewed one is taken up while running', async () => {
    const { port } = await serve();
    const short = await project.site('site-1', 0.00001);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const client = clientTo(port, { credentials: short });
    expect(await refusalOf(client)).toMatchObject({ name: 'TransportError', code: 'transport.certificate-expired' });
    const wrongClock = clientTo(port, { credentials: short, nowMs: () => 0 });
    expect(await refusalOf(wrongClock)).toMatchObject({ name: 'Refusal', code: 'transport.certificate-expired' });
    client.replaceCredentials(await project.site('site-1'));
    expect(await refusalOf(client)).toBeUndefined();
  });

  it('is nobody whose certificate expires while its connection lasts', async () => {
    let nowMs = Date.now();
    const { port } = await serve({ nowMs: () => nowMs });
    const client = clientTo(port);
    expect(await refusalOf(client)).toBeUndefined();
    nowMs += 8 * 24 * 60 * 60 * 1000;
    expect(await refusalOf(client)).toMatchObject({ name: 'Refusal', code: 'transport.certificate-expired' });
  });
});

describe('what keeps a site from its coordinator is named by a code', () => {
  const codeOf = (client: CoordinatorClient) =>
    client.send(alive).then(
      () => 'none',
      ({ code }) => code,
    );

  it('when the server is another', async () => {
    const { port } = await serve();
    const other = (await createProject()).authority.certificate;
    expect(await codeOf(clientTo(port, { authority: other }))).toBe('transport.authority-unknown');
    const elsewhere = await serve({ credentials: await project.server(['coordinator.example']) });
    expect(await codeOf(clientTo(elsewhere.port))).toBe('transport.host-mismatch');
    const pretender = await serve({ credentials: siteCredentials });
    expect(await codeOf(clientTo(pretender.port))).toBe('transport.not-a-coordinator');
    const old = await serve({ credentials: await project.server(['localhost'], -0.001) });
    expect(await codeOf(clientTo(old.port))).toBe('transport.server-certificate-expired');
    old.server.replaceCredentials(serverCredentials);
    expect(await codeOf(clientTo(old.port))).toBe('none');
  });

  it('when nothing is there, or something else', async () => {
    const plain = createServer((socket) => void socket.resume().end('HTTP/1.1 200 OK\r\n\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as AddressInfo;
    expect(await codeOf(clientTo(port))).toBe('transport.no-tls');
    await new Promise((resolve) => plain.close(resolve));
    expect(await codeOf(clientTo(port))).toBe('transport.connection-refused');
    expect(await codeOf(clientTo(0, { origin: 'https://no-such-host.invalid:443' }))).toBe('transport.unknown-host');
    const silent = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    const mute = clientTo((silent.address() as AddressInfo).port, { idleMs: 300 });
    expect(['transport.silent', 'transport.unreachable']).toContain(await codeOf(mute));
  });

  it('when the peer speaks no TLS 1.3', async () => {
    const { port } = await serve();
    const options = { port, host: '127.0.0.1', ca: authority, servername: 'localhost', ...tls(siteCredentials) };
    const refused = new Promise((resolve) => {
      connectTls({ ...options, maxVersion: 'TLSv1.2' }).on('error', resolve);
    });
    expect(String(await refused)).toMatch(/protocol version/);
    const plain = connectTcp(port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'));
    await new Promise((resolve) => plain.on('error', resolve).on('close', resolve));
  });

  it('when a proxy is in the way; and when it lets through, everything works', async () => {
    const store = new MemoryStore();
    const { port } = await serve({ blobs: { store } });
    const other = await serve();
    await using proxy = await ConnectProxy.start({ login: 'hospital:p@ss', allowedPort: port });
    const through = (login: string) => `http://${login}@127.0.0.1:${proxy.port}`;
    expect(await codeOf(clientTo(port, { proxy: through('hospital:wrong') }))).toBe('transport.proxy-authentication');
    expect(await codeOf(clientTo(other.port, { proxy: through('hospital:p%40ss') }))).toBe('transport.proxy-forbidden');
    expect(await codeOf(clientTo(port, { proxy: 'http://127.0.0.1:1' }))).toBe('transport.proxy-unreachable');
    expect(await codeOf(clientTo(port, { proxy: 'http://no-such-proxy.invalid:3128' }))).toBe(
      'transport.proxy-unreachable',
    );
    await using gone = await ConnectProxy.start({ login: 'a:b', allowedPort: 1 });
    const beyond = clientTo(1, { proxy: `http://a:b@127.0.0.1:${gone.port}` });
    expect(await codeOf(beyond)).toBe('transport.proxy-failed');

    const client = clientTo(port, { proxy: through('hospital:p%40ss') });
    const line = client.openLine(hello, never);
    expect((await line.next()).value).toEqual(welcome);
    const source = new MemoryStore();
    const bytes = new Uint8Array(20_000_000).fill(9);
    const id = await putBlob(source, bytes);
    await client.offerBlob(id, source, never);
    expect(Buffer.compare(await getBlob(store, id), bytes)).toBe(0);
    expect(proxy.tunnels).toBeGreaterThan(1);
    expect(proxy.tunnels).toBeLessThanOrEqual(8);
  });
});
