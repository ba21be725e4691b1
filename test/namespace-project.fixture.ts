/**
 * A coordinator in a directory of its own, with one site admitted, and a training job on tiny data:
 * `namespace-project.fixture.ts <root> <address>`. Each event of the job is a line of JSON; the last has the outcome.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { encodeModel, weightsOf } from '@consilium/engine';
import { type JobOutcome, putBlob } from '@consilium/federation';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import { type JobId, plainEncoding, type SiteId } from '@consilium/protocol';
import { buildNetwork } from '@consilium/training';
import { IdentityDirectory, wallClockMs } from '@consilium/transport';
import { toyPlan, writeToyPatients } from '../packages/site/src/toy-training.fixture.ts';

const [root, address] = process.argv.slice(2) as [string, string];
const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

writeToyPatients(join(root, 'data'));
const plan = toyPlan({ optimiser: { kind: 'adamw', weightDecay: 0 }, initial: 0.01 });
const network = buildNetwork(plan.network, { patchSize: [8, 8, 8], batchSize: 1, random: createRandom(1, 'network') });

const own = join(root, 'coordinator');
const site = join(root, 'site');
await initCoordinator(
  own,
  { project: 'namespaces', names: [address], listen: { host: address, port: 443 } },
  { nowMs: wallClockMs },
);
await using coordinator = await Coordinator.start(own, { onEvent: say });
const facts = { project: 'namespaces', role: 'site', id: 'site-1', coordinator: `https://${address}` } as const;
const identity = await IdentityDirectory.create(join(site, 'identity'), facts);
const { registry, board, store, authority } = coordinator;
const token = registry.invite({ role: 'site', id: 'site-1' }, 1);
const { certificate } = await registry.admit('site', 'site-1', registry.enrol(token, identity.request).fingerprint);
await identity.admitted({ certificate: certificate!, authority: authority.certificate });
const settings = {
  siteId: 'site-1',
  coordinator: `https://${address}`,
  data: join(root, 'data'),
  threads: 1,
  policy: { without: ['signed-jobs'], minimumPatients: 1 }, // the job is handed to the coordinator within its process
};
writeFileSync(join(site, 'site.yaml'), JSON.stringify(settings));
say({ kind: 'ready' });

const jobId = 'job' as JobId;
await board.submit({
  kind: 'train',
  jobId,
  participants: ['site-1' as SiteId],
  plan: JSON.parse(JSON.stringify(plan)),
  model: await putBlob(store, encodeModel(network)),
  initialWeights: await putBlob(store, encodeSafetensors(weightsOf(network))),
  rounds: { max: 6 },
  stepsPerRound: 3,
  minimumSites: 1,
  stragglerMs: 600_000,
  attempts: 1,
  stopping: { patience: 6, minimumGain: 0 },
  seed: 1,
  strategy: { kind: 'fed-avg' },
  reply: plainEncoding,
});
const { state, rounds } = await board.outcome<JobOutcome>(jobId);
say({ kind: 'outcome', state, weights: rounds.map(({ weights }) => weights) });
