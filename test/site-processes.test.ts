/** Two toy hospitals as real processes: the coordinator's and the sites' code as it runs in a rehearsal, on tiny data. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type SiteProcess, startSiteProcess, systemClock } from '@consilium/coordinator';
import { encodeModel, weightsOf } from '@consilium/engine';
import { type Job, type JobEvent, runJob, runSurvey, type Survey } from '@consilium/federation';
import { encodeNifti, type Geometry } from '@consilium/imaging';
import { createRandom, encodeSafetensors } from '@consilium/numerics';
import type { Contribution, JobId, Json, ModelName, SiteId } from '@consilium/protocol';
import type { SiteSettings } from '@consilium/site';
import {
  buildNetwork,
  kidneyClasses,
  kidneyRegions,
  makePlan,
  mergeFingerprints,
  parseFingerprint,
  parsePlan,
} from '@consilium/training';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'consilium-processes-'));
afterAll(() => rmSync(root, { recursive: true }));

const siteIds = ['site-1', 'site-2'] as readonly string[] as readonly SiteId[];

/** Patients are a kidney, a ball of 150 HU, with a tumour of 80 HU, in fat; the sites' scanners differ by their noise. */
function writeCase(directory: string, siteIndex: number, caseIndex: number): void {
  const random = createRandom(1, siteIndex, caseIndex);
  const size = [20, 24, 24] as const;
  const geometry: Geometry = {
    size,
    spacingMm: [5, 5, 5],
    originMm: [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  };
  const kidney = { centre: [10, 12, 12], radius: random.between(6, 8) };
  const tumour = { centre: [random.integer(8, 13), 12, random.integer(14, 18)], radius: random.between(2.5, 4) };
  const inside = ({ centre, radius }: typeof kidney, place: readonly number[]) =>
    place.reduce((sum, at, axis) => sum + (at - centre[axis]!) ** 2, 0) < radius ** 2;
  const voxels = new Int16Array(20 * 24 * 24);
  const label = new Uint8Array(voxels.length);
  for (let index = 0; index < voxels.length; index++) {
    const place = [Math.floor(index / 576), Math.floor(index / 24) % 24, index % 24];
    label[index] = inside(tumour, place) ? 2 : inside(kidney, place) ? 1 : 0;
    voxels[index] = [-100, 150, 80][label[index]!]! + (8 + 10 * siteIndex) * random.normal();
  }
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'image.nii.gz'), encodeNifti({ geometry, voxels }));
  writeFileSync(join(directory, 'label.nii.gz'), encodeNifti({ geometry, voxels: label }));
}

const data = join(root, 'data');
siteIds.forEach((siteId, siteIndex) => {
  for (let index = 0; index < 5; index++) writeCase(join(data, siteId, `patient-${index}`), siteIndex, index);
});

let count = 0;
async function project() {
  const directory = join(root, `project-${++count}`);
  const store = openStore(join(directory, 'coordinator'));
  const start = (siteId: SiteId, sources: readonly SiteId[]): SiteProcess => {
    const settings: SiteSettings = {
      siteId,
      sources: sources.map((source) => ({ siteId: source, directory: join(data, source) })),
      workDirectory: join(directory, siteId),
      seed: 1,
      threads: 1,
    };
    const entry = new URL(import.meta.resolve('@consilium/site/main'));
    return startSiteProcess({ siteId, entry, settings, blobs: store, execArgv: ['--conditions=consilium-source'] });
  };
  const sites = new Map([
    ...siteIds.map((siteId) => [siteId, start(siteId, [siteId])] as const),
    ['pooled' as SiteId, start('pooled' as SiteId, siteIds)] as const,
  ]);
  const ports = { clock: systemClock, store, sites };
  return {
    directory,
    sites,
    store,
    ports,
    ask: <K extends Contribution['kind']>(jobId: string, task: Survey<K>['task'], participants = siteIds) =>
      runSurvey(
        { jobId: jobId as JobId, participants, task, minimumSites: 1, stragglerMs: 60_000, attempts: 2 },
        ports,
      ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sites.values()].map((site) => site.stop()));
      store[Symbol.dispose]();
    },
  };
}
type Project = Awaited<ReturnType<typeof project>>;

