/**
 * A patient is planted at two sites: in an archive, and in a plain directory with nothing taken away. Everything that a site
 * is for is done once, things go wrong, and then every byte that a site has sent is searched for the patient, and all that
 * the coordinator has written down, and logs, errors, metrics and traces.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ArchiveService, serviceSettingsOf } from '@consilium/archive';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import { encodeModel, weightsOf } from '@consilium/engine';
import {
  type Job,
  type JobEvent,
  type JobOutcome,
  MemoryStore,
  putBlob,
  runStatistics,
  type Submission,
  type SurveyOutcome,
} from '@consilium/federation';
import { encodeSafetensors } from '@consilium/numerics';
import {
  type JobId,
  type Json,
  type ModelName,
  plainEncoding,
  type SiteId,
  type TaskBody,
  type TaskId,
} from '@consilium/protocol';
import { runSite } from '@consilium/site';
import { CoordinatorClient, IdentityDirectory, wallClockMs } from '@consilium/transport';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkFor, planFor } from '../packages/cli/src/network-plan.ts';
import { planted, sightings, writeCanaries } from './canary.fixture.ts';
import { freePort } from './free-port.fixture.ts';
import { TappingProxy } from './tapping-proxy.fixture.ts';

const host = '127.0.0.1';
const root = mkdtempSync(join(tmpdir(), 'consilium-canary-'));
const siteIds = ['archive', 'folder'] as readonly string[] as readonly SiteId[];
/** Its data are where nothing is, under the patient’s name: what went wrong is all that it has to tell. */
const goneId = 'gone' as SiteId;
const exporter = new InMemorySpanExporter();
const over = new AbortController();
const running: Promise<void>[] = [];
const taps = new Map<SiteId, TappingProxy>();
const events: JobEvent[] = [];
const outcomes: unknown[] = [];
const seen: { readonly where: string; readonly bytes: Uint8Array }[] = [];
let coordinator: Coordinator;

async function makeData(): Promise<void> {
  await writeCanaries(join(root, 'folder-data'), { site: 2, count: 6 });
  const broken = join(root, 'folder-data/Zitronenfalter_Adalbert_kaputt');
  mkdirSync(broken);
  writeFileSync(join(broken, '0.dcm'), readFileSync(firstSlice()).subarray(0, 900));
  writeFileSync(join(broken, 'seg.dcm'), 'Zitronenfalter');
  await writeCanaries(join(root, 'incoming'), { site: 1, count: 6 });
  await using service = await ArchiveService.open(join(root, 'archive-data'), serviceSettingsOf({ project: 'kidney' }));
  await service.archive.intake.importFolder(join(root, 'incoming'));
  await service.archive.series.settle();
  expect(await service.archive.cohorts.freeze('renal', 'labelled = yes')).toMatchObject({ included: 6 });
}

function firstSlice(): string {
  const [name] = readdirSync(join(root, 'folder-data')).sort();
  return join(root, 'folder-data', name!, '0.dcm');
}

async function startSite(siteId: SiteId, data: object | string, metricsPort: number): Promise<void> {
  const { authority, port, registry } = coordinator;
  const directory = join(root, siteId);
  const facts = { project: 'canary', role: 'site', id: siteId, coordinator: `https://${host}:${port}` } as const;
  const identity = await IdentityDirectory.create(join(directory, 'identity'), facts);
  const { fingerprint } = registry.enrol(registry.invite({ role: 'site', id: siteId }, 1), identity.request);
  const { certificate } = await registry.admit('site', siteId, fingerprint);
  await identity.admitted({ certificate: certificate!, authority: authority.certificate });
  const tap = await TappingProxy.start({ authority, port, credentials: () => identity.credentials });
  taps.set(siteId, tap);
  const settings = {
    ...{ siteId, coordinator: `https://${host}:${tap.port}`, data, threads: 1, metricsPort },
    policy: { without: ['signed-jobs'], minimumPatients: 1, minimumCount: 1 },
    overlap: { identifiers: ['name-birth-date-sex'], patientsMin: 1 },
  };
  writeFileSync(join(directory, 'site.yaml'), JSON.stringify(settings));
  const options = { signal: over.signal, execArgv: ['--conditions=consilium-source'] };
  running.push(runSite(directory, options));
}

async function run<T>(submission: Submission): Promise<T> {
  const { board } = coordinator;
  await board.submit(submission);
  const ended = await board.outcome<never>(submission.jobId);
  outcomes.push(ended, await board.outcomeAsJson(submission.jobId));
  return ended as T;
}

const patience = { stragglerMs: 120_000, attempts: 1 };
const survey = <K extends 'fingerprint'>(jobId: string, task: TaskBody, participants = siteIds) =>
  run<SurveyOutcome<K>>({
    ...{ kind: 'survey', jobId: jobId as JobId, participants: [...participants], task, minimumSites: 0 },
    ...patience,
  });

