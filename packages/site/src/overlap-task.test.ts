/** Hospitals that compare their patients, in one process: real directories, keys and certificates; a coordinator by hand. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getBlob, MemoryStore, putBlob } from '@consilium/federation';
import type {
  ContributionTo,
  Introduction,
  JobId,
  OverlapSettings,
  OverlapStep,
  OverlapTask,
  SiteId,
  TaskId,
} from '@consilium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cohort } from './cohort.ts';
import { JobPeers } from './job-peers.ts';
import { overlapTask } from './overlap-task.ts';
import { openLocalLog } from './ports/local-log.ts';
import { ToyProject } from './project-directory.fixture.ts';
import { parseWorkerSettings, type WorkerSettings } from './settings.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const root = new ToyDirectory();
const project = await ToyProject.create();
const blobs = new MemoryStore();
const { signal } = new AbortController();
const context = {
  signal,
  getBlob: (id: never) => getBlob(blobs, id),
  putBlob: (bytes: Uint8Array) => putBlob(blobs, bytes),
};
const all: OverlapSettings = { identifier: 'patient-id', capacity: 32, minimumSites: 2, minimumCount: 1 };
const steps: readonly OverlapStep[] = ['mask', 'return', 'label', 'find'];

/** Numbers of patients; those of one number are one person. */
const patients: Readonly<Record<string, readonly number[]>> = {
  a: [1, 2, 3, 4, 5, 6, 7],
  b: [1, 2, 3, 4, 15, 16],
  c: [1, 25, 26, 27, 28],
};

function settingsOf(site: string, changes: Partial<WorkerSettings> = {}): WorkerSettings {
  return parseWorkerSettings({
    siteId: site,
    sources: [{ siteId: site, directory: join(root.path, 'data', site) }],
    workDirectory: join(root.path, site),
    seed: 1,
    threads: 1,
    overlap: { identifiers: ['patient-id', 'name-birth-date-sex'], issuer: 'City' },
    ...changes,
  });
}

const log = openLocalLog(join(root.path, 'log.jsonl'));
const cohortOf = (site: string) => Cohort.open(settingsOf(site), log);
const peersOf = (site: string, jobId: string, pins?: Record<string, string>) =>
  JobPeers.open({ workDirectory: join(root.path, site), jobId: jobId as JobId, purpose: 'overlap', pins });

interface Run {
  readonly settings?: OverlapSettings;
  readonly of?: (site: string) => WorkerSettings;
  readonly tampered?: (task: OverlapTask, site: string) => OverlapTask;
}

/** What a coordinator does, step by step; each step is asked of a site twice, as after a crash. */
async function compare(
  jobId: string,
  sites: readonly string[],
  { settings = all, of = settingsOf, tampered = (task) => task }: Run = {},
) {
  const roster: Introduction[] = [];
  for (const site of sites) roster.push(await (await peersOf(site, jobId)).introduction());
  const answers = new Map<string, ContributionTo<'overlap'>[]>();
  for (const [round, step] of steps.entries()) {
    for (const site of sites) {
      const received = sites.flatMap((from) =>
        (answers.get(from) ?? []).slice(Math.max(0, round - 2), round).flatMap((answer) => {
          const box = answer.boxes[site as SiteId];
          return box === undefined ? [] : [{ from: from as SiteId, step: answer.step, box }];
        }),
      );
      const address = { taskId: `${jobId}/${round}/overlap/${site}` as TaskId, jobId: jobId as JobId, attempt: 1 };
      const task = tampered({ kind: 'overlap', ...address, step, settings, roster, received }, site);
      const workplace = async () => ({ settings: of(site), peers: await peersOf(site, jobId), log });
      const answer = await overlapTask(task, await workplace(), context as never);
      expect(await overlapTask(task, await workplace(), context as never)).toEqual(answer);
      answers.set(site, [...(answers.get(site) ?? []), answer]);
    }
  }
  return Object.fromEntries([...answers].map(([site, said]) => [site, said.at(-1)!.found]));
}

interface Shared {
  readonly patient: string;
  readonly at: readonly string[];
  readonly part: string;
}
const sharedBy = (site: string, jobId: string): readonly Shared[] =>
  JSON.parse(readFileSync(join(root.path, site, 'overlap', `${jobId}.json`), 'utf8')).state.patients;