async function tinyModel({ ask }: Project) {
  const { answers } = await ask<'fingerprint'>('fingerprint', { kind: 'fingerprint' });
  const fingerprints = [...answers.values()].map(({ fingerprint }) => parseFingerprint(fingerprint));
  const made = makePlan(mergeFingerprints(fingerprints), {
    memoryBudgetMb: 512,
    size: 'small',
    classes: kidneyClasses,
    regions: kidneyRegions,
  });
  const plan = parsePlan({
    ...made,
    patchSize: [16, 16, 16],
    network: {
      ...made.network,
      channels: [4, 8],
      strides: [
        [1, 1, 1],
        [2, 2, 2],
      ],
      kernelSizes: [
        [3, 3, 3],
        [3, 3, 3],
      ],
      blocksPerLevel: [1, 1],
      decoderBlocksPerLevel: [1],
    },
  });
  const random = createRandom(1, 'network');
  const network = buildNetwork(plan.network, { patchSize: plan.patchSize, batchSize: plan.batchSize, random });
  return {
    plan: JSON.parse(JSON.stringify(plan)) as Json,
    model: encodeModel(network),
    initialWeights: encodeSafetensors(weightsOf(network)),
  };
}

const jobOf = (model: Awaited<ReturnType<typeof tinyModel>>, changes: Partial<Job> = {}): Job => ({
  ...model,
  kind: 'train',
  jobId: 'federated' as JobId,
  participants: siteIds,
  rounds: { max: 3 },
  stepsPerRound: 4,
  minimumSites: 1,
  stragglerMs: 60_000,
  attempts: 2,
  stopping: { patience: 3, minimumGain: 0 },
  seed: 1,
  strategy: { kind: 'fed-avg' },
  ...changes,
});