/** Small enough to be trained in a second. */
function tiny(plan: ReturnType<typeof planFor>): ReturnType<typeof planFor> {
  const levels = (one: number, two: number) => [Array(3).fill(one), Array(3).fill(two)];
  const network = {
    ...{ ...plan.network, channels: [4, 8], strides: levels(1, 2), kernelSizes: levels(3, 3) },
    ...{ blocksPerLevel: [1, 1], decoderBlocksPerLevel: [1] },
  };
  return { ...plan, patchSize: [16, 16, 16], network } as unknown as ReturnType<typeof planFor>;
}

/** Everything once, and several things that go wrong. */
async function doEverything(): Promise<void> {
  const { answers, leftOut } = await survey<'fingerprint'>('fingerprint', { kind: 'fingerprint' });
  expect(leftOut, readFileSync(join(root, 'folder/log.jsonl'), 'utf8')).toEqual([]);
  expect([...answers.keys()]).toEqual(siteIds);
  expect(answers.get('folder' as SiteId)!.leftOut.length).toBeGreaterThan(0); // the broken one, by a number
  const fingerprints = [...answers.values()].map(({ fingerprint }) => fingerprint);
  const plan = tiny(planFor(fingerprints, { memoryBudgetMb: 1024, size: 'small' }));
  const planJson = JSON.parse(JSON.stringify(plan)) as Json;
  await survey('prepare', { kind: 'prepare', plan: planJson });
  const network = networkFor(plan, 1);
  const model = await putBlob(coordinator.store, encodeModel(network));
  const job = (jobId: string, initialWeights: Job['initialWeights'], changes: Partial<Job> = {}): Job => ({
    ...{ kind: 'train', jobId: jobId as JobId, participants: [...siteIds], plan: planJson, model, initialWeights },
    ...{ rounds: { max: 1 }, stepsPerRound: 2, minimumSites: 1, stopping: { patience: 5, minimumGain: 0 }, seed: 1 },
    ...{ strategy: { kind: 'fed-avg' }, reply: plainEncoding, ...patience },
    ...changes,
  });
  const weights = await putBlob(coordinator.store, encodeSafetensors(weightsOf(network)));
  const plain = await run<JobOutcome>(job('plain', weights, { strategy: { kind: 'scaffold', learningRate: 1 } }));
  expect(plain.rounds[0]?.trained).toHaveLength(2);
  const secure = await run<JobOutcome>(
    job('secure', weights, {
      minimumSites: 2,
      privacy: { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1, samplingRate: 0.9 },
      secureAggregation: { threshold: 2, clip: 4, bits: 16, casesMax: 100, rounding: 'stochastic' },
    }),
  );
  expect(secure.state).toBe('completed');
  await survey('test', {
    ...{ kind: 'evaluate', plan: planJson, model, weights: plain.best!.weights, split: 'test' },
    ...{ modelName: 'canary' as ModelName, pictures: true },
  });
  const variables = ['slice-count', 'class-1-volume-ml'];
  const statistics = await runStatistics(
    {
      ...{ jobId: 'statistics' as JobId, participants: [...siteIds], variables, bins: 4, minimumCount: 1 },
      ...{ widenedByMax: 0.2, minimumSites: 1, ...patience },
    },
    (asked) => run({ kind: 'survey', ...asked } as unknown as Submission),
  );
  expect(statistics.state).toBe('completed');
  const settings = { identifier: 'name-birth-date-sex', capacity: 16, minimumCount: 1, minimumSites: 2 } as const;
  const overlap = await run<{ answers: ReadonlyMap<SiteId, { found: { elsewhere: number | null } | null }> }>({
    ...{ kind: 'overlap', jobId: 'overlap' as JobId, participants: [...siteIds], settings, ...patience },
  });
  expect([...overlap.answers.values()].map(({ found }) => found?.elsewhere)).toEqual([6, 6]);
  const gone = await survey('gone', { kind: 'fingerprint' }, [goneId]);
  expect(gone.leftOut).toMatchObject([{ code: 'site.data-unreadable' }]);
  await failures(job, weights);
}

async function failures(
  job: (jobId: string, weights: Job['initialWeights'], changes?: Partial<Job>) => Job,
  weights: Job['initialWeights'],
) {
  const noModel = await putBlob(coordinator.store, Buffer.from('no network at all'));
  expect((await run<JobOutcome>(job('no-network', weights, { model: noModel }))).state).toBe('failed');
  expect((await run<JobOutcome>(job('no-plan', weights, { plan: { a: 1 } }))).state).toBe('failed');
  await survey('again', {
    kind: 'evaluate',
    plan: {},
    model: noModel,
    weights,
    split: 'test',
    modelName: 'canary' as ModelName,
    pictures: false,
  });
  // Its process is ended in the middle of a training, at both sites.
  const crash = run<JobOutcome>(job('crash', weights, { stepsPerRound: 5000 }));
  while (!events.some((event) => event.kind === 'site-step' && event.jobId === 'crash')) {
    await new Promise((later) => setTimeout(later, 50));
  }
  for (const pid of workerPids()) process.kill(pid, 'SIGKILL');
  expect((await crash).state).toBe('failed');
}

