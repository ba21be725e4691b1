/** A site that gives the coordinator a large blob and takes it back, in a process of its own. `argv[2]` is JSON. */
import { CoordinatorClient, type CoordinatorClientOptions } from './coordinator-client.ts';
import { EndlessBlob } from './endless-blob.fixture.ts';
import { residentPeakBytes } from './resident-peak.fixture.ts';

export interface LargeBlobSettings extends CoordinatorClientOptions {
  readonly bytes: number;
}

export interface LargeBlobReport {
  readonly upSeconds: number;
  readonly downSeconds: number;
  readonly cpuSeconds: number;
  readonly chunksReceived: number;
  readonly peakBytes: number;
}

const { bytes, ...options } = JSON.parse(process.argv[2]!) as LargeBlobSettings;
const blob = new EndlessBlob(bytes);
const client = new CoordinatorClient(options);
const { signal } = new AbortController();
const before = process.cpuUsage();
const times = [performance.now()];
await client.offerBlob(blob.id, blob, signal);
times.push(performance.now());
blob.getManifest = async () => undefined;
await client.fetchBlob(blob.id, blob, signal);
times.push(performance.now());
const { user, system } = process.cpuUsage(before);
process.send!({
  upSeconds: (times[1]! - times[0]!) / 1000,
  downSeconds: (times[2]! - times[1]!) / 1000,
  cpuSeconds: (user + system) / 1e6,
  chunksReceived: blob.received.size,
  peakBytes: residentPeakBytes(),
} satisfies LargeBlobReport);
await client.close();
process.disconnect();
