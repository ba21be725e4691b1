import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { protocolVersion, type SiteId } from '@consilium/protocol';
import { createTlsServer, EventStream, IdentityDirectory } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { SigningProject } from './policy/signing.fixture.ts';
import { runSite } from './site-service.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const password = 'hunter2-password';
const key = 'ab'.repeat(32);

/** A site as it is after it has joined; of its coordinator there is only the certificate. */
async function joined(
  directory: ToyDirectory,
  {
    coordinator = 'https://127.0.0.1:1',
    ...settings
  }: Readonly<Record<string, unknown>> & { coordinator?: string } = {},
  signing?: SigningProject,
): Promise<string> {
  const project = signing ?? (await SigningProject.create());
  const facts = { project: project.project, role: 'site', id: 'site-1', coordinator } as const;
  const identity = await IdentityDirectory.create(join(directory.path, 'identity'), facts);
  const certificate = await project.site(identity.request, 'site-1');
  await identity.admitted({ certificate, authority: project.authority });
  const yaml = { siteId: 'site-1' as SiteId, coordinator, data: directory.path, ...settings };
  directory.file('site.yaml', JSON.stringify(yaml));
  return directory.path;
}

/** Runs until something was written that matches. */
async function runUntil(path: string, wanted: RegExp): Promise<string> {
  const over = new AbortController();
  const running = runSite(path, { signal: over.signal });
  const log = () => readFileSync(join(path, 'log.jsonl'), 'utf8');
  await expect.poll(() => log(), { timeout: 20_000 }).toMatch(wanted);
  over.abort();
  await running;
  return log();
}

async function proxyThat(answers: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answers(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

describe('the service of a site', () => {
  it('writes down that it cannot reach its coordinator, and stops when it is told to', async () => {
    using directory = new ToyDirectory();
    const log = await runUntil(await joined(directory), /disconnected/);
    expect(log).toMatch(/"event":"started","siteId":"site-1"/);
    expect(log).toMatch(/transport\.|refused|ECONNREFUSED/);
    expect(log).toMatch(/"event":"stopped"/);
  });

  it.each([
    ['refuses the password', (socket: Socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')],
    ['hangs up', (socket: Socket) => socket.destroy()],
    ['is none', (socket: Socket) => socket.end('220 mail.example.org ESMTP\r\n')],
  ])('writes no password into its log when the proxy %s', async (_, answers) => {
    using directory = new ToyDirectory();
    const { server, port } = await proxyThat(answers);
    const proxy = `http://user:${password}@127.0.0.1:${port}`;
    const log = await runUntil(await joined(directory, { proxy }), /disconnected/);
    server.close();
    const encoded = Buffer.from(`user:${password}`).toString('base64');
    for (const secret of [password, encoded, 'PRIVATE KEY']) expect(log).not.toContain(secret);
  });

  it('keeps what its coordinator says of revoked members, if the authority has signed it', async () => {
    const signing = await SigningProject.create();
    const [good, forged] = [signing.revocations([key]), (await SigningProject.create()).revocations([key])];
    for (const [said, outcome] of [
      [good, 'kept'],
      [forged, 'refused'],
    ] as const) {
      using directory = new ToyDirectory();
      const server = createTlsServer({ ...(await signing.server()), admits: () => true });
      server.app.post('/v1/line', (_request, reply) => {
        const stream = new EventStream(reply);
        const coordinatorTime = new Date().toISOString();
        stream.send({ kind: 'welcome', protocolVersion, coordinatorTime, revocations: said });
      });
      const coordinator = await server.app.listen({ host: '127.0.0.1', port: 0 });
      const log = await runUntil(await joined(directory, { coordinator }, signing), /"event":"revocations"/);
      await server.app.close();
      expect(log).toContain(`"outcome":"${outcome}","number":1`);
      expect(existsSync(join(directory.path, 'revocations.json'))).toBe(outcome === 'kept');
    }
  });

  it('does not begin as somebody else', async () => {
    using directory = new ToyDirectory();
    const path = await joined(directory, { siteId: 'site-2' });
    const { signal } = new AbortController();
    await expect(runSite(path, { signal })).rejects.toMatchObject({ code: 'site.other-identity' });
  });

  it('does not begin in a directory in which one runs already, and leaves that alone', async () => {
    using directory = new ToyDirectory();
    const path = await joined(directory);
    const over = new AbortController();
    const first = runSite(path, { signal: over.signal });
    await expect.poll(() => existsSync(join(path, 'log.jsonl')), { timeout: 20_000 }).toBe(true);
    const { signal } = new AbortController();
    await expect(runSite(path, { signal })).rejects.toMatchObject({ code: 'transport.directory-in-use' });
    over.abort();
    await first;
    const log = await runUntil(path, /"stopped"[\s\S]*disconnected/);
    expect(log.match(/"event":"started"/g)).toHaveLength(2);
  });

  it('does not begin if its port for metrics is taken', async () => {
    using directory = new ToyDirectory();
    const { server, port } = await proxyThat(() => {});
    const path = await joined(directory, { metricsPort: port });
    const { signal } = new AbortController();
    await expect(runSite(path, { signal })).rejects.toMatchObject({ code: 'transport.metrics-port-taken' });
    server.close();
  });
});
