/**
 * A coordinator, as a process, with a site and a member that send it whatever they like. What is a matter of one part of it
 * is tested beside that part (docs/threat-model.md has the list); here is what somebody with a connection can do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { deflateSync, gzipSync } from 'node:zlib';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { submissionSchema } from '@consilium/federation';
import { type Credentials, createCertificateRequest, wallClockMs } from '@consilium/transport';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helloSchema, siteMessageSchema } from '../packages/protocol/src/messages.ts';
import { hostileText } from './hostile-message.fixture.ts';
import { Trap } from './trap.fixture.ts';

const host = '127.0.0.1';
const root = mkdtempSync(join(tmpdir(), 'consilium-hostile-site-'));
const directory = join(root, 'coordinator');
const main = resolve(import.meta.dirname, '../packages/cli/src/main.ts');
let port: number;
let coordinator: ChildProcess;
let log = '';
let site: Credentials;
let member: Credentials;

async function admitted(inside: Coordinator, role: 'site' | 'member', id: string): Promise<Credentials> {
  const { key, request } = await createCertificateRequest();
  const { fingerprint } = inside.registry.enrol(inside.registry.invite({ role, id }, 1), request);
  const { certificate } = await inside.registry.admit(role, id, fingerprint);
  return { key, certificate: certificate! };
}

beforeAll(async () => {
  await initCoordinator(
    directory,
    { project: 'kidney', names: [host], listen: { host, port: 0 } },
    { nowMs: wallClockMs },
  );
  {
    await using inside = await Coordinator.start(directory);
    site = await admitted(inside, 'site', 'site-1');
    member = await admitted(inside, 'member', 'mallory');
    port = inside.port;
  }
  const args = ['coordinator', 'start', '--directory', directory, '--port', String(port), '--log-level', 'debug'];
  coordinator = spawn(process.execPath, ['--conditions=consilium-source', main, ...args], { cwd: root });
  const { promise, resolve: listening } = Promise.withResolvers<void>();
  const hear = (text: string) => {
    log += text;
    if (log.includes('listening')) listening();
  };
  coordinator.stdout!.setEncoding('utf8').on('data', hear);
  coordinator.stderr!.setEncoding('utf8').on('data', hear);
  coordinator.once('exit', listening);
  await promise;
}, 120_000);

afterAll(async () => {
  const ended = new Promise((done) => coordinator.once('exit', done));
  coordinator.kill('SIGTERM');
  await ended;
  rmSync(root, { recursive: true, force: true });
});

function open(peer: Credentials | null): TLSSocket {
  const own = peer === null ? {} : { cert: peer.certificate, key: peer.key };
  return connect({ host, port, rejectUnauthorized: false, ...own });
}

/** All that is answered to these bytes, until the other side closes, or says nothing more for a moment. */
async function raw(peer: Credentials | null, bytes: string | Uint8Array, quietMs = 400): Promise<string> {
  const socket = open(peer);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  await new Promise((done) => socket.once('secureConnect', done));
  socket.write(bytes);
  await Promise.race([closed, quiet(() => answer, quietMs)]);
  socket.destroy();
  return answer;
}

async function quiet(heard: () => string, ms: number): Promise<void> {
  for (let before = '-'; ; ) {
    const now = heard();
    if (now !== '' && now === before) return;
    before = now;
    await new Promise((later) => setTimeout(later, ms));
  }
}