/** Children of this process that train. */
function workerPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isChild =
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1] === `${process.pid}`;
        return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-main');
      } catch {
        return false;
      }
    })
    .map(Number);
}

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  await makeData();
  const directory = join(root, 'coordinator');
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const;
  await initCoordinator(
    directory,
    { project: 'canary', names: [host], listen: { host, port: 0 }, metricsPort: ports[0] },
    { nowMs: wallClockMs },
  );
  coordinator = await Coordinator.start(directory, { onEvent: (event) => events.push(event) });
  await startSite(siteIds[0]!, { directory: join(root, 'archive-data'), cohort: { name: 'renal' } }, ports[1]);
  await startSite(siteIds[1]!, join(root, 'folder-data'), ports[2]);
  await startSite(goneId, join(root, 'Zitronenfalter_Adalbert'), ports[3]);
  await doEverything();
  for (const port of ports) {
    const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
    seen.push({ where: 'metrics', bytes: Buffer.from(text) });
  }
}, 300_000);

afterAll(async () => {
  over.abort();
  await Promise.allSettled(running);
  for (const tap of taps.values()) await tap[Symbol.asyncDispose]();
  await coordinator[Symbol.asyncDispose]();
  trace.disable();
  rmSync(root, { recursive: true, force: true });
});

function filesUnder(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a planted patient', () => {
  it('is found in whatever form it takes', () => {
    for (const [form, bytes] of planted) {
      expect(sightings(bytes), form).not.toEqual([]);
      expect(
        sightings(Buffer.concat([Buffer.from('before'), gzipSync(bytes), Buffer.from('after')])),
        form,
      ).not.toEqual([]);
    }
    expect(sightings(Buffer.from('{"case":"case-01","dice":0.19470311,"n":1947}'))).toEqual([]);
  });

  it('is in the files of both sites', () => {
    expect(sightings(readFileSync(firstSlice()))).toEqual(
      expect.arrayContaining(['Zitronenfalter as utf8', 'the pixels']),
    );
    // De-identified, but the image is the image.
    const stored = filesUnder(join(root, 'archive-data')).map((path) => sightings(readFileSync(path)));
    expect(stored.flat()).toContain('the pixels');
  });

  it('is in nothing that a site has sent', () => {
    for (const [siteId, tap] of taps) {
      const bytes = tap.take();
      expect(sightings(bytes), siteId).toEqual([]);
      if (siteId === goneId) continue;
      expect(bytes.length).toBeGreaterThan(20_000);
      // What was heard is what was said, and not something encrypted.
      for (const word of ['"kind":"hello"', '"kind":"fingerprint"', '"secure-unmask"', 'PUT /v1/']) {
        expect(bytes.includes(word), `${siteId}: ${word}`).toBe(true);
      }
    }
  });

  it('is in nothing that the coordinator keeps, tells or shows', () => {
    for (const path of filesUnder(join(root, 'coordinator'))) expect(sightings(readFileSync(path)), path).toEqual([]);
    const json = (value: unknown) =>
      Buffer.from(JSON.stringify(value, (_, each) => (each instanceof Map ? [...each] : each)));
    expect(events.some((event) => event.kind === 'site-lost')).toBe(true);
    expect(sightings(json(events))).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(10);
    expect(sightings(json(outcomes))).toEqual([]);
    const spans = exporter
      .getFinishedSpans()
      .map(({ attributes, events: told, name, status }) => [name, attributes, told, status]);
    expect(spans.length).toBeGreaterThan(20);
    expect(sightings(json(spans))).toEqual([]);
    expect(seen).toHaveLength(4);
    for (const { bytes, where } of seen) expect(sightings(bytes), where).toEqual([]);
  });

  it('is in no audit log, and at a site that reads an archive in no log at all', () => {
    const logs = [
      ...siteIds.flatMap((siteId) => filesUnder(join(root, siteId, 'audit'))),
      ...filesUnder(join(root, 'archive')).filter((path) => /log[^/]*$/.test(path)),
    ];
    expect(logs.some((path) => path.endsWith('log.jsonl'))).toBe(true);
    for (const path of logs) expect(sightings(readFileSync(path)), path).toEqual([]);
  });

  it('would be heard if a site let it out', async () => {
    const siteId = siteIds[1]!;
    const tap = taps.get(siteId)!;
    tap.take();
    const { authority, credentials } = await IdentityDirectory.open(join(root, siteId, 'identity'));
    const client = new CoordinatorClient({ origin: `https://${host}:${tap.port}`, authority, credentials });
    for (const [form, bytes] of planted) {
      const taskId = `none/1/train/${siteId}` as TaskId;
      const message = Buffer.from(bytes).toString('latin1');
      await client.send({
        kind: 'failure',
        taskId,
        attempt: 1,
        failure: { code: 'site.leak', message, lasting: true },
      });
      const text = sightings(tap.take());
      if (!form.startsWith('pixels')) expect(text, form).not.toEqual([]);
      const store = new MemoryStore();
      await client.offerBlob(await putBlob(store, gzipSync(bytes)), store, over.signal);
      expect(sightings(tap.take()), form).not.toEqual([]);
    }
    await client.close();
  });
});

/** Where nothing listens at the moment. */
