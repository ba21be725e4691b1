/**
 * A coordinator that admits its sites and runs one job: `coordinator-process.ts DIRECTORY PORT MODEL ROUNDS MARKS SITE ...`.
 * Says "ready" when the sites may come. What is in the variable FEDERATION_BENCH_JOB is the job's as well.
 */
import { appendFileSync, createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { BlobWriter, type JobEvent, manifestOf, putBlob } from '@consilium/federation';
import { safetensorsHeaderBytes } from '@consilium/numerics';
import { type BlobId, jobIdSchema, plainEncoding, siteIdSchema } from '@consilium/protocol';
import { IdentityDirectory, wallClockMs } from '@consilium/transport';

const [directory, port, model, roundsText, marks, ...sites] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  ...string[],
];
const rounds = Number(roundsText);
const own = join(directory, 'coordinator');

/** `value` is left out where looking it up would be part of what is measured. */
function mark(value: number | null): void {
  appendFileSync(marks, `${JSON.stringify({ seconds: Date.now() / 1000, value })}\n`);
}

/** What a site does over the network and two people by telephone. */
async function admit({ registry, authority }: Coordinator, siteId: string): Promise<void> {
  const identity = await IdentityDirectory.create(join(directory, 'sites', siteId, 'identity'), {
    project: 'bench',
    role: 'site',
    id: siteId,
    coordinator: `https://localhost:${port}`,
  });
  const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
  const { certificate } = await registry.admit('site', siteId, fingerprint);
  await identity.admitted({ certificate: certificate!, authority: authority.certificate });
}

await initCoordinator(
  own,
  { project: 'bench', names: ['localhost'], listen: { host: '127.0.0.1', port: Number(port) } },
  { nowMs: wallClockMs },
);
let weights: BlobId | null = null;
const onEvent = (event: JobEvent): void => {
  if (event.kind === 'round-started') mark(event.round === 1 ? 0 : null);
  if (event.kind === 'aggregated') weights = event.weights;
  if (event.kind === 'site-lost' || event.kind === 'site-left-out') console.log(JSON.stringify(event));
  if (event.kind === 'job-ended') void end(Date.now() / 1000, event.reason.text);
};
const coordinator = await Coordinator.start(own, { onEvent });
const { board, store } = coordinator;
for (const site of sites) await admit(coordinator, site);
console.log('ready');
await board.submit({
  kind: 'train',
  jobId: jobIdSchema.parse('bench'),
  participants: sites.map((site) => siteIdSchema.parse(site)),
  plan: {},
  model: await putBlob(store, new TextEncoder().encode('no graph: nothing is trained')),
  initialWeights: await putFile(model),
  rounds: { max: rounds },
  stepsPerRound: 1,
  minimumSites: sites.length,
  stragglerMs: 3_600_000,
  attempts: 1,
  stopping: { patience: rounds + 1, minimumGain: 0 },
  evaluateEvery: rounds, // The peers do not evaluate.
  seed: 1,
  strategy: { kind: 'fed-avg' },
  reply: plainEncoding,
  ...JSON.parse(process.env['FEDERATION_BENCH_JOB'] ?? '{}'),
});

/** The last round's time is that of the event; the model is looked at afterwards. */
async function end(seconds: number, reason: string): Promise<void> {
  console.log(reason);
  const { chunks } = await manifestOf(store, weights!);
  const chunk = await store.getChunk(chunks[0]!);
  const value = new DataView(chunk.buffer, chunk.byteOffset).getFloat32(safetensorsHeaderBytes(chunk), true);
  appendFileSync(marks, `${JSON.stringify({ seconds, value })}\n`);
}

/** Piece by piece: the model is never whole in the coordinator's memory, as where a member sends it. */
async function putFile(path: string): Promise<BlobId> {
  const writer = new BlobWriter(store);
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) await writer.write(piece as Uint8Array);
  return writer.finish();
}
