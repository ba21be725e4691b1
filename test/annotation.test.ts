/**
 * From the PACS into the next federated job, with what a hospital has: Orthanc, an archive and its reading room, readers in a
 * browser, and readers with MONAI Label's own client in place of it. Every service is a process of its own.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDicomSegmentation } from '@consilium/imaging';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasOrthanc } from '../packages/reading/src/orthanc.fixture.ts';
import {
  type Arrived,
  iodErrors,
  type Person,
  ReadingHospital,
  smallPlan,
  writeClickModel,
  writeThresholdModel,
} from './reading-hospital.fixture.ts';

const inCi = process.env['CI'] !== undefined;
const browserPath = process.env['CHROMIUM_PATH'] || undefined;
const hasValidator = existsSync('/usr/bin/dciodvfy');
const clientHome = process.env['MONAI_LABEL_CLIENT'] ?? join(tmpdir(), 'consilium-monai-label');
const [clientFile] = globSync(join(clientHome, 'lib/python3*/site-packages/monailabel/client/client.py'));
const missing = Object.entries({
  Orthanc: hasOrthanc,
  Chromium: browserPath !== undefined,
  'MONAI Label’s client': clientFile !== undefined,
  dciodvfy: hasValidator,
}).flatMap(([name, isThere]) => (isThere ? [] : [name]));
if (missing.length > 0 && inCi) throw new Error(`missing in CI: ${missing.join(', ')}`);
if (missing.length > 0) console.log(`Skipped: annotation end to end (${missing.join(', ')} not installed).`);

interface Task {
  readonly id: string;
  readonly caseId: string;
  readonly role: string;
  readonly state: string;
  readonly reader: string | null;
  readonly baseVersion: string | null;
  readonly headVersion: string | null;
}

const root = mkdtempSync(join(tmpdir(), 'consilium-annotation-'));
const seeds = ['site-1/study-001', 'site-1/study-002', 'site-1/study-003'];
const [drawnInBrowser, drawnByClient] = ['site-2/study-001', 'site-2/study-002'] as const;
let hospital: ReadingHospital;
let browser: Browser;
/** Approved in the tests, by series. */
const approved = new Map<string, string>();
const validation: string[] = [];
const faults: string[] = [];
let first: Arrived;

const tasksOf = async (person: Person | 'console', caseId: string) =>
  (await hospital.ask<Task[]>(person, '/tasks')).filter((task) => task.caseId === caseId);
const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 120_000, interval: 200 });

/** Not by a command: what it asks for may be done before the command has ended. */
async function killedAtWork(path: string): Promise<void> {
  await hospital.ask('console', path, {});
  const running = async () =>
    (await hospital.ask<{ state: string }[]>('console', '/work')).some(({ state }) => state === 'running');
  await expect.poll(running, { timeout: 120_000, interval: 10 }).toBe(true);
  await hospital.killArchive();
  await hospital.startArchive();
}

/** Logged in, as on the first day: with the password that was handed over, and another one chosen. */
async function pageOf(person: Person): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`${hospital.url}/annotator.html`, { waitUntil: 'commit' });
  const form = page.getByRole('form', { name: 'Log in', exact: true });
  const first = hospital.firstPasswords.get(person)!;
  await form.getByLabel('Name').fill(person);
  await form.getByLabel('Password', { exact: true }).fill(first);
  await page.keyboard.press('Enter');
  await page.getByLabel('Present password').fill(first);
  const chosen = `${person} likes a quiet orange lighthouse`;
  await page.getByLabel('New password', { exact: true }).fill(chosen);
  await page.getByLabel('New password again').fill(chosen);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
  // Its keys are there with the list.
  await page.getByRole('table').first().waitFor();
  return page;
}