describe('hospitals as processes of their own', () => {
  it('train one model together, also when one of them is killed in a round, and to the same bytes', async () => {
    await using calm = await project();
    const undisturbed = await runJob(jobOf(await tinyModel(calm)), calm.ports);
    expect(undisturbed).toMatchObject({ state: 'completed', reason: { code: 'rounds-used-up' } });
    expect(undisturbed.rounds.every(({ trained, score }) => trained.length === 2 && score !== null)).toBe(true);

    await using stormy = await project();
    const lost: JobEvent[] = [];
    const disturbed = await runJob(jobOf(await tinyModel(stormy)), stormy.ports, {
      onEvent: (event) => {
        if (event.kind === 'site-lost') lost.push(event);
        if (event.kind !== 'site-step' || event.round !== 2 || event.step !== 2 || lost.length > 0) return;
        if (event.siteId === siteIds[1]) process.kill(stormy.sites.get(siteIds[1]!)!.pid!, 'SIGKILL');
      },
    });
    expect(lost).toMatchObject([{ siteId: siteIds[1], round: 2, again: true, code: 'coordinator.site-ended' }]);
    expect(disturbed.best).toEqual(undisturbed.best);

    await using lonely = await project();
    const without = await runJob(jobOf(await tinyModel(lonely), { attempts: 1 }), lonely.ports, {
      onEvent: (event) => {
        if (event.kind === 'site-step' && event.round === 2 && event.siteId === siteIds[1]) {
          lonely.sites.get(siteIds[1]!)!.kill();
        }
      },
    });
    expect(without.state).toBe('completed');
    expect(without.rounds.map(({ trained }) => trained.length)).toEqual([2, 1, 2]);
    expect(without.rounds[1]!.leftOut).toContainEqual(expect.objectContaining({ siteId: siteIds[1], why: 'lost' }));
  });

  it('run jobs of their own and a pooled one at the same time as the shared one', async () => {
    await using together = await project();
    const model = await tinyModel(together);
    const alone = (jobId: string, siteId: string): Job =>
      jobOf(model, { jobId: jobId as JobId, participants: [siteId as SiteId], rounds: { max: 1 } });
    const outcomes = await Promise.all([
      runJob(jobOf(model, { rounds: { max: 1 } }), together.ports),
      runJob(alone('local-site-1', 'site-1'), together.ports),
      runJob(alone('pooled', 'pooled'), together.ports),
    ]);
    expect(outcomes.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
    const [federated, local, pooled] = outcomes.map(({ rounds }) => rounds[0]!);
    expect(local!.trained[0]!.weights).toBe(federated!.trained[0]!.weights);
    expect(pooled!.trained[0]!.cases).toBe(federated!.trained[0]!.cases + federated!.trained[1]!.cases);
    expect(pooled!.evaluated[0]!.cases).toBe(2);
  });

  it('test a model once, draw it for their own eyes, and answer the same when asked again', async () => {
    await using asked = await project();
    const model = await tinyModel(asked);
    const weights = await asked.store.putBlob(model.initialWeights);
    const task = {
      kind: 'evaluate',
      plan: model.plan,
      model: await asked.store.putBlob(model.model),
      weights,
      split: 'test',
      modelName: 'federated' as ModelName,
      pictures: true,
    } as const;
    const first = await asked.ask<'evaluate'>('test', task);
    const again = await asked.ask<'evaluate'>('test-again', task);
    expect(first.answers.size).toBe(2);
    expect(again.answers).toEqual(first.answers);
    const { scores } = first.answers.get(siteIds[0]!)!;
    expect(Object.keys(scores[0]!.regions)).toEqual(kidneyRegions.map(({ name }) => name));
    const picture = readFileSync(join(asked.directory, 'site-1/pictures', scores[0]!.pictures[0]!));
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    const other = weightsOf(buildNetworkLike(model));
    const others = await asked.ask<'evaluate'>('test-others', {
      ...task,
      weights: await asked.store.putBlob(encodeSafetensors(other)),
    });
    expect(others.leftOut.map(({ code }) => code)).toEqual([
      'site.test-set-already-used',
      'site.test-set-already-used',
    ]);
  });

  it('leave out damaged cases and name them by file in their own log only; one without any does not stop the others', async () => {
    const damaged = join(data, 'damaged');
    for (let index = 0; index < 4; index++) writeCase(join(damaged, `patient-${index}`), 0, index);
    truncateSync(join(damaged, 'patient-1/image.nii.gz'), 2000);
    mkdirSync(join(data, 'empty'));
    const three = ['damaged', 'empty', 'site-2'] as readonly string[] as readonly SiteId[];
    const directory = join(root, 'damaged-project');
    using store = openStore(join(directory, 'coordinator'));
    const sites = new Map(
      three.map((siteId) => {
        const sources = [{ siteId, directory: join(data, siteId) }];
        const settings: SiteSettings = { siteId, sources, workDirectory: join(directory, siteId), seed: 1, threads: 1 };
        const entry = new URL(import.meta.resolve('@consilium/site/main'));
        return [
          siteId,
          startSiteProcess({ siteId, entry, settings, blobs: store, execArgv: ['--conditions=consilium-source'] }),
        ];
      }),
    );
    const survey: Survey<'fingerprint'> = {
      jobId: 'fingerprint' as JobId,
      participants: three,
      task: { kind: 'fingerprint' },
      minimumSites: 1,
      stragglerMs: 60_000,
      attempts: 1,
    };
    const { answers, leftOut } = await runSurvey(survey, { clock: systemClock, store, sites });
    await Promise.all([...sites.values()].map((site) => site.stop()));
    expect([...answers.keys()]).toEqual(['damaged', 'site-2']);
    expect(answers.get(three[0]!)!.leftOut).toMatchObject([
      { case: 'case-02', code: expect.stringMatching(/^imaging\./) },
    ]);
    expect(leftOut).toMatchObject([{ siteId: 'empty', code: 'site.no-usable-case', lasting: true }]);
    expect(JSON.stringify([...answers, leftOut])).not.toContain('patient-1');
    expect(readFileSync(join(directory, 'damaged/log.jsonl'), 'utf8')).toContain('patient-1/image.nii.gz');
    expect(existsSync(join(directory, 'empty/log.jsonl'))).toBe(true);
  });
});

/** Another network of the same architecture. */
function buildNetworkLike({ plan }: { plan: Json }) {
  const { network, patchSize, batchSize } = parsePlan(plan);
  return buildNetwork(network, { patchSize, batchSize, random: createRandom(2, 'network') });
}
