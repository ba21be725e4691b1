/**
 * A coordinator that only moves bytes, in a process of its own. `argv[2]` is JSON. It tells its port, and by request
 * what it was asked for and how much memory it needed.
 */
import type { AddressInfo } from 'node:net';
import { blobRoutes } from './blob-routes.ts';
import { ChunkDirectory } from './chunk-directory.ts';
import type { Credentials } from './credentials.ts';
import { residentPeakBytes } from './resident-peak.fixture.ts';
import { createTlsServer } from './tls-server.ts';

export interface FixtureSettings {
  readonly directory: string;
  readonly authority: string;
  readonly credentials: Credentials;
  readonly port: number;
}

export interface FixtureReport {
  readonly port: number;
  /** `PUT /v1/chunks/...` and the like, in order. */
  readonly asked: readonly string[];
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

const settings = JSON.parse(process.argv[2]!) as FixtureSettings;
const store = await ChunkDirectory.open(settings.directory);
const { app } = createTlsServer({ ...settings, project: 'kidney', admits: () => true });
const asked: string[] = [];
await app.register(blobRoutes, { store, authorise: ({ method, url }) => void asked.push(`${method} ${url}`) });
await app.listen({ host: '127.0.0.1', port: settings.port });
const { port } = app.server.address() as AddressInfo;
const report = (): FixtureReport => {
  const { user, system } = process.cpuUsage();
  return { port, asked, peakBytes: residentPeakBytes(), cpuSeconds: (user + system) / 1e6 };
};
process.on('message', () => process.send!(report()));
process.on('disconnect', () => process.exit(0));
process.send!(report());
