/** A project as its documentation says: a coordinator and hospitals as processes of their own, each in its directory. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, encodeModel, weightsOf } from '@consilium/engine';
import { epsilonOf, MemoryStore, putBlob, type Submission, spendOf } from '@consilium/federation';
import { createRandom, decodeSafetensors, encodeSafetensors } from '@consilium/numerics';
import type { Privacy } from '@consilium/protocol';
import type { SiteDifferences } from '@consilium/study';
import { buildNetwork, parsePlan } from '@consilium/training';
import { CoordinatorClient, IdentityDirectory } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signed } from '../packages/cli/src/signed-submission.ts';
import { ConnectProxy } from '../packages/transport/src/connect-proxy.fixture.ts';
import { ServicesProject } from './services-project.fixture.ts';
import { writeTinyPatients } from './tiny-patients.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-services-'));
const project = new ServicesProject(root);
const never = new AbortController().signal;
/** Of the proxy through which the hospital "damaged" has to go. */
const login = 'hospital:p@ss';
let proxy: ConnectProxy;
const proxyUrl = (as = 'hospital:p%40ss'): string => `http://${as}@127.0.0.1:${proxy.port}`;
const steps = 80;
/** More than are killed in, so that a round that is missed is made up for. */
const rounds = 6;
const privacy: Privacy = { kind: 'dp-sgd', clipNorm: 0.3, noiseMultiplier: 1.5, samplingRate: 0.5 };
/** Of site-1: enough for ten steps, two rounds of four. */
const epsilonMax = epsilonOf([spendOf(privacy, 10)], 1e-3);

async function clientOf(directory: string): Promise<CoordinatorClient> {
  const { authority, credentials, facts } = await IdentityDirectory.open(join(root, directory));
  return new CoordinatorClient({ origin: facts.coordinator, authority, credentials });
}

const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const sha256 = (path: string) =>
  createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('hex');

/** A job like another, with changes. */
function vary(from: string, to: string, changes: object): string {
  cpSync(join(root, from), join(root, to), { recursive: true });
  writeFileSync(join(root, to, 'job.json'), JSON.stringify({ ...json(`${from}/job.json`), jobId: to, ...changes }));
  return to;
}

beforeAll(async () => {
  for (const [index, site] of ['site-1', 'site-2'].entries()) {
    writeTinyPatients(join(root, 'data', site), { site: index, count: 5 });
  }
  writeTinyPatients(join(root, 'data/damaged'), { site: 0, count: 4 });
  truncateSync(join(root, 'data/damaged/patient-1/image.nii.gz'), 2000);
  mkdirSync(join(root, 'data/empty'));
  // As two hospitals write the same two people.
  for (const [patient, patientId] of [
    ['site-1/patient-0', 'GUEST-0'],
    ['site-2/patient-3', 'guest-0'],
    ['site-1/patient-4', 'GUEST-1'],
    ['damaged/patient-2', 'guest-1'],
    ...[1, 2, 3].map((number) => [`site-1/patient-${number}`, `own-1-${number}`]),
    ...[0, 1, 2, 4].map((number) => [`site-2/patient-${number}`, `own-2-${number}`]),
    ...[0, 1, 3].map((number) => [`damaged/patient-${number}`, `own-3-${number}`]),
  ] as const) {
    writeFileSync(join(root, 'data', patient!, 'case.json'), JSON.stringify({ patientId, issuer: 'City' }));
  }
  const port = await project.initCoordinator();
  await project.startCoordinator();
  proxy = await ConnectProxy.start({ login, allowedPort: port });
  await Promise.all(['site-1', 'site-2', 'empty'].map((site) => project.joinAs(site, `data/${site}`)));
  await project.joinAs('damaged', 'data/damaged', '--proxy', proxyUrl());
  await project.joinAs('pooled', 'data');
  const data = ['site-1', 'site-2'].map((siteId) => ({ siteId, directory: join(root, 'data', siteId) }));
  const settings = readFileSync(join(root, 'pooled/site.yaml'), 'utf8');
  writeFileSync(join(root, 'pooled/site.yaml'), settings.replace(/^data: .*$/m, `data: ${JSON.stringify(data)}`));
  appendFileSync(join(root, 'site-1/site.yaml'), `privacy: { epsilonMax: ${epsilonMax}, deltaMax: 0.001 }\n`);
  for (const site of ['site-1', 'site-2', 'damaged', 'pooled']) {
    appendFileSync(join(root, site, 'site.yaml'), 'overlap: { identifiers: [patient-id], patientsMin: 4 }\n');
  }
  const known = await Promise.all(
    ['site-2', 'damaged'].map((site) => IdentityDirectory.open(join(root, site, 'identity'))),
  );
  const pins = Object.fromEntries(known.map(({ facts, fingerprint }) => [facts.id, fingerprint]));
  appendFileSync(join(root, 'site-1/site.yaml'), `peers: ${JSON.stringify(pins)}\n`);
  await Promise.all(['site-1', 'site-2', 'damaged', 'empty', 'pooled'].map((site) => project.startSite(site)));
}, 120_000);

afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

describe('a project of several processes', () => {
  it('is made, joined and checked with the commands of the guides', async () => {
    const { members } = await project.told('member', 'list');
    expect(members).toMatchObject([
      { role: 'member', id: 'admin', state: 'admitted' },
      ...['damaged', 'empty', 'pooled', 'site-1', 'site-2'].map((id) => ({
        role: 'site',
        id,
        state: 'admitted',
        connected: true,
      })),
    ]);
    const { ok, checks } = await project.told('preflight', '--directory', 'site-1');
    expect(ok).toBe(true);
    expect(
      checks.map(({ name, state }: { name: string; state: string }) => (state === 'failed' ? state : name)),
    ).toEqual([...['name', 'port', 'coordinator', 'clock', 'transfer', 'certificate', 'disk', 'memory', 'data']]);
    expect(checks.at(-1).facts).toEqual({ cases: 5, unlabelled: 0, patients: 5 });
  });

  it('keeps a directory to one process', async () => {
    for (const [who, directory] of [
      ['coordinator', 'coordinator'],
      ['site', 'site-1'],
    ] as const) {
      const second = await project.run(who, 'start', '--directory', directory);
      expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('transport.directory-in-use')]);
    }
  });

  it('is reached through a proxy, by who has its password', async () => {
    const before = proxy.tunnels;
    expect(before).toBeGreaterThan(1); // by a site that has joined, and runs
    const through = ['--proxy', proxyUrl()];
    const { members } = await project.told('member', 'list', ...through);
    expect(members.find(({ id }: { id: string }) => id === 'damaged')).toMatchObject({ connected: true });
    expect(await project.told('job', 'list', ...through)).toEqual({ jobs: [] });
    const { invitation } = await project.told('member', 'invite', '--member', 'berta', ...through);
    const joining = project.begin('member', 'join', invitation, '--directory', 'berta', ...through, '--json');
    const { fingerprint } = await joining.until(({ lines }) => lines[0] as { fingerprint: string } | undefined);
    await project.told('member', 'admit', 'berta', '--fingerprint', fingerprint, ...through);
    expect((await joining.ended).code).toBe(0);
    expect(proxy.tunnels).toBeGreaterThanOrEqual(before + 5);
    const stranger = await project.run('job', 'list', '--proxy', proxyUrl('hospital:guess'));
    expect([stranger.code, stranger.stderr]).toEqual([5, expect.stringContaining('transport.proxy-authentication')]);
    expect(stranger.stderr).not.toContain('guess');
  });

  it('tells what the cases of all sites are like, as if they lay in one place', async () => {
    const asking = ['job', 'statistics', '--variables', 'slice-count,class-1-volume-ml,class-7-volume-ml'];
    const [apart, together] = await Promise.all([
      project.told(
        ...asking,
        '--participants',
        'site-1,site-2',
        '--minimum-count',
        '3',
        '--bins',
        '2',
        '--differences',
        '--out',
        'volumes.json',
      ),
      project.told(...asking, '--participants', 'pooled', '--minimum-count', '6', '--bins', '2'),
    ]);
    expect(apart).toEqual(json('volumes.json'));
    const { 'slice-count': slices, 'class-1-volume-ml': volume, 'class-7-volume-ml': none } = apart.variables;
    expect(slices).toMatchObject({ count: 6, mean: 20, variance: 0, sites: ['site-1', 'site-2'] });
    expect(none).toBeNull();
    expect(volume.count).toBe(together.variables['class-1-volume-ml'].count);
    for (const number of ['mean', 'variance']) {
      expect(volume[number]).toBeCloseTo(together.variables['class-1-volume-ml'][number], 9);
    }
    expect(volume.range.min).toBeLessThan(volume.mean);
    expect([null, ...volume.histogram.told]).not.toContain(1); // a bin of fewer than three values is not told of
    expect(together.differences).toBeUndefined();
    const { harmonisation, sites } = apart.differences as SiteDifferences;
    expect(sites.map(({ scanners }) => scanners)).toEqual(sites.map(() => ({ vendor: {}, kernel: {} }))); // not allowed
    expect(sites.map(({ sliceThicknessMm }) => sliceThicknessMm)).toEqual([null, null]); // their files do not say
    expect(harmonisation.map(({ kind }) => kind)).toEqual(['intensity', 'spacing', 'features']);
    for (const { measures } of harmonisation) expect(measures[0]!.distances[0]![1]).toBeGreaterThanOrEqual(0);
  });

  it('plans a job from what the sites say about their data, and leaves out what cannot be used', async () => {
    const out = await project.run(
      ...['job', 'plan', 'derived', '--participants', 'damaged,empty,site-2', '--minimum-sites', '1'],
      ...['--detail', 'small', '--memory-budget-mb', '512', '--json'],
    );
    expect(out.code, out.stderr).toBe(0);
    const { sites, leftOut, participants } = JSON.parse(out.stdout);
    expect(participants).toEqual(['damaged', 'site-2']);
    expect(sites[0].leftOut).toMatchObject([{ case: 'case-02', code: expect.stringMatching(/^imaging\./) }]);
    expect(leftOut).toMatchObject([{ siteId: 'empty', code: 'site.no-usable-case' }]);
    expect(out.stdout + out.stderr).not.toContain('patient-');
    expect(readFileSync(join(root, 'damaged/log.jsonl'), 'utf8')).toContain('patient-1/image.nii.gz');
  });

  it('trains an edited plan, to the same bytes also when every process in it is killed in the middle of a round', async () => {
    await project.planTiny(
      'calm',
      json('derived/plan.json'),
      ...['--participants', 'site-1,site-2', '--rounds', String(rounds), '--steps', String(steps)],
      ...['--patience', '9', '--straggler-minutes', '5'],
    );
    expect(await project.told('job', 'submit', 'calm')).toMatchObject({ jobId: 'calm', reason: null });
    expect((await project.run('job', 'watch', 'calm')).code).toBe(0);
    const undisturbed = await project.told('job', 'result', 'calm', '--out', 'calm-result');
    expect(undisturbed).toMatchObject({ state: 'completed', reason: { code: 'rounds-used-up' } });
    const calm = json('calm-result/rounds.json').rounds;
    expect(
      calm.every(({ trained, score }: { trained: object[]; score: unknown }) => trained.length === 2 && score !== null),
    ).toBe(true);

    await project.told('job', 'submit', 'calm', '--id', 'stormy');
    const watch = project.begin('job', 'watch', 'stormy', '--json');
    const ofSite = (kind: string, siteId: string) =>
      watch.lines.filter((line) => line['kind'] === kind && line['siteId'] === siteId);
    const hasTrained = (round: number, siteId: string) =>
      ofSite('contribution-accepted', siteId).some((line) => line['task'] === 'train' && line['round'] === round);
    /** The first round from `from` on in which it is seen training: the watcher may hear of some only when they are over. */
    const training = (from: number, siteId: string) =>
      watch.until(() => {
        const round = Number(ofSite('site-step', siteId).at(-1)?.['round'] ?? 0);
        return round >= from && !hasTrained(round, siteId) && round;
      });

    const first = await training(2, 'site-1');
    await project.running.get('coordinator')!.kill('SIGKILL');
    expect(hasTrained(first, 'site-1')).toBe(false);
    await project.startCoordinator();
    const second = await training(first + 1, 'site-2');
    expect(hasTrained(second, 'site-2')).toBe(false);
    await project.running.get('site-2')!.kill('SIGKILL');
    await project.startSite('site-2');
    const third = await training(second + 1, 'site-1');
    expect(hasTrained(third, 'site-1')).toBe(false);
    process.kill(childOf(project.running.get('site-1')!.pid), 'SIGKILL');

    const { code, stderr } = await watch.ended;
    expect(code, stderr).toBe(0);
    expect(watch.lines).toContainEqual(expect.objectContaining({ kind: 'job-started', completedRounds: first - 1 }));
    expect(watch.lines).toContainEqual(
      expect.objectContaining({ kind: 'site-lost', siteId: 'site-1', code: 'site.worker-ended', again: true }),
    );
    const logged = (await project.run('job', 'logs', 'stormy', '--json')).stdout.trim().split('\n');
    expect(logged.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'job-started')).toMatchObject([
      { completedRounds: 0 },
      { completedRounds: first - 1 },
    ]);
    const disturbed = await project.told('job', 'result', 'stormy', '--out', 'stormy-result');
    expect(disturbed.best).toEqual(undisturbed.best);
    expect(sha256('stormy-result/weights.safetensors')).toBe(sha256('calm-result/weights.safetensors'));
    const weightsOfRounds = (of: string) =>
      json(`${of}-result/rounds.json`).rounds.map(({ weights }: { weights: string }) => weights);
    expect(weightsOfRounds('stormy')).toEqual(weightsOfRounds('calm'));
  }, 180_000);

  it('writes a model in which the weights are those of the file', () => {
    const model = decodeModel(readFileSync(join(root, 'calm-result/model.onnx')));
    const { tensors } = decodeSafetensors(readFileSync(join(root, 'calm-result/weights.safetensors')));
    expect(new Map(weightsOf(model))).toEqual(new Map(tensors));
    expect(parsePlan(json('calm-result/plan.json')).patchSize).toEqual([16, 16, 16]);
  });

  it('runs jobs of single sites and a pooled one side by side', async () => {
    vary('calm', 'local', { participants: ['site-1'], minimumSites: 1, rounds: { max: 1 } });
    vary('calm', 'pooled-job', { participants: ['pooled'], minimumSites: 1, rounds: { max: 1 } });
    await Promise.all(['local', 'pooled-job'].map((job) => project.told('job', 'submit', job)));
    await Promise.all(['local', 'pooled-job'].map((job) => project.run('job', 'watch', job)));
    await Promise.all(
      ['local', 'pooled-job'].map((job) => project.told('job', 'result', job, '--out', `${job}-result`)),
    );
    const [federated, local, pooled] = ['calm', 'local', 'pooled-job'].map(
      (job) => json(`${job}-result/rounds.json`).rounds[0],
    );
    // The schedule of the learning rate knows how long a job is; the loss of the first step, and the cases, do not.
    expect(local.trained[0].cases).toBe(federated.trained[0].cases);
    expect(pooled.trained[0].cases).toBe(federated.trained[0].cases + federated.trained[1].cases);
    expect(pooled.evaluated[0].cases).toBe(2);
  });

  it('tests a model once, draws it for the site’s own eyes, and answers the same when asked again', async () => {
    await using admin = await clientOf('coordinator/admin').then((client) => ({
      client,
      [Symbol.asyncDispose]: () => client.close(),
    }));
    const { submission } = (await admin.client.get('/v1/jobs/calm')) as { submission: Record<string, unknown> };
    const { plan, model, initialWeights: weights } = submission;
    const task = { kind: 'evaluate', plan, model, weights, split: 'test', modelName: 'federated', pictures: true };
    const survey = {
      kind: 'survey',
      participants: ['site-1', 'site-2'],
      minimumSites: 0,
      stragglerMs: 60_000,
      attempts: 2,
    };
    const ask = async (jobId: string, of: object) => {
      const { facts, credentials } = await IdentityDirectory.open(join(root, 'coordinator/admin'));
      const acting = { client: admin.client, facts, credentials };
      const asked = { ...survey, jobId, task: of } as unknown as Submission;
      await admin.client.post('/v1/jobs', await signed(asked, acting, { signal: never }));
      await project.run('job', 'watch', jobId);
      await project.told('job', 'result', jobId, '--out', jobId);
      return json(`${jobId}/answers.json`);
    };
    const first = await ask('test', task);
    const { scores } = first.answers['site-1'];
    expect(Object.keys(scores[0].regions)).toHaveLength(3);
    expect(
      readFileSync(join(root, 'site-1/pictures', scores[0].pictures[0]))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect((await ask('test-again', task)).answers).toEqual(first.answers);
    const others = await offer(admin.client, otherWeights());
    const { leftOut } = await ask('test-others', { ...task, weights: others });
    expect(leftOut.map(({ code }: { code: string }) => code)).toEqual(Array(2).fill('site.test-set-already-used'));
  });

  it('is paused, resumed and aborted, and tells by its exit code how a job ended', async () => {
    vary('calm', 'long', { rounds: { max: 5000 }, stopping: { patience: 5000, minimumGain: 0 } });
    await project.told('job', 'submit', 'long');
    const watch = project.begin('job', 'watch', 'long', '--json');
    const next = (kind: string) => {
      const before = watch.lines.length;
      return watch.until(({ lines }) => lines.slice(before).some((line) => line['kind'] === kind));
    };
    await watch.until(({ lines }) => lines.some(({ kind }) => kind === 'site-step'));
    expect(await project.told('job', 'pause', 'long')).toMatchObject({ state: 'paused' });
    expect((await project.told('job', 'list')).jobs.at(-1)).toMatchObject({ jobId: 'long', state: 'paused' });
    const going = next('site-step');
    await project.told('job', 'resume', 'long');
    await going;
    expect(await project.told('job', 'abort', 'long')).toMatchObject({
      state: 'aborted',
      reason: { text: expect.stringContaining('admin') },
    });
    expect((await watch.ended).code).toBe(4);
    expect((await project.run('job', 'resume', 'long')).stderr).toContain('federation.job-over');

    vary('calm', 'hopeless', { participants: ['empty'], minimumSites: 1 });
    await project.told('job', 'submit', 'hopeless');
    const failed = await project.run('job', 'watch', 'hopeless');
    expect([failed.code, failed.stdout]).toEqual([3, expect.stringContaining('empty: The site has no case')]);
    expect(await project.run('job', 'show', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('federation.job-unknown'),
    });
  });

  it('trains privately, without a site whose budget is spent', async () => {
    const training = { privacy, stepsPerRound: 4, rounds: { max: 3 }, minimumSites: 1 };
    await project.told('job', 'submit', vary('calm', 'private', training));
    expect((await project.run('job', 'watch', 'private')).code).toBe(0);
    await project.told('job', 'result', 'private', '--out', 'private-result');
    const trained = json('private-result/rounds.json').rounds.map((round: { trained: object[] }) => round.trained);
    const of = (siteId: string) => expect.objectContaining({ siteId, meanLoss: null });
    const both = [of('site-1'), of('site-2')];
    expect(trained).toEqual([both, both, [of('site-2')]]);
    const { rounds: all } = json('private-result/rounds.json');
    expect(all[2].leftOut).toMatchObject([{ siteId: 'site-1', code: 'site.privacy-budget-exhausted', lasting: true }]);

    const limited = await project.told('site', 'privacy', '--directory', 'site-1');
    expect(limited).toMatchObject({ epsilonMax, delta: 1e-3, jobs: [{ jobId: 'private', rounds: 2 }] });
    expect(limited.epsilon).toBeLessThan(epsilonMax);
    const free = await project.told('site', 'privacy', '--directory', 'site-2');
    expect(free).toMatchObject({ epsilonMax: null, jobs: [{ jobId: 'private', rounds: 3 }] });
    expect((await project.run('job', 'show', 'private')).stdout).toContain('site-1 –, site-2 –');
  });

  it('sums securely what it would else have seen, also when everybody is killed meanwhile', async () => {
    const short = { stepsPerRound: 60, rounds: { max: 1 }, minimumSites: 2 };
    const secureAggregation = { threshold: 2, clip: 1, bits: 20, casesMax: 10, rounding: 'nearest' };
    await project.told('job', 'submit', vary('calm', 'seen', short));
    expect((await project.run('job', 'watch', 'seen')).code).toBe(0);
    await project.told('job', 'submit', vary('calm', 'unseen', { ...short, secureAggregation }));
    const watch = project.begin('job', 'watch', 'unseen', '--json');
    const event = (kind: string) => watch.until(({ lines }) => lines.some((line) => line['kind'] === kind));
    await event('site-step');
    await project.running.get('coordinator')!.kill('SIGKILL');
    await project.running.get('site-2')!.kill('SIGKILL');
    await Promise.all([project.startCoordinator(), project.startSite('site-2')]);
    const { code, stderr } = await watch.ended;
    expect(code, stderr).toBe(0);
    const weightsOfBest = async (job: string) => {
      await project.told('job', 'result', job, '--out', `${job}-result`);
      return decodeSafetensors(readFileSync(join(root, `${job}-result/weights.safetensors`))).tensors;
    };
    const [seen, unseen] = [await weightsOfBest('seen'), await weightsOfBest('unseen')];
    const unit = secureAggregation.clip / (2 ** (secureAggregation.bits - 1) - 1);
    let moved = 0;
    for (const [name, { data }] of unseen) {
      const plain = seen.get(name)!.data;
      for (const [at, value] of data.entries()) {
        expect(Math.abs(Number(value) - Number(plain[at]))).toBeLessThan(unit);
        if (value !== plain[at]) moved += 1;
      }
    }
    expect(moved).toBeGreaterThan(0);
    const [{ trained }] = json('unseen-result/rounds.json').rounds;
    expect(trained).toMatchObject(['site-1', 'site-2'].map((siteId) => ({ siteId, weights: null, cases: null })));
    const ledger = globSync('coordinator/ledger.sqlite*', { cwd: root }).map((path) =>
      readFileSync(join(root, path), 'latin1'),
    );
    expect(ledger.join()).toMatch(/secure-input\.1/);
    expect(statSync(join(root, 'site-1/secrets.sqlite')).mode & 0o77).toBe(0);
  }, 120_000);

  it('waits where a person has to approve, through restarts of both sides, and begins when that person has', async () => {
    appendFileSync(
      join(root, 'pooled/site.yaml'),
      'policy: { approve: [train] }\nfilters: [{ kind: clip, norm: 100 }]\n',
    );
    const restart = async () => {
      await project.running.get('pooled')!.kill('SIGTERM');
      await project.startSite('pooled');
    };
    await restart();
    const approvals = (...words: string[]) => project.told('site', 'approvals', ...words, '--directory', 'pooled');
    vary('calm', 'looked-at', { participants: ['pooled'], minimumSites: 1, rounds: { max: 1 }, stepsPerRound: 2 });
    await project.told('job', 'submit', 'looked-at');
    const watch = project.begin('job', 'watch', 'looked-at', '--json');
    const waits = (times: number) =>
      watch.until(({ lines }) => lines.filter(({ kind }) => kind === 'site-waiting').length >= times);
    await waits(1);
    await restart();
    await waits(2);
    await project.running.get('coordinator')!.kill('SIGKILL');
    await project.startCoordinator();
    await waits(3);
    expect(await approvals('list')).toMatchObject({
      approvals: [{ job: 'looked-at', member: 'admin', state: 'none' }],
    });
    await approvals('approve', 'looked-at', '--by', 'Dr. Berger');
    expect((await watch.ended).code).toBe(0);
    expect(await approvals('show', 'looked-at')).toMatchObject({ state: 'approved', decidedBy: 'Dr. Berger' });
    expect((await project.run('job', 'show', 'looked-at')).stdout).toMatch(/pooled [\d.]+ \(clip\)/);
    expect((await project.told('policy', 'test', '--directory', 'site-2')).ok).toBe(true);
    expect((await project.run('policy', 'test', '--directory', 'pooled')).code).toBe(7); // it wants approval
  }, 120_000);

  it('lets nothing of patients out of a hospital', () => {
    expect(readFileSync(join(root, 'coordinator/ledger.sqlite')).toString('latin1')).not.toMatch(/patient-\d|nii\.gz/);
    const chunks = globSync('coordinator/blobs/chunks/*/*', { cwd: root }).map((path) =>
      readFileSync(join(root, path)),
    );
    const preflights = chunks.filter(({ length }) => length === 4 * 2 ** 20);
    expect(preflights).toHaveLength(1);
    const isMandate = (chunk: Buffer) => chunk.subarray(0, 11).toString('latin1') === '{"project":';
    const mandates = chunks.filter(isMandate);
    expect(mandates.length).toBeGreaterThan(5);
    for (const mandate of mandates) expect(mandate.toString()).not.toMatch(/patient-\d|nii\.gz/);
    for (const content of chunks.filter((chunk) => !preflights.includes(chunk) && !isMandate(chunk))) {
      const parsed = content[0] === 0x08 ? decodeModel(content).parameters : decodeSafetensors(content).tensors;
      expect(parsed.size).toBeGreaterThan(0);
    }
  });

  it('finds patients who are at two hospitals, tells nobody who they are, and settles on one part', async () => {
    const participants = ['--participants', 'damaged,site-1,site-2'];
    const comparing = ['job', 'overlap', 'overlap-1', ...participants, '--capacity', '64'];
    expect(await project.told(...comparing)).toEqual({
      jobId: 'overlap-1',
      sites: ['damaged', 'site-1', 'site-2'].map((siteId) => ({ siteId, elsewhere: null, leftOut: null })), // two are few
      leftOut: [],
    });
    const foundAt = (site: string): SharedPatient[] => json(`${site}/overlap/overlap-1.json`).state.patients;
    const [damaged, one, two] = ['damaged', 'site-1', 'site-2'].map(foundAt) as [
      SharedPatient[],
      SharedPatient[],
      SharedPatient[],
    ];
    expect(one).toMatchObject([
      { patient: 'site-1/GUEST-0', at: ['site-2'] },
      { patient: 'site-1/GUEST-1', at: ['damaged'] },
    ]);
    expect(two).toMatchObject([{ patient: 'site-2/guest-0', at: ['site-1'], part: one[0]!.part }]);
    expect(damaged).toMatchObject([{ patient: 'damaged/guest-1', at: ['site-1'], part: one[1]!.part }]);
    expect(readFileSync(join(root, 'coordinator/ledger.sqlite')).toString('latin1')).not.toMatch(/guest-/i);
    const pinned = await project.run(
      'job',
      'overlap',
      'overlap-2',
      '--participants',
      'site-1,pooled',
      '--capacity',
      '64',
    );
    expect([pinned.code, pinned.stderr]).toEqual([3, expect.stringContaining('federation.peer-not-pinned')]);
    const wanting = await project.run('job', 'overlap', 'overlap-3', ...participants, '--by', 'name-birth-date-sex');
    expect([wanting.code, wanting.stderr]).toEqual([3, expect.stringContaining('site.overlap-not-allowed')]);
    expect((await project.run('job', 'show', 'overlap-1')).stdout).toContain('answered: damaged, site-1, site-2');
  }, 60_000);
});

