/**
 * A site, as a process, whose coordinator sends it whatever it likes. What is a matter of one part of it is tested beside
 * that part (docs/threat-model.md has the list); here is what whoever holds the authority's key can do on a line.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  CertificateAuthority,
  createAuthority,
  createCertificateRequest,
  IdentityDirectory,
  wallClockMs,
} from '@consilium/transport';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  coordinatorMessageSchema,
  parseCoordinatorMessage,
  parseVerdict,
  verdictSchema,
} from '../packages/protocol/src/messages.ts';
import { hostileText } from './hostile-message.fixture.ts';
import { writeTinyPatients } from './tiny-patients.fixture.ts';
import { Trap } from './trap.fixture.ts';

const host = '127.0.0.1';
const root = mkdtempSync(join(tmpdir(), 'consilium-hostile-coordinator-'));
const directory = join(root, 'site');
let server: Server;
let site: ChildProcess;
let trap: Trap;
/** What is done on the next lines, in turn; then a coordinator answers that means no harm. */
const attacks: { readonly name: string; readonly act: (line: ServerResponse) => void }[] = [];
/** What is answered to anything but a line while an attack lasts. */
let elsewhere: ((request: IncomingMessage, response: ServerResponse) => boolean) | null = null;
const done: string[] = [];
const said: { readonly kind: string; readonly taskId?: string; readonly failure?: { readonly code: string } }[] = [];

const event = (value: unknown) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const welcome = event({ kind: 'welcome', protocolVersion: 1, coordinatorTime: '2026-11-26T12:00:00.000Z' });
const fingerprint = (jobId: string, changes: object = {}) => ({
  ...{ kind: 'fingerprint', taskId: `${jobId}/0/fingerprint/site-1`, jobId, attempt: 1 },
  ...changes,
});
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** On a stream that began as it should. */
function onLine(name: string, ...events: readonly string[]): void {
  attacks.push({
    name,
    act: (line) => {
      line.writeHead(200, { 'content-type': 'text/event-stream' });
      line.write(welcome);
      for (const each of events) line.write(each);
      setTimeout(() => line.end(), 300);
    },
  });
}

/** An evaluation of this network, for which the site comes to fetch it. */
const wanting = (model: string) =>
  event({
    kind: 'task',
    task: {
      ...{ kind: 'evaluate', taskId: 'wanted/0/evaluate/site-1', jobId: 'wanted', attempt: 1, plan: {}, model },
      ...{ weights: model, split: 'test', modelName: 'wanted', pictures: false },
    },
  });