const opened = async (page: Page) => {
  await page.locator('[data-plane="axial"] [data-slice]').waitFor();
  await page.getByRole('progressbar', { name: 'Slices that have come' }).waitFor({ state: 'detached' });
};
const saved = (page: Page) => page.locator('[data-save="kept"]').waitFor();
const ml = async (page: Page, structure: string) => {
  const name = new RegExp(`^${structure} [0-9.]+ ml$`);
  return Number.parseFloat((await page.getByRole('button', { name }).textContent())!.slice(structure.length));
};
const place = async (page: Page, [x, y]: readonly [number, number]) => {
  const box = (await page.getByRole('img', { name: 'Axial picture' }).boundingBox())!;
  return [box.x + box.width * x, box.y + box.height * y] as const;
};
async function drag(page: Page, from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  await page.mouse.move(...(await place(page, from)));
  await page.mouse.down();
  await page.mouse.move(...(await place(page, to)), { steps: 4 });
  await page.mouse.up();
}
/** For a person to look at, where `CONSILIUM_PICTURES` says where they go. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['CONSILIUM_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `annotation-${name}.png`) });
}

async function handIn(page: Page): Promise<void> {
  await saved(page);
  await page.getByRole('button', { name: 'Hand in' }).press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
}

/** What a case's label became: in the PACS as DICOM SEG, of the patient as the PACS has him, valid, with something in it. */
async function approvedInPacs(caseId: string, { inPacs, series }: Arrived): Promise<void> {
  const version = (await tasksOf('console', caseId)).find(({ state }) => state === 'approved')!.headVersion!;
  const found = async () =>
    (await hospital.segmentationsInPacs()).filter(({ tags }) => tags['ContentDescription'] === version);
  await eventually(async () => (await found()).length).toBe(1);
  const [{ id, tags }] = (await found()) as [Awaited<ReturnType<typeof found>>[number]];
  expect(tags).toMatchObject({ Modality: 'SEG', ...inPacs });
  const bytes = await hospital.fileInPacs(id);
  const file = join(root, `${id}.dcm`);
  writeFileSync(file, bytes);
  expect(iodErrors(file)).toEqual([]);
  const { labels, segments } = await readDicomSegmentation(bytes);
  expect(segments.map(({ label }) => label)).toEqual(['Kidney', 'Tumour', 'Cyst']);
  expect(labels.voxels.some((value) => value === 1)).toBe(true);
  approved.set(series, version);
}