beforeAll(async () => {
  for (const [site, numbers] of Object.entries(patients)) {
    await project.admit(site, join(root.path, site));
    for (const number of numbers) {
      const directory = `data/${site}/${site}-case-${number}`;
      root.toyCase(directory);
      // As two departments would type it.
      const id = site === 'b' ? ` p-${number} ` : `P-${number}`;
      const name = site === 'b' ? `Müller^Ann${number}` : `MUELLER^ann${number}^K`;
      root.file(`${directory}/case.json`, JSON.stringify({ patientId: id, name, birthDate: '19560102', sex: 'F' }));
    }
  }
  await cohortOf('a'); // "a" has split its patients before
});
afterAll(() => root[Symbol.dispose]());

describe('hospitals that compare their patients', () => {
  it('each find whom they share and where, tell only counts, and agree on the part', async () => {
    const found = await compare('first', ['a', 'b', 'c']);
    expect(found['a']).toEqual({ elsewhere: 4, leftOut: null });
    expect(found['b']).toEqual({ elsewhere: 4, leftOut: null });
    expect(found['c']).toEqual({ elsewhere: null, leftOut: null }); // one patient is too few to tell
    const [atA, atB, atC] = ['a', 'b', 'c'].map((site) => sharedBy(site, 'first'));
    expect(atA!.map(({ patient, at }) => [patient, at])).toEqual([
      ['a/P-1', ['b', 'c']],
      ['a/P-2', ['b']],
      ['a/P-3', ['b']],
      ['a/P-4', ['b']],
    ]);
    expect(atC!.map(({ patient, at }) => [patient, at])).toEqual([['c/P-1', ['a', 'b']]]);
    expect(atB!.map(({ part }) => part)).toEqual(atA!.map(({ part }) => part));
    expect(atC![0]!.part).toBe(atA![0]!.part);
  });

  it('train on nobody who is tested on elsewhere, and draw no split anew', async () => {
    const before = readFileSync(join(root.path, 'a/cohort.json'), 'utf8');
    const parts = new Map<string, Set<string>>();
    for (const site of ['a', 'b', 'c']) {
      for (const { patient, split } of (await cohortOf(site)).usable()) {
        const person = patient.split('/')[1]!.trim().toUpperCase();
        parts.set(person, (parts.get(person) ?? new Set()).add(split));
      }
    }
    expect([...parts.values()].every(({ size }) => size === 1)).toBe(true);
    expect(readFileSync(join(root.path, 'a/cohort.json'), 'utf8')).toBe(before);
    expect([...parts.keys()]).toEqual(expect.arrayContaining(['P-1', 'P-2', 'P-3', 'P-4']));
    expect((await cohortOf('b')).usable()).toHaveLength(6); // had split nobody, so it leaves nobody out
  });

  it('leave a case out where another site has the patient in a later part, and speak of it to nobody', async () => {
    for (const site of ['d', 'e']) {
      await project.admit(site, join(root.path, site));
      for (let number = 1; number <= 8; number++) {
        root.toyCase(`data/${site}/case-${number}`);
        root.file(`data/${site}/case-${number}/case.json`, JSON.stringify({ patientId: `Q-${number}` }));
      }
    }
    const splits = async (site: string) =>
      new Map((await cohortOf(site)).usable().map(({ patient, split }) => [patient.slice(2), split]));
    const [ofD, ofE] = [await splits('d'), await splits('e')];
    const rank = (split: string | undefined) => ['train', 'validation', 'test'].indexOf(split!);
    const differing = [...ofD].filter(([patient, split]) => rank(split) < rank(ofE.get(patient)));
    expect(differing.length).toBeGreaterThan(0); // else this tests nothing: take another seed
    const found = await compare('conflict', ['d', 'e']);
    expect(found['d']!.elsewhere).toBe(8);
    const cohort = await cohortOf('d');
    const left = new Map(cohort.usable().map(({ patient, split }) => [patient.slice(2), split]));
    expect([...ofD.keys()].filter((patient) => !left.has(patient))).toEqual(differing.map(([patient]) => patient));
    for (const [patient, split] of left) expect(split).toBe(ofD.get(patient));
    expect(cohort.leftOut).toEqual([]);
    expect(readFileSync(join(root.path, 'log.jsonl'), 'utf8')).toContain('site.patient-elsewhere');
    const tested = (which: Map<string, string>) => [...which].filter(([, split]) => split === 'test');
    expect(tested(left)).toEqual(tested(ofD));
  });

  it('know each other’s patients again by name, birth date and sex too', async () => {
    const settings: OverlapSettings = { ...all, identifier: 'name-birth-date-sex' };
    const found = await compare('by-name', ['a', 'b'], { settings });
    expect(found['a']!.elsewhere).toBe(4);
  });

  it('keep no identifier and no key, and let nobody else read what they keep', async () => {
    for (const site of ['a', 'b', 'c']) {
      const directory = join(root.path, site);
      for (const name of readdirSync(join(directory, 'overlap'))) {
        expect(statSync(join(directory, 'overlap', name)).mode & 0o077).toBe(0);
        expect(readFileSync(join(directory, 'overlap', name), 'utf8')).not.toMatch(/"City"|MUELLER|19560102/i);
      }
      const secrets = join(directory, 'jobs/first/peers-overlap.json');
      expect(statSync(secrets).mode & 0o077).toBe(0);
      expect(JSON.parse(readFileSync(secrets, 'utf8')).secret).toBeNull();
    }
  });

  it('take no part against their settings', async () => {
    const refusing = (overlap: Record<string, unknown> | undefined, jobId: string) =>
      compare(jobId, ['a', 'b'], { of: (site) => settingsOf(site, { overlap } as never) });
    const refused = (code: string) => expect.objectContaining({ code, lasting: true });
    await expect(refusing(undefined, 'r1')).rejects.toEqual(refused('site.overlap-not-allowed'));
    const byName = { identifiers: ['name-birth-date-sex'] };
    await expect(refusing(byName, 'r2')).rejects.toEqual(refused('site.overlap-not-allowed'));
    const identifiers = ['patient-id'];
    const few = { identifiers, issuer: 'City', patientsMin: 8 };
    await expect(refusing(few, 'r3')).rejects.toEqual(refused('site.overlap-too-few-patients'));
    // A number without who gave it says nothing.
    await expect(refusing({ identifiers }, 'r4')).rejects.toEqual(refused('site.overlap-too-few-patients'));
    const exhausted = { identifiers, issuer: 'City', identifiersMax: 100 };
    await expect(refusing(exhausted, 'r5')).rejects.toEqual(refused('site.overlap-exhausted'));
    const crowded = compare('r6', ['a', 'b'], { settings: { ...all, capacity: 16 }, of: crowdedSettings });
    await expect(crowded).rejects.toEqual(refused('site.overlap-too-many-patients'));
  });

  it('stop where a coordinator passes on what was not said to them in this step', async () => {
    const replayed = compare('t1', ['a', 'b'], {
      tampered: (task) =>
        task.step === 'label'
          ? { ...task, received: task.received.map((each) => ({ ...each, box: task.received[0]!.box })) }
          : task,
    });
    await expect(replayed).rejects.toMatchObject({ code: 'federation.box-unreadable' });
    const another = await ToyProject.create();
    await another.admit('b', join(root.path, 'mallory'));
    const introduction = await (await peersOf('mallory', 't2')).introduction();
    const substituted = compare('t2', ['a', 'b'], {
      tampered: (task) => ({
        ...task,
        roster: task.roster.map((each) => (each.siteId === 'b' ? introduction : each)),
      }),
    });
    await expect(substituted).rejects.toMatchObject({ code: 'federation.peer-not-proven' });
  });

  it('are asked for nothing before they have begun, or after they have forgotten the key', async () => {
    const skipped = compare('s1', ['a', 'b'], { tampered: (task) => ({ ...task, step: 'return' }) });
    await expect(skipped).rejects.toMatchObject({ code: 'site.overlap-not-begun' });
    const peers = await peersOf('a', 'first');
    await expect(peers.channel([], { minimumSites: 2 })).rejects.toMatchObject({ code: 'site.peer-key-forgotten' });
    expect(await peers.introduction()).toEqual(await (await peersOf('a', 'first')).introduction());
  });
});

/** Where "a" has seventeen patients. */
function crowdedSettings(site: string): WorkerSettings {
  for (let number = 0; site === 'a' && number < 17; number++) {
    root.toyCase(`data/crowd/case-${number}`);
    root.file(`data/crowd/case-${number}/case.json`, JSON.stringify({ patientId: `X-${number}` }));
  }
  const directory = join(root.path, 'data', site === 'a' ? 'crowd' : site);
  return settingsOf(site, { sources: [{ siteId: site as SiteId, directory }] });
}
