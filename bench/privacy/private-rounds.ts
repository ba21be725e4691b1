/**
 * What protection costs a round: six sites by their services, with workers of their own, train the same small network plainly,
 * with secure aggregation, with noise, and with both. CPU seconds of all processes, and what sites send. The last line is
 * JSON. See README.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { encodeModel, weightsOf } from '@consilium/engine';
import { type Job, type JobOutcome, putBlob, type Submission, type SurveyOutcome } from '@consilium/federation';
import { encodeSafetensors } from '@consilium/numerics';
import { type JobId, type Json, plainEncoding, type SiteId } from '@consilium/protocol';
import { runSite } from '@consilium/site';
import { IdentityDirectory, wallClockMs } from '@consilium/transport';
import { networkFor, planFor } from '../../packages/cli/src/network-plan.ts';
import { TappingProxy } from '../../test/tapping-proxy.fixture.ts';
import { writeTinyPatients } from '../../test/tiny-patients.fixture.ts';

const { values: options } = parseArgs({
  options: {
    sites: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '4' },
    steps: { type: 'string', default: '6' },
  },
});
const [sites, rounds, steps] = [options.sites, options.rounds, options.steps].map(Number) as [number, number, number];

const host = '127.0.0.1';
const root = mkdtempSync(join(tmpdir(), 'consilium-private-rounds-'));
const siteIds = Array.from(
  { length: sites },
  (_, index) => `site-${index + 1}`,
) as readonly string[] as readonly SiteId[];
const over = new AbortController();
const running: Promise<void>[] = [];
const taps: TappingProxy[] = [];
const say = (line: string) => process.stdout.write(`${line}\n`);

const threshold = Math.floor((2 * sites) / 3);
const lattice = { threshold, bits: 24, casesMax: 10, rounding: 'stochastic' } as const;
const noisy = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 0.1 } as const;
const arms: Readonly<Record<string, Partial<Job>>> = {
  plain: {},
  'secure aggregation': { secureAggregation: { ...lattice, clip: 4 } },
  'noisy update': { privacy: noisy },
  'secure aggregation, noise shared': {
    privacy: { ...noisy, noiseSharedAmong: threshold },
    secureAggregation: { ...lattice, clip: 8 },
  },
  'dp-sgd': { privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, samplingRate: 0.5 } },
  'secure aggregation, dp-sgd': {
    privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, samplingRate: 0.5 },
    secureAggregation: { ...lattice, clip: 4 },
  },
};

async function startSite(coordinator: Coordinator, siteId: SiteId, index: number): Promise<void> {
  const { authority, port, registry } = coordinator;
  const directory = join(root, siteId);
  const data = join(root, 'data', siteId);
  writeTinyPatients(data, { site: index, count: 10 });
  const facts = { project: 'bench', role: 'site', id: siteId, coordinator: `https://${host}:${port}` } as const;
  const identity = await IdentityDirectory.create(join(directory, 'identity'), facts);
  const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
  const { certificate } = await registry.admit('site', siteId, fingerprint);
  await identity.admitted({ certificate: certificate!, authority: authority.certificate });
  const tap = await TappingProxy.start({ authority, port, credentials: () => identity.credentials });
  taps.push(tap);
  const settings = {
    ...{ siteId, coordinator: `https://${host}:${tap.port}`, data, threads: 1 },
    privacy: { noiseSharedAmongMax: sites },
    policy: { without: ['signed-jobs'], minimumPatients: 1 },
  };
  writeFileSync(join(directory, 'site.yaml'), JSON.stringify(settings));
  running.push(runSite(directory, { signal: over.signal }));
}

/** Of this process and its children, which are the sites' workers. */
function cpuSeconds(): number {
  const { system, user } = process.cpuUsage();
  const ticks = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .reduce((sum, pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return fields[1] === String(process.pid) ? sum + Number(fields[11]) + Number(fields[12]) : sum;
      } catch {
        return sum;
      }
    }, 0);
  return (user + system) / 1e6 + ticks / 100;
}

const directory = join(root, 'coordinator');
await initCoordinator(
  directory,
  { project: 'bench', names: [host], listen: { host, port: 0 } },
  { nowMs: wallClockMs },
);
const coordinator = await Coordinator.start(directory);
const results: Record<string, { cpuSecondsASite: number; sentBytesASite: number }> = {};
try {
  for (const [index, siteId] of siteIds.entries()) await startSite(coordinator, siteId, index);
  const run = async <T>(submission: Submission): Promise<T> => {
    await coordinator.board.submit(submission);
    return (await coordinator.board.outcome<never>(submission.jobId)) as T;
  };
  const asked = { participants: [...siteIds], minimumSites: sites, stragglerMs: 600_000, attempts: 1 };
  const survey = (jobId: string, task: Extract<Submission, { kind: 'survey' }>['task']) =>
    run<SurveyOutcome<'fingerprint'>>({ kind: 'survey', jobId: jobId as JobId, task, ...asked });
  const { answers } = await survey('fingerprint', { kind: 'fingerprint' });
  const fingerprints = [...answers.values()].map(({ fingerprint }) => fingerprint);
  const plan = planFor(fingerprints, { memoryBudgetMb: 1024, size: 'small' });
  const planJson = JSON.parse(JSON.stringify(plan)) as Json;
  await survey('prepare', { kind: 'prepare', plan: planJson });
  const network = networkFor(plan, 1);
  const weights = encodeSafetensors(weightsOf(network));
  const job = async (jobId: string, changes: Partial<Job>, roundsMax: number): Promise<JobOutcome> =>
    run<JobOutcome>({
      ...{ kind: 'train', jobId: jobId as JobId, plan: planJson, rounds: { max: roundsMax }, stepsPerRound: steps },
      model: await putBlob(coordinator.store, encodeModel(network)),
      initialWeights: await putBlob(coordinator.store, weights),
      ...{ stopping: { patience: 100, minimumGain: 0 }, seed: 1, strategy: { kind: 'fed-avg' }, reply: plainEncoding },
      ...asked,
      ...changes,
    });
  say(`${sites} sites, ${rounds} rounds of ${steps} steps, weights of ${(weights.length / 1e6).toFixed(2)} MB`);
  for (const [name, changes] of Object.entries(arms)) {
    const jobId = name.replace(/[^a-z-]+/g, '-');
    await job(`${jobId}-warm`, changes, 1);
    for (const tap of taps) tap.take();
    const before = cpuSeconds();
    const { state, reason } = await job(jobId, changes, rounds);
    if (state !== 'completed') throw new Error(reason.text);
    const cpuSecondsASite = (cpuSeconds() - before) / rounds / sites;
    const sentBytesASite = taps.reduce((sum, tap) => sum + tap.take().length, 0) / rounds / sites;
    results[name] = { cpuSecondsASite, sentBytesASite };
    say(
      `${name}: ${cpuSecondsASite.toFixed(2)} s CPU and ${(sentBytesASite / 1e3).toFixed(1)} kB sent, a site and round`,
    );
  }
  say(JSON.stringify({ name: 'private-rounds', sites, rounds, steps, weightsBytes: weights.length, results }));
} finally {
  over.abort();
  await Promise.allSettled(running);
  for (const tap of taps) await tap[Symbol.asyncDispose]();
  await coordinator[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
}