describe.skipIf(missing.length > 0)('a hospital’s label', () => {
  beforeAll(async () => {
    [hospital, browser] = await Promise.all([
      ReadingHospital.open(root),
      chromium.launch({ executablePath: browserPath!, args: ['--headless', '--no-sandbox', '--disable-gpu'] }),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await hospital?.[Symbol.asyncDispose]();
    rmSync(root, { recursive: true, force: true });
  });

  it('comes to be proposed by a model that was tried, also when the archive is killed meanwhile', async () => {
    const cases: string[] = [];
    for (const study of seeds) {
      const { series } = await hospital.arrive(study);
      validation.push(series);
      cases.push((await hospital.readFromFile(series, study)).caseId);
    }
    writeThresholdModel(join(root, 'threshold'));
    writeClickModel(join(root, 'clicks'));
    const shelf = ['--project', 'renal', '--directory', 'archive'];
    await hospital.commands.told('reading', 'model', 'put', 'threshold', ...shelf);
    await hospital.commands.told('reading', 'model', 'put', 'clicks', ...shelf);
    await hospital.commands.told('reading', 'model', 'promote', 'clicks', ...shelf);
    const aside = await hospital.commands.told('reading', 'model', 'set-aside', '--series', ...validation, ...shelf);
    expect(aside.cases.map(({ caseId }: { caseId: string }) => caseId)).toEqual(cases.sort());
    const models = await hospital.ask<{ name: string; digest: string }[]>('console', '/models');
    await killedAtWork(`/models/${models.find(({ name }) => name === 'threshold')!.digest}/trial`);
    const states = async () => {
      const models = await hospital.commands.told('reading', 'model', 'list', ...shelf);
      return models.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort();
    };
    await eventually(states).toEqual(['clicks champion', 'threshold champion']);

    first = await hospital.arrive(drawnInBrowser);
    const made = await hospital.addCase(first.series, ['anna', 'boris']);
    await killedAtWork('/proposals');
    await eventually(async () =>
      (await tasksOf('console', made.caseId)).every(({ baseVersion }) => baseVersion !== null),
    ).toBe(true);
  });

  it('is drawn in the browser by two who see nothing of each other, settled, approved, and in the PACS', async () => {
    const anna = await pageOf('anna');
    await anna.keyboard.press('n');
    await opened(anna);
    const proposed = await ml(anna, 'Kidney');
    expect(proposed).toBeGreaterThan(0);
    const { caseId } = (await hospital.ask<Task[]>('anna', '/tasks'))[0]!;
    await anna.keyboard.press('k');
    await anna.mouse.click(...(await place(anna, [0.35, 0.55])));
    await anna.getByText('Answered in').waitFor();
    await anna.keyboard.press('Enter');
    await saved(anna);
    await anna.keyboard.press('b');
    await drag(anna, [0.1, 0.1], [0.2, 0.1]);
    await expect.poll(() => ml(anna, 'Kidney')).toBeGreaterThan(proposed);
    const brushed = await ml(anna, 'Kidney');
    await picture(anna, 'reading');
    await anna.keyboard.press('Control+z');
    await expect.poll(() => ml(anna, 'Kidney')).toBeLessThan(brushed);
    await handIn(anna);
    await anna.context().close();

    const boris = await pageOf('boris');
    await boris.keyboard.press('n');
    await opened(boris);
    expect(await ml(boris, 'Kidney')).toBe(proposed);
    expect(await boris.locator('body').textContent()).not.toContain('anna');
    const seen = await hospital.ask<{ person: string }[]>('boris', '/versions');
    expect(seen.map(({ person }) => person)).not.toContain('anna');
    await boris.getByRole('button', { name: 'Reject Kidney' }).press('Enter');
    await boris.keyboard.press('b');
    await drag(boris, [0.6, 0.5], [0.7, 0.5]);
    await handIn(boris);
    await boris.context().close();

    await eventually(async () => (await tasksOf('adele', caseId)).map(({ role }) => role)).toContain('adjudicate');
    const adele = await pageOf('adele');
    await adele.keyboard.press('n');
    await opened(adele);
    await adele.getByRole('checkbox', { name: 'Reader 2' }).press('Space');
    await adele.getByRole('checkbox', { name: 'Where they disagree' }).press('Space');
    await picture(adele, 'adjudication');
    await adele.keyboard.press('b');
    await drag(adele, [0.3, 0.5], [0.4, 0.5]);
    await handIn(adele);
    await adele.context().close();

    const rita = await pageOf('rita');
    await rita.getByRole('table', { name: 'To review' }).getByRole('link').first().press('Enter');
    await opened(rita);
    await rita.getByRole('button', { name: 'Review it' }).press('Enter');
    await rita.getByRole('button', { name: 'Approve' }).press('Enter');
    await rita.getByText('Approved.').first().waitFor();
    await rita.context().close();
    await approvedInPacs(caseId, first);
    expect(faults).toEqual([]);
  });

  it('is drawn with MONAI Label’s own client as well', async () => {
    const arrived = await hospital.arrive(drawnByClient);
    const { caseId } = await hospital.addCase(arrived.series, ['anna', 'boris']);
    const read = async (person: Person, cutKidney: boolean) => {
      const python = join(clientHome, 'bin/python');
      const script = join(import.meta.dirname, 'monai_reader.py');
      const args = [script, clientFile!, `${hospital.url}/monailabel`, person, await hospital.tokenOf(person)];
      const work = mkdtempSync(join(root, 'client-'));
      const { stdout } = await promisify(execFile)(python, [...args, work, 'threshold', String(cutKidney)]);
      return JSON.parse(stdout) as { image: string };
    };
    expect((await read('anna', false)).image).toBe(caseId);
    expect((await read('boris', true)).image).toBe(caseId);
    await eventually(async () => (await tasksOf('adele', caseId)).map(({ role }) => role)).toContain('adjudicate');
    expect((await read('adele', false)).image).toBe(caseId);
    // As 3D Slicer's Reviewer module says it.
    const params = JSON.stringify({ segmentationMeta: { status: 'approved', comment: '' } });
    const response = await fetch(`${hospital.url}/monailabel/datastore/updatelabelinfo?label=${caseId}&tag=final`, {
      ...{ method: 'PUT', body: new URLSearchParams({ params }) },
      headers: { Authorization: `Bearer ${await hospital.tokenOf('rita')}` },
    });
    expect([response.status, await response.text()]).toEqual([200, 'null']);
    await approvedInPacs(caseId, arrived);
  });

  it('is in the next federated job, whose site writes down exactly which versions it trained on', async () => {
    const { commands } = hospital;
    const left = validation.flatMap((series) => ['--leave-out', `${series}=validation`]);
    const archive = ['--directory', 'archive'];
    await commands.told('archive', 'cohort', 'freeze', 'approved', 'modality = CT', ...left, ...archive);
    await commands.initCoordinator();
    await commands.startCoordinator();
    await commands.joinAs('hospital', 'archive');
    const path = join(root, 'hospital/site.yaml');
    const data = { directory: join(root, 'archive'), cohort: { name: 'approved' } };
    const settings = readFileSync(path, 'utf8').replace(/^data: .*$/m, `data: ${JSON.stringify(data)}`);
    writeFileSync(path, `${settings}\npolicy: { minimumPatients: 1 }\n`);
    await commands.startSite('hospital');
    writeFileSync(join(root, 'plan.json'), JSON.stringify(smallPlan()));
    const ends = ['--minimum-sites', '1', '--rounds', '1', '--steps', '1'];
    await commands.told('job', 'plan', 'job', '--plan', 'plan.json', '--participants', 'hospital', ...ends);
    await commands.told('job', 'submit', 'job');
    const watched = await commands.run('job', 'watch', 'job');
    expect([watched.code, watched.stderr]).toEqual([0, expect.anything()]);
    await commands.told('job', 'result', 'job', '--out', 'result');
    const json = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
    const record = json('hospital/trained/job/1.json') as { labels: { case: string; version: string }[] };
    const { cases } = json('hospital/cohort.json') as { cases: { case: string; pseudonym: string; split: string }[] };
    expect(cases.map((one) => one.case).sort()).toEqual([...approved.keys()].sort());
    const trained = cases.filter(({ split }) => split === 'train');
    expect(record.labels.length).toBeGreaterThan(0);
    // What left the hospital of it.
    const { rounds } = json('result/rounds.json') as { rounds: { trained: { labels: string }[] }[] };
    const digest = createHash('sha256')
      .update(readFileSync(join(root, 'hospital/trained/job/1.json')))
      .digest('hex');
    expect(rounds[0]!.trained.map(({ labels }) => labels)).toEqual([digest]);
    expect(record.labels.map((one) => [one.case, one.version])).toEqual(
      trained.map((one) => [one.pseudonym, approved.get(one.case)]),
    );
  });

  it('has its minutes in the report', async () => {
    interface Reading {
      readonly reader: string;
      readonly phase: string;
      readonly activeMinutes: number;
    }
    const { readings } = await hospital.ask<{ readings: Reading[] }>('console', '/measures');
    const minutes = (reader: string) =>
      readings.filter((one) => one.reader === reader).map(({ activeMinutes, phase }) => [phase, activeMinutes > 0]);
    expect(minutes('anna')[0]).toEqual(['assisted', true]);
    expect(minutes('boris')[0]).toEqual(['assisted', true]);
  });
});
