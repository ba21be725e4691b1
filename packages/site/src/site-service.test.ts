import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SiteId } from '@consilium/protocol';
import { CertificateAuthority, createAuthority, IdentityDirectory } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { runSite } from './site-service.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const project = 'kidney';
const password = 'hunter2-password';

/** A site as it is after it has joined; of its coordinator there is only the certificate. */
async function joined(directory: ToyDirectory, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const authority = await CertificateAuthority.open(await createAuthority({ project }), { project });
  const coordinator = 'https://127.0.0.1:1';
  const facts = { project, role: 'site', id: 'site-1', coordinator } as const;
  const identity = await IdentityDirectory.create(join(directory.path, 'identity'), facts);
  const certificate = await authority.issueSite({ request: identity.request, id: 'site-1' });
  await identity.admitted({ certificate, authority: authority.certificate });
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