function plan(): void {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const answer = (name: string, status: number, headers: Record<string, string>, body: string | Uint8Array = '') =>
    attacks.push({ name, act: (line) => void line.writeHead(status, headers).end(body) });
  answer('sends it elsewhere', 307, { location: `http://${host}:${trap.port}/v1/line` });
  answer('sends it elsewhere for good', 301, { location: `https://${host}:${trap.port}/v1/line` });
  answer(
    'packs a bomb',
    200,
    { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
    gzipSync(Buffer.alloc(32 * 2 ** 20, ' ')),
  );
  answer('is another server', 200, { 'content-type': 'text/html' }, '<html>');
  attacks.push({
    name: 'talks in two tongues',
    act: ({ socket }) =>
      void socket!.end(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${welcome}`),
  });
  onLine(
    'speaks an older version',
    event({ kind: 'welcome', protocolVersion: 0, coordinatorTime: '2026-11-26T12:00:00.000Z' }),
  );
  onLine(
    'nests without end',
    event(
      `{"kind":"task","task":${JSON.stringify(fingerprint('deep')).replace('"attempt":1', `"attempt":1,"kind":"prepare","plan":${deep}`)}}`,
    ),
  );
  onLine(
    'writes into prototypes',
    event('{"kind":"task","__proto__":{"task":{"kind":"alive"}}}'),
    event('{"__proto__":{"kind":"welcome"}}'),
  );
  for (const [name, changes] of [
    ['names a job as a path', { jobId: '../../escaped' }],
    ['names a task as a path', { taskId: '../../../escaped' }],
    ['names a task as another path', { taskId: 'a/../../escaped/site-1' }],
    ['names a job as no text', { jobId: { toString: 'x' } }],
    ['names a mandate as a path', { mandate: '../../../etc/passwd' }],
  ] as const) {
    onLine(name, event({ kind: 'task', task: fingerprint('harmless', changes) }));
  }
  onLine(
    'gives up what is a path',
    event({ kind: 'abort', taskId: '../../log.jsonl' }),
    event({ kind: 'abort', taskId: 'no/0/such/site-1' }),
  );
}

/** Each is what the site hears that comes for a blob. */
const blobs: readonly (readonly [
  name: string,
  id: string,
  answer: (path: string, response: ServerResponse) => void,
])[] = [
  [
    'a blob is elsewhere',
    'aa'.repeat(32),
    (_, response) => void response.writeHead(302, { location: `http://${host}:${trap.port}/` }).end(),
  ],
  [
    'a manifest is of another blob',
    'bb'.repeat(32),
    (_, response) => void response.end(JSON.stringify({ version: 1, bytes: 1, chunks: ['cc'.repeat(32)] })),
  ],
  [
    'a manifest is of all the disks there are',
    'dd'.repeat(32),
    (_, response) => void response.end(JSON.stringify({ version: 1, bytes: 2 ** 52, chunks: [] })),
  ],
];

beforeAll(async () => {
  writeTinyPatients(join(root, 'data'), { site: 1, count: 3 });
  trap = await Trap.set();
  const made = await createAuthority({ project: 'kidney', nowMs: wallClockMs });
  const authority = await CertificateAuthority.open(made, { project: 'kidney', nowMs: wallClockMs });
  const own = await createCertificateRequest();
  const cert = `${(await authority.issueServer({ request: own.request, hosts: [host] })).trim()}\n${made.certificate}`;
  server = createServer({ key: own.key, cert, ca: made.certificate, requestCert: true, minVersion: 'TLSv1.3' }, answer);
  await new Promise<void>((listening) => server.listen(0, host, listening));
  const origin = `https://${host}:${(server.address() as AddressInfo).port}`;
  const facts = { project: 'kidney', role: 'site', id: 'site-1', coordinator: origin } as const;
  const identity = await IdentityDirectory.create(join(directory, 'identity'), facts);
  const certificate = await authority.issueSite({ request: identity.request, id: 'site-1' });
  await identity.admitted({ certificate, authority: made.certificate });
  const settings = {
    ...{ siteId: 'site-1', coordinator: origin, data: join(root, 'data'), threads: 1 },
    policy: { without: ['signed-jobs'], minimumPatients: 1 },
  };
  writeFileSync(join(directory, 'site.yaml'), JSON.stringify(settings));
  plan();
  const service = new URL(import.meta.resolve('@consilium/site/service'));
  site = fork(service, [directory], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--conditions=consilium-source'],
  });
}, 60_000);

afterAll(async () => {
  if (site.exitCode === null) {
    const ended = new Promise((over) => site.once('exit', over));
    site.kill('SIGTERM');
    await ended;
  }
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await trap[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  let text = '';
  request.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  request.on('end', () => {
    if (request.url === '/v1/line') return openLine(response);
    if (elsewhere?.(request, response)) return;
    if (request.url === '/v1/messages') {
      said.push(JSON.parse(text));
      return void response.end('{"kind":"accepted"}');
    }
    // Of checkpoints, renewals and whatever else it asks: nonsense.
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"__proto__":{"kind":"checkpoint"},"head":[[[]]]}');
  });
}

function openLine(line: ServerResponse): void {
  const attack = attacks.shift();
  if (attack !== undefined) {
    attack.act(line);
    done.push(attack.name);
    return;
  }
  line.writeHead(200, { 'content-type': 'text/event-stream' });
  line.write(welcome);
  open = line;
}
let open: ServerResponse | null = null;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    if (site.exitCode !== null) throw new Error(`The site has ended with ${site.exitCode}.`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

const logged = () =>
  readFileSync(join(directory, 'log.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a site whose coordinator is hostile', () => {
  it('reads messages by the schema, whatever they have become, and fails by one code alone', () => {
    for (const [schema, parse] of [
      [coordinatorMessageSchema, parseCoordinatorMessage],
      [verdictSchema, parseVerdict],
    ] as const) {
      fc.assert(
        fc.property(hostileText(schema), (text) => {
          try {
            parse(JSON.parse(text));
          } catch (error) {
            if (error instanceof SyntaxError) return;
            expect(error).toMatchObject({ code: 'protocol.malformed-message' });
          }
          expect(({} as { kind?: unknown; isAdmitted?: unknown }).isAdmitted).toBeUndefined();
        }),
        { numRuns: 300 },
      );
    }
  });

  it('comes back after everything that it was sent on a line, and does what it is asked properly', async () => {
    const planned = attacks.length + done.length;
    await until(() => open !== null);
    expect(done).toHaveLength(planned);
    expect(done.length).toBeGreaterThan(12);
    open!.write(event({ kind: 'task', task: fingerprint('proper') }));
    await until(() =>
      said.some(({ kind, taskId }) => kind === 'contribution' && taskId === 'proper/0/fingerprint/site-1'),
    );
    const wrong = logged().filter(({ event: what }) => what === 'disconnected');
    expect(wrong.length).toBeGreaterThanOrEqual(planned - 1);
  }, 180_000);

  it.each(blobs)(
    'does without a blob where %s',
    async (_, id, act) => {
      const asked: string[] = [];
      elsewhere = ({ url }, response) => {
        if (url?.startsWith('/v1/blobs/') !== true && url?.startsWith('/v1/chunks/') !== true) return false;
        asked.push(url!);
        act(url!, response);
        return true;
      };
      open!.write(wanting(id));
      await until(() => asked.includes(`/v1/blobs/${id}`));
      open!.write(event({ kind: 'abort', taskId: 'wanted/0/evaluate/site-1' }));
      open!.write(event({ kind: 'task', task: fingerprint(`after-${id.slice(0, 2)}`) }));
      await until(() =>
        said.some(({ kind, taskId }) => kind === 'contribution' && taskId?.startsWith(`after-${id.slice(0, 2)}/`)),
      );
      elsewhere = null;
      expect(asked.every((url) => url === `/v1/blobs/${id}`)).toBe(true); // no chunk was asked for on the word of such a manifest
    },
    60_000,
  );

  it('has asked no other machine, written no file elsewhere, and is the same process', () => {
    expect(trap.visits).toBe(0);
    expect(readdirSync(root).sort()).toEqual(['data', 'site']);
    const names = readdirSync(directory, { recursive: true }).map(String);
    expect(names.filter((name) => /escaped|passwd|\.\./.test(name))).toEqual([]);
    expect(site.exitCode).toBeNull();
    expect(site.signalCode).toBeNull();
    expect(sha256(readFileSync(join(root, 'data/patient-0/image.nii.gz')))).toHaveLength(64);
  });
});
