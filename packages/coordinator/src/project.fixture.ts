/** A project for tests: a coordinator in a directory of its own, members with keys, and requests as they would make them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, createCertificateRequest, type Role, wallClockMs } from '@consilium/transport';
import { Coordinator, type CoordinatorOptions } from './coordinator.ts';
import { initCoordinator } from './coordinator-directory.ts';
import type { CoordinatorSettingsInput } from './settings.ts';

export interface Answer {
  readonly status: number;
  /** Of an error. */
  readonly code: string | undefined;
  readonly body: unknown;
}

export class TestProject implements AsyncDisposable {
  readonly directory: string;
  readonly coordinator: Coordinator;

  private constructor(directory: string, coordinator: Coordinator) {
    this.directory = directory;
    this.coordinator = coordinator;
  }

  static async start(
    options: CoordinatorOptions = {},
    settings: Partial<CoordinatorSettingsInput> = {},
  ): Promise<TestProject> {
    const directory = mkdtempSync(join(tmpdir(), 'consilium-coordinator-'));
    const listen = { host: '127.0.0.1', port: 0 };
    await initCoordinator(
      directory,
      { project: 'kidney', names: ['127.0.0.1'], listen, ...settings },
      { nowMs: wallClockMs },
    );
    return new TestProject(directory, await Coordinator.start(directory, options));
  }

  /** Of the member that every project begins with. */
  get admin(): Credentials {
    const [certificate, key] = ['certificate.pem', 'key.pem'].map((name) =>
      readFileSync(join(this.directory, 'admin', name), 'utf8'),
    );
    return { certificate: certificate!, key: key! };
  }

  /** Invited, enrolled and admitted with a new key. */
  async admit(role: Exclude<Role, 'server'>, id: string): Promise<Credentials> {
    const { registry } = this.coordinator;
    const { key, request: csr } = await createCertificateRequest();
    const { fingerprint } = registry.enrol(registry.invite({ role, id }, 1), csr);
    const { certificate } = await registry.admit(role, id, fingerprint);
    return { key, certificate: certificate! };
  }

  /** As a peer with these credentials, or none. A stream is left when its head has come. */
  ask(method: string, path: string, peer: Credentials | null, body?: unknown): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const outgoing = request({
      host: '127.0.0.1',
      port: this.coordinator.port,
      method,
      path,
      rejectUnauthorized: false,
      agent: false,
      ...(peer === null ? {} : { cert: peer.certificate, key: peer.key }),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' } }),
    });
    outgoing.once('error', reject);
    outgoing.once('response', async (response) => {
      const status = response.statusCode!;
      if (response.headers['content-type'] === 'text/event-stream') {
        resolve({ status, code: undefined, body: undefined });
        outgoing.destroy();
        return;
      }
      let text = '';
      for await (const part of response.setEncoding('utf8')) text += part;
      const read = text === '' ? undefined : (JSON.parse(text) as unknown);
      resolve({ status, code: (read as { code?: string } | undefined)?.code, body: read });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.coordinator[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true });
  }
}