const headOf = (method: string, path: string, headers: readonly string[]) =>
  [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n');
const statusesIn = (answer: string) =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

/** One request on its own connection. */
async function ask(peer: Credentials | null, method: string, path: string, body: string | Uint8Array, headers = json) {
  const bytes = Buffer.from(body);
  const head = headOf(method, path, [...headers, `Content-Length: ${bytes.length}`, 'Connection: close']);
  const answer = await raw(peer, Buffer.concat([Buffer.from(head), bytes]), 2000);
  return { status: statusesIn(answer)[0] ?? 0, text: answer };
}
const json = ['Content-Type: application/json'];

/** Many on one connection, one after the other. */
class Talk {
  readonly #socket: TLSSocket;
  #heard = '';
  #wake = () => {};

  constructor(peer: Credentials) {
    this.#socket = open(peer);
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#heard += text;
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#wake());
  }

  /** The status and the code of an error. */
  async post(path: string, text: string): Promise<{ readonly status: number; readonly body: string }> {
    const bytes = Buffer.from(text);
    this.#heard = '';
    this.#socket.write(headOf('POST', path, [...json, `Content-Length: ${bytes.length}`]));
    this.#socket.write(bytes);
    for (;;) {
      const answer = /^HTTP\/1\.1 (\d{3}).*?\r\ncontent-length: (\d+).*?\r\n\r\n(.*)$/is.exec(this.#heard);
      if (answer !== null && answer[3]!.length >= Number(answer[2]))
        return { status: Number(answer[1]), body: answer[3]! };
      const isStream = /^HTTP\/1\.1 200.*text\/event-stream/is.test(this.#heard);
      if (isStream || this.#socket.destroyed) return { status: isStream ? 200 : 0, body: '' };
      await new Promise<void>((next) => {
        this.#wake = next;
      });
    }
  }

  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  end(): void {
    this.#socket.destroy();
  }
}

const filesOf = (place: string) => readdirSync(place, { recursive: true }).map(String).sort();

describe('a coordinator that is sent anything', () => {
  it.each([
    ['/v1/messages', siteMessageSchema, () => site],
    ['/v1/line', helloSchema, () => site],
    ['/v1/jobs', submissionSchema, () => member],
  ] as const)(
    'answers %s by a code, whatever the message has become, and says none of it again',
    async (path, schema, peer) => {
      let talk = new Talk(peer());
      await fc.assert(
        fc.asyncProperty(hostileText(schema), async (text) => {
          if (talk.isOver) talk = new Talk(peer());
          const { body, status } = await talk.post(path, text);
          expect(status, text.slice(0, 500)).toBeLessThan(500);
          if (status >= 400)
            expect(JSON.parse(body)).toEqual({
              code: expect.stringMatching(/^[a-z]+\.[a-z-]+$/),
              message: expect.any(String),
            });
          for (const word of ['passwd', 'AAAAAAAA', 'isAdmitted']) expect(body).not.toContain(word);
          if (status === 200 && path === '/v1/line') talk.end();
        }),
        { numRuns: 120 },
      );
      talk.end();
    },
  );

  it('reads no body that is nested without end, too large, or packed', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    const contribution = (fingerprint: string) =>
      `{"kind":"contribution","taskId":"a/0/fingerprint/site-1","attempt":1,"contribution":{"kind":"fingerprint","fingerprint":${fingerprint},"cases":{"train":1,"validation":1,"test":1},"leftOut":[]}}`;
    const nested = await ask(site, 'POST', '/v1/messages', contribution(deep));
    expect(nested.status, nested.text).toBe(400);
    const large = await ask(site, 'POST', '/v1/messages', contribution(`"${'x'.repeat(3 * 2 ** 20)}"`));
    expect(large.status).toBe(413);
    const plain = JSON.stringify({ kind: 'alive' });
    expect((await ask(site, 'POST', '/v1/messages', plain)).status).toBe(200);
    const bomb = Buffer.alloc(64 * 2 ** 20, ' ');
    for (const [encoding, bytes] of [
      ['deflate', deflateSync(plain)],
      ['gzip', gzipSync(plain)],
      ['gzip', gzipSync(Buffer.concat([bomb, Buffer.from(plain)]))],
      ['gzip, gzip', gzipSync(gzipSync(plain))],
    ] as const) {
      const { status } = await ask(site, 'POST', '/v1/messages', bytes, [...json, `Content-Encoding: ${encoding}`]);
      expect(status, encoding).toBeGreaterThanOrEqual(400);
      expect(status, encoding).toBeLessThan(500);
    }
  });

  it('hears one request where two readers would hear two', async () => {
    const inner = `GET /v1/check HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const chunked = `0\r\n\r\n${inner}`;
    for (const headers of [
      [`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', `Content-Length: ${chunked.length}`],
      ['Content-Length: 0', `Content-Length: ${chunked.length}`],
      ['Content-Length: 5, 0'],
      ['Content-Length: +0'],
      ['Content-Length : 0'],
      ['Transfer-Encoding : chunked'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding: chunked, identity'],
      ['Transfer-Encoding:\x0bchunked'],
      ['X: y\r\n Transfer-Encoding: chunked', 'Content-Length: 0, 5'],
    ]) {
      const answer = await raw(site, headOf('POST', '/v1/messages', [...json, ...headers]) + chunked);
      expect(statusesIn(answer), headers.join(' | ')).toEqual([400]);
      expect(answer, headers.join(' | ')).not.toContain('"project"');
    }
    for (const text of [
      `POST /v1/messages HTTP/1.1\nHost: ${host}\nContent-Length: 0\n\n${inner}`,
      headOf('POST', '/v1/messages', [...json, 'Transfer-Encoding: chunked']) +
        `0;${'a'.repeat(40_000)}\r\n\r\n${inner}`,
      `${headOf('POST', '/v1/messages', [...json, 'Transfer-Encoding: chunked'])}fffffffffffffffff\r\n${inner}`,
    ]) {
      const answer = await raw(site, text);
      expect(statusesIn(answer), text.slice(0, 120)).toEqual([400]);
    }
  });

  it('opens no file and asks no other machine by a name in an address', async () => {
    const before = filesOf(root);
    await using elsewhere = await Trap.set();
    for (const path of [
      '/v1/blobs/..%2f..%2fcoordinator.yaml',
      '/v1/chunks/%2e%2e%2f%2e%2e%2fauthority%2fkey.pem',
      '/v1/chunks/../../authority/key.pem',
      '/v1/blobs/%00',
      `/v1/blobs/${'ab'.repeat(32)}%00.json`,
      '/v1/blobs//etc/passwd',
      `/v1/chunks/${'a'.repeat(9000)}`,
      '/v1/jobs/..%2f..%2fledger/log',
      '/v1/jobs/%5c%5chost%5cshare/log',
      `http://${host}:${elsewhere.port}/latest/meta-data`,
    ]) {
      for (const peer of [site, member]) {
        const { status, text } = await ask(peer, 'GET', path, '', []);
        expect(status, path).toBeGreaterThanOrEqual(400);
        expect(status, path).toBeLessThan(500);
        expect(text).not.toMatch(/PRIVATE KEY|project:|root:/);
      }
    }
    // To name us by our whole address is allowed, and we are who answers.
    expect((await ask(site, 'GET', `https://${host}:${elsewhere.port}/v1/check`, '', [])).text).toContain('kidney');
    expect(elsewhere.visits).toBe(0);
    for (const id of ['../x', 'a/b', '..', '.', 'con\u0000', '__proto__', 'A'.repeat(300)]) {
      const invited = await ask(member, 'POST', '/v1/invitations', JSON.stringify({ role: 'site', id, hours: 1 }));
      if (id !== '__proto__') expect(invited.status, id).toBe(400);
    }
    const sideways = filesOf(root).filter((name) => !before.includes(name));
    expect(sideways.filter((name) => !name.startsWith('coordinator/'))).toEqual([]);
    expect(existsSync(join(root, 'x'))).toBe(false);
  });

  it('takes no property for its own that somebody else wrote', async () => {
    for (const text of [
      '{"__proto__":{"role":"member","id":"x","hours":1}}',
      '{"constructor":{"prototype":{"role":"member"}},"id":"x"}',
      '{"role":"site","id":"x","__proto__":{"hours":1}}',
    ]) {
      expect((await ask(member, 'POST', '/v1/invitations', text)).status, text).toBe(400);
    }
    const { text } = await ask(member, 'GET', '/v1/members', '', []);
    expect(text).not.toContain('isAdmitted');
  });

  it('is still the same process afterwards, and has met nothing that it did not expect', async () => {
    expect(coordinator.exitCode).toBeNull();
    expect((await ask(site, 'GET', '/v1/check', '', [])).status).toBe(200);
    const errors = log.split('\n').filter((line) => /"level":(?:50|60)/.test(line));
    expect(errors).toEqual([]);
    expect(log).not.toMatch(/AAAAAAAA|isAdmitted/);
    expect(readFileSync(join(directory, 'coordinator.yaml'), 'utf8')).toContain('kidney');
  });
});