interface SharedPatient {
  readonly patient: string;
  readonly at: readonly string[];
  readonly part: string;
}

describe('whoever may not is refused, on both sides by the same code, and nothing changes:', () => {
  const admitted = async () =>
    (await project.told('member', 'list')).members.map(({ id, state }: { id: string; state: string }) => [id, state]);

  it('an invitation used twice, or too late', async () => {
    const before = await admitted();
    const invitation = await project.invite('site-3');
    const first = project.begin('site', 'join', invitation, '--directory', 'site-3', '--data', 'data/site-1', '--json');
    await first.until(({ lines }) => lines.length > 0);
    const second = await project.run('site', 'join', invitation, '--directory', 'thief', '--data', 'data/site-1');
    expect([second.code, second.stderr]).toEqual([6, expect.stringContaining('coordinator.token-used')]);
    expect((await first.kill('SIGINT')).code).toBe(130);
    const expired = await project.invite('late', '--hours', '0.0001');
    await new Promise((after) => setTimeout(after, 400));
    const late = await project.run('site', 'join', expired, '--directory', 'late', '--data', 'data/site-1');
    expect([late.code, late.stderr]).toEqual([6, expect.stringContaining('coordinator.token-unknown')]);
    const malformed = await project.run(
      'site',
      'join',
      invitation.slice(0, 100),
      '--directory',
      'late',
      '--data',
      'data/site-1',
    );
    expect([malformed.code, malformed.stderr]).toEqual([2, expect.stringContaining('transport.invitation-malformed')]);
    expect(await admitted()).toEqual([...before, ['site-3', 'pending']].sort());
    expect(project.running.get('coordinator')!.stderr).toContain('"code":"coordinator.token-used"');
  });

  it('a site that claims another’s id, work or rights, or speaks an older protocol', async () => {
    const site = await clientOf('site-1/identity');
    const failure = { code: 'site.unexpected-error', message: '', lasting: true };
    const claim = { kind: 'failure', taskId: 'calm/1/train/site-2', attempt: 1, failure };
    await expect(site.post('/v1/messages', claim)).rejects.toMatchObject({ code: 'coordinator.task-of-another' });
    await expect(site.get('/v1/jobs')).rejects.toMatchObject({ code: 'coordinator.not-allowed' });
    const hello = { kind: 'hello', protocolVersion: 0, holding: [] };
    await expect(site.events('POST', '/v1/line', hello, never).next()).rejects.toMatchObject({
      code: 'protocol.version-unsupported',
    });
    await expect(site.post('/v1/messages', { kind: 'alive?' })).rejects.toMatchObject({
      code: 'protocol.malformed-message',
    });
    await site.close();
    expect(
      (await project.told('member', 'list')).members.find(({ id }: { id: string }) => id === 'site-1').connected,
    ).toBe(true);

    cpSync(join(root, 'site-1'), join(root, 'impostor'), { recursive: true });
    const settings = readFileSync(join(root, 'impostor/site.yaml'), 'utf8');
    writeFileSync(join(root, 'impostor/site.yaml'), settings.replace('siteId: "site-1"', 'siteId: "site-2"'));
    const impostor = await project.run('site', 'start', '--directory', 'impostor');
    expect([impostor.code, impostor.stderr]).toEqual([2, expect.stringContaining('site.other-identity')]);
  });

  it('a key that was replaced by who has the coordinator’s files', async () => {
    const { identity } = await project.told(
      'coordinator',
      'recover',
      '--directory',
      'coordinator',
      '--member',
      'berta',
      '--out',
      'berta-2',
    );
    expect((await project.told('job', 'list', '--identity', identity)).jobs).not.toEqual([]);
    const old = await project.run('job', 'list', '--identity', 'berta');
    expect([old.code, old.stderr]).toEqual([6, expect.stringContaining('transport.certificate-revoked')]);
  });

  it('a site that was revoked', async () => {
    await project.told('member', 'revoke', 'empty');
    await project.running
      .get('empty')!
      .until(({ lines }) => lines.some(({ code }) => code === 'transport.certificate-revoked'));
    const { code, stdout } = await project.run('preflight', '--directory', 'empty', '--json');
    expect(code).toBe(7);
    const { checks } = JSON.parse(stdout);
    expect(checks.find(({ name }: { name: string }) => name === 'coordinator')).toMatchObject({
      state: 'failed',
      code: 'transport.certificate-revoked',
    });
    expect(existsSync(join(root, 'empty/identity/certificate.pem'))).toBe(true);
  });

  it('everybody, when the coordinator is away: with a reason and an exit code', async () => {
    expect((await project.running.get('coordinator')!.kill('SIGTERM')).code).toBe(0);
    const away = await project.run('job', 'list');
    expect([away.code, away.stderr]).toEqual([5, expect.stringContaining('transport.connection-refused')]);
    const nobody = await project.run('job', 'list', '--identity', 'nowhere');
    expect([nobody.code, nobody.stderr]).toEqual([6, expect.stringContaining('transport.not-joined')]);
  });
});

/** Another network of the same architecture. */
function otherWeights(): Uint8Array {
  const { network, patchSize, batchSize } = parsePlan(json('calm/plan.json'));
  const model = buildNetwork(network, { patchSize, batchSize, random: createRandom(2, 'network') });
  return encodeSafetensors(weightsOf(decodeModel(encodeModel(model))));
}

async function offer(client: CoordinatorClient, bytes: Uint8Array): Promise<string> {
  const store = new MemoryStore();
  const id = await putBlob(store, bytes);
  await client.offerBlob(id, store, never);
  return id;
}

/** The one child process of a process: a site's worker. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  expect(children).toHaveLength(1);
  return Number(children[0]);
}
