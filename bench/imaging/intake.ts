/**
 * How fast instances are taken in by C-STORE: ours, de-identified and durable, and Orthanc, which stores them as they are.
 * One sender, batch by batch to the one and the other; medians. The last line is JSON.
 */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DimseClient } from '@consilium/archive';
import { InstanceSeries } from './instance-series.ts';
import { startOrthanc } from './orthanc-process.ts';

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '10000' },
    batch: { type: 'string', default: '250' },
    side: { type: 'string', default: '256' },
    associations: { type: 'string', default: '1' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const [instances, batch, side, associations] = [values.instances, values.batch, values.side, values.associations].map(
  Number,
) as [number, number, number, number];
const series = new InstanceSeries({ side });
const directory = mkdtempSync(join(values.directory, 'consilium-intake-'));
const callingAeTitle = 'SENDER';
const ticksASecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface Peer {
  readonly name: string;
  readonly client: DimseClient;
  readonly pid: number;
  /** Instances a second, of each batch. */
  readonly rates: number[];
  readonly cpuMs: number[];
}

const archive = fork(join(import.meta.dirname, 'archive-process.ts'), [join(directory, 'ours'), callingAeTitle]);
const [{ port }] = (await once(archive, 'message')) as [{ port: number }];
const orthanc = await startOrthanc(join(directory, 'orthanc'));
const at = (aeTitle: string, dicomPort: number) =>
  new DimseClient({ aeTitle, callingAeTitle, host: '127.0.0.1', port: dicomPort });
const peers: Peer[] = [
  { name: 'ours', client: at('CONSILIUM', port), pid: archive.pid!, rates: [], cpuMs: [] },
  { name: 'orthanc', client: at('ORTHANC', orthanc.dicomPort), pid: orthanc.child.pid!, rates: [], cpuMs: [] },
];

process.once('exit', () => orthanc.child.kill('SIGKILL'));
const rounds = Math.ceil(instances / batch);
// The first one warms both up, and does not count.
for (let round = 0; round <= rounds; round++) {
  const share = Math.ceil(batch / associations);
  const files = Array.from({ length: associations }, (_, lane) => series.batch(round * associations + lane + 1, share));
  for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
    const [cpuBefore, start] = [cpuMsOf(peer.pid), performance.now()];
    const statuses = (await Promise.all(files.map((lane) => peer.client.store(lane)))).flat();
    const seconds = (performance.now() - start) / 1000;
    const other = statuses.find((status) => status !== 0);
    if (other !== undefined) throw new Error(`${peer.name} answered ${other.toString(16)}`);
    if (round === 0) continue;
    peer.rates.push(statuses.length / seconds);
    peer.cpuMs.push((cpuMsOf(peer.pid) - cpuBefore) / statuses.length);
  }
}
const { CountInstances } = (await (await fetch(`${orthanc.url}/statistics`)).json()) as { CountInstances: number };
const peaks = peers.map(({ pid }) => peakMbOf(pid));
archive.send('stop');
const [{ counts }] = (await once(archive, 'message')) as [{ counts: [number, number][] }];
await once(archive, 'exit');
orthanc.child.kill('SIGKILL');
await once(orthanc.child, 'exit');
rmSync(directory, { recursive: true });

const kib = (series.instanceBytes / 1024).toFixed(0);
console.log(`${CountInstances} instances of ${kib} KiB, ${batch} at a time in ${associations} association(s)`);
for (const [index, { cpuMs, name, rates }] of peers.entries()) {
  const sorted = rates.toSorted((a, b) => a - b);
  const range = `${sorted[0]!.toFixed(0)} to ${sorted.at(-1)!.toFixed(0)}`;
  console.log(
    `${name}: ${median(rates).toFixed(0)}/s (${range}), ${median(cpuMs).toFixed(2)} ms CPU, peak ${peaks[index]} MB`,
  );
}
console.log(`ours answered: ${counts.map(([status, count]) => `${status.toString(16)} x ${count}`).join(', ')}`);
const [ours, peer] = peers.map(({ rates }) => median(rates)) as [number, number];
const units = 'instances/s, median of batches';
console.log(JSON.stringify({ name: 'archive-intake', ours, peer, ratio: ours / peer, units }));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** User and system, all threads. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksASecond;
}

function peakMbOf(pid: number): number {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}
