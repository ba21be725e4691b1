/** The annotator in a browser, over an archive’s reading room: what is drawn is there, whatever dies meanwhile. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import { decodeNifti, encodeNifti, type Geometry } from '@consilium/imaging';
import { readingExtension } from '@consilium/reading';
import type { Answer } from '@consilium/reading/api';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWithoutBrowser, offencesOf, openBrowser } from '../browser.fixture.ts';
import { remotePatient, toyPatients, toySeriesBeside, toyStudy } from '../site-console/toy-hospital.fixture.ts';
import { type Plane, planes } from './viewer/view-plane.ts';

const skipped = isWithoutBrowser('the annotator');

const root = mkdtempSync(join(tmpdir(), 'consilium-annotator-'));
const [directory, pages] = [join(root, 'archive'), join(root, 'pages')];
const project = '/reading/v1/projects/renal';
let service: ArchiveService;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let port = 0;
const faults: string[] = [];
const strangers: string[] = [];

const rolesOf: Readonly<Record<string, ('lead' | 'reader' | 'reviewer' | 'adjudicator')[]>> = {
  lena: ['lead'],
  anna: ['reader'],
  boris: ['reader'],
  rita: ['reviewer'],
  adele: ['adjudicator'],
};

async function startService(): Promise<void> {
  const settings = serviceSettingsOf({ project: 'kidney', web: { port }, settleMs: 0, dicom: { port: 0 } });
  const identify = ({ headers }: { headers: Record<string, unknown> }) => {
    const person = String(headers['x-person'] ?? 'lena');
    return { person, roles: rolesOf[person]! };
  };
  service = await ArchiveService.open(directory, settings, { pages, extensions: [readingExtension({ identify })] });
  await service.start();
  port = Number(new URL(service.url).port);
}

const token = () => readFileSync(join(directory, consoleTokenFile), 'utf8').trim();

async function ask<T>(
  person: string,
  path: string,
  body?: unknown,
  method = body === undefined ? 'GET' : 'POST',
): Promise<T> {
  const response = await fetch(service.url + project + path, {
    method,
    headers: { Authorization: `Bearer ${token()}`, 'X-Person': person, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

/** Of the axial plane, radians: the patient’s left goes down. */
const turned = Math.PI / 9;

const code = (value: string, meaning: string) => ({ value, scheme: 'SCT', meaning });
const protocol = {
  title: 'Renal mass',
  structures: [
    {
      ...{ number: 1, name: 'Kidney', colour: '#e0803a' },
      ...{ category: code('123037004', 'Anatomical Structure'), type: code('64033007', 'Kidney') },
    },
    {
      ...{ number: 2, name: 'Tumour', colour: '#40c0e0' },
      ...{ category: code('49755003', 'Morphologically Abnormal Structure'), type: code('108369006', 'Neoplasm') },
    },
  ],
  form: [{ name: 'quality', label: 'Image quality', kind: 'yes-no', required: true }],
};

interface Drawn {
  readonly lastSeq: number;
  readonly strokes: readonly { readonly kind: string; readonly tool: string; readonly structure?: number }[];
}
let taskId = '';
const draft = () => ask<Drawn>('anna', `/tasks/${taskId}/draft`);
const draws = async () =>
  (await draft()).strokes.filter(({ kind }) => kind !== 'mark').map(({ kind, tool }) => `${kind} ${tool}`);
const saved = (word: string) => page.locator(`[data-save="${word}"]`).waitFor();
const volume = (structure: string) => page.getByRole('button', { name: new RegExp(`^${structure} [0-9.]+ ml$`) });

const ml = async (structure: string) =>
  Number.parseFloat((await volume(structure).textContent())!.slice(structure.length));

async function newPage(person: string): Promise<void> {
  await context?.close();
  context = await browser.newContext({
    viewport: { width: 1000, height: 640 },
    extraHTTPHeaders: { 'X-Person': person },
  });
  page = await context.newPage();
  watch(page);
  await page.goto(`${service.url}/annotator.html#token=${token()}`, { waitUntil: 'commit' });
  await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
  // Its keys are there with the list.
  await page.getByRole('table').first().waitFor();
}

function watch(one: Page): void {
  one.setDefaultTimeout(60_000);
  one.on('pageerror', (error) => faults.push(error.message));
  one.on('request', (request) => {
    const { hostname, protocol: scheme } = new URL(request.url());
    if (scheme !== 'data:' && scheme !== 'blob:' && hostname !== '127.0.0.1') strangers.push(request.url());
  });
}

type Share = readonly [number, number];

/** A drag over a part of a picture, by shares of its width and height; around a bend, if there is one. */
async function drag(
  from: Share,
  to: Share,
  { bend, one = page, picture = 'Axial picture' }: { one?: Page; bend?: Share; picture?: string } = {},
): Promise<void> {
  const box = (await one.getByRole('img', { name: picture, exact: true }).boundingBox())!;
  const place = ([x, y]: Share) => [box.x + box.width * x, box.y + box.height * y] as const;
  await one.mouse.move(...place(from));
  await one.mouse.down();
  if (bend !== undefined) await one.mouse.move(...place(bend), { steps: 3 });
  await one.mouse.move(...place(to), { steps: 3 });
  await one.mouse.up();
}

/** What is written beside lines that measure. */
const lengths = (plane: Plane) => page.locator(`[data-plane="${plane}"] svg text`).allTextContents();

/** Turns the axial plane about the front-to-back axis, by a dot on its line in the coronal picture. */
async function turnAxial(angle: number): Promise<void> {
  await page.keyboard.press('c');
  const { x, y } = (await page.getByRole('img', { name: 'Coronal picture', exact: true }).boundingBox())!;
  const lines = page.locator('[data-plane="coronal"] svg line');
  const [level, across] = await lines.evaluateAll((all) =>
    ['y2', 'x2'].map((name, at) => Number(all[2 * at]!.getAttribute(name))),
  );
  // The dots are there when the line is pointed at.
  await page.mouse.move(x + across! * 1.8, y + level!, { steps: 3 });
  const dots = page.locator('[data-plane="coronal"] svg circle');
  const dot = Math.max(...(await dots.evaluateAll((all) => all.map((one) => Number(one.getAttribute('cx'))))));
  const arm = dot - across!;
  await page.mouse.move(x + dot, y + level!, { steps: 3 });
  await page.mouse.down();
  await page.mouse.move(x + across! + arm * Math.cos(angle), y + level! + arm * Math.sin(angle), { steps: 6 });
  await page.mouse.up();
}

async function opened(one = page): Promise<void> {
  await one.locator('[data-plane="axial"] [data-slice]').waitFor();
  await one.getByRole('progressbar', { name: 'Slices that have come' }).waitFor({ state: 'detached' });
}

beforeAll(async () => {
  if (skipped) return;
  browser = await openBrowser({ pages });
  await startService();
  for (const bytes of Object.values(await toyStudy(toyPatients[3]!))) {
    await service.archive.door.admit(bytes, { kind: 'folder' });
  }
  await service.archive.series.settle();
  const [series] = service.archive.catalogue.search('modality = CT').series;
  await ask('lena', '', protocol, 'PUT');
  const [made] = await ask<{ tasks: string[] }[]>('lena', '/cases', { series: [series!.seriesInstanceUid], dueMs: 0 });
  taskId = made!.tasks[0]!;
});
afterAll(async () => {
  await browser?.close();
  await service?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(skipped)('the annotator', () => {
  it('lists what is to be read, and opens it with the keyboard alone', async () => {
    await newPage('anna');
    const row = page.getByRole('table', { name: 'To read' }).getByRole('row').nth(1);
    expect(await row.textContent()).toMatch(/New.*free.*6.*1970-01-01.*late/);
    await page.keyboard.press('n');
    await opened();
    expect(await page.locator('[data-plane="axial"]').textContent()).toMatch(/Axial.*3 \/ 6|Axial.*4 \/ 6/);
    expect(await page.locator('[data-plane="axial"] [data-edge]').allTextContents()).toEqual(['A', 'L', 'P', 'R']);
    expect(await page.locator('[data-plane="sagittal"] [data-edge]').allTextContents()).toEqual(['H', 'P', 'F', 'A']);
  });

  it('keeps each stroke of a brush, and takes it back and does it again', async () => {
    await drag([0.4, 0.5], [0.5, 0.5]);
    await saved('kept');
    await expect.poll(draws).toEqual(['draw circle']);
    const drawn = await ml('Kidney');
    expect(drawn).toBeGreaterThan(0);
    await page.keyboard.press('Control+z');
    await volume('Kidney').getByText('0.00 ml').waitFor();
    await page.keyboard.press('Control+y');
    await page.getByRole('button', { name: 'Lock Kidney' }).click();
    await page.keyboard.press('.');
    await page.keyboard.press('s');
    await drag([0.6, 0.5], [0.65, 0.5]);
    await saved('kept');
    await expect.poll(draws).toEqual(['draw circle', 'undo undo', 'redo redo', 'draw sphere']);
    // It was locked, so that the ball, which reached into it, took nothing of it.
    expect(await ml('Kidney')).toBe(drawn);
    expect(await ml('Tumour')).toBeGreaterThan(0);
  });

  it('shows all of it again after the tab was killed', async () => {
    const volumes = await page.getByRole('button', { name: / ml$/ }).allTextContents();
    await newPage('anna');
    await page.keyboard.press('n');
    await opened();
    expect(await page.getByRole('button', { name: / ml$/ }).allTextContents()).toEqual(volumes);
    await page.keyboard.press('Control+z');
    await volume('Tumour').getByText('0.00 ml').waitFor();
    await page.keyboard.press('Control+y');
    await saved('kept');
  });

  it('keeps what is drawn while the server is gone, and sends it when it is back', async () => {
    await service[Symbol.asyncDispose]();
    await page.keyboard.press('b');
    await drag([0.4, 0.3], [0.45, 0.3]);
    await saved('offline');
    await startService();
    await saved('kept');
    expect((await draws()).at(-1)).toBe('draw circle');
  });

  it('finds what was drawn offline also when the tab dies before the server is back', async () => {
    await context.setOffline(true);
    await drag([0.4, 0.7], [0.45, 0.7]);
    await saved('offline');
    const before = (await draws()).length;
    // The browser’s own database outlives a tab, but not its context.
    await page.close();
    await context.setOffline(false);
    page = await context.newPage();
    watch(page);
    await page.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`, { waitUntil: 'commit' });
    await opened();
    await page.getByText('of the last sitting had not been sent, and').waitFor();
    await saved('kept');
    expect((await draws()).length).toBe(before + 1);
  });

  it('lets a second window take the task, and the first one take it back, without losing a stroke', async () => {
    const first = page;
    const second = await context.newPage();
    watch(second);
    await second.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`, { waitUntil: 'commit' });
    await opened(second);
    const before = (await draws()).length;
    await first.bringToFront();
    await drag([0.3, 0.5], [0.3, 0.55], { one: first });
    await first.getByRole('dialog', { name: 'Open in another window' }).waitFor();
    await second.close();
    await first.getByRole('button', { name: 'Go on here' }).click();
    await opened(first);
    await saved('kept');
    expect((await draws()).length).toBe(before + 1);
  });

  it('shows its keys, and has nothing that keeps people out', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('larger brush').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await offencesOf(page)).toEqual([]);
  });

  it('hands in once the form is filled, is asked for changes, and is approved', async () => {
    await page.getByLabel('Image quality').selectOption('yes');
    await page.getByRole('button', { name: 'Hand in' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
    await newPage('rita');
    await page.getByRole('table', { name: 'To review' }).getByRole('link').press('Enter');
    await opened();
    expect(await ml('Tumour')).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Review it' }).press('Enter');
    await page.getByLabel('Comment').fill('The upper pole is missing.');
    await page.getByRole('button', { name: 'Ask for changes' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
    const { leaseId } = await ask<{ leaseId: string }>('anna', `/tasks/${taskId}/open`, {});
    await ask('anna', `/tasks/${taskId}/submit`, { leaseId, lastSeq: 0, form: { quality: true } });
    await page.reload();
    await page.getByRole('table', { name: 'To review' }).getByRole('link').press('Enter');
    await page.getByText('Changes asked by rita: The upper pole is missing.').waitFor();
    await page.getByRole('button', { name: 'Review it' }).press('Enter');
    await page.getByRole('button', { name: 'Approve' }).press('Enter');
    await page.getByText('Approved.').first().waitFor();
    expect(await ask('lena', `/tasks/${taskId}`)).toMatchObject({ state: 'approved', reviewer: 'rita' });
  });

  it('begins with a proposal, which is taken as it is, in a region, or rejected by structure', async () => {
    const bytes = (await toyStudy(toyPatients[1]!))['4712/seg.dcm']!;
    const files = Object.entries(await toyStudy(toyPatients[1]!)).filter(([path]) => path.includes('/ct/'));
    for (const [, file] of files) await service.archive.door.admit(file, { kind: 'folder' });
    await service.archive.series.settle();
    const found = service.archive.catalogue.search('phase = corticomedullary').series[0]!;
    for (const file of [...toySeriesBeside(toyPatients[1]!, 'thin'), ...toySeriesBeside(toyPatients[1]!, 'prior')])
      await service.archive.door.admit(file, { kind: 'folder' });
    await service.archive.series.settle();
    const [made] = await ask<{ caseId: string; tasks: string[] }[]>('lena', '/cases', {
      series: [found.seriesInstanceUid],
    });
    taskId = made!.tasks[0]!;
    const query = `format=dicom-seg&model=toy-unet&digest=${'a'.repeat(64)}`;
    const response = await fetch(`${service.url}${project}/cases/${made!.caseId}/proposal?${query}`, {
      ...{ method: 'POST', body: new Uint8Array(bytes) },
      headers: { Authorization: `Bearer ${token()}`, 'X-Person': 'lena', 'Content-Type': 'application/octet-stream' },
    });
    expect(await response.json()).toHaveProperty('version');
    await newPage('anna');
    await page.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`);
    await opened();
    const proposed = await ml('Tumour');
    expect(proposed).toBeGreaterThan(0);
    await page.getByRole('checkbox', { name: 'Proposal' }).press('Space');
    await page.getByRole('button', { name: 'Reject Tumour' }).press('Enter');
    await volume('Tumour').getByText('0.00 ml').waitFor();
    await page.keyboard.press('a');
    await drag([0.5, 0.5], [0.52, 0.5]);
    await expect.poll(() => ml('Tumour')).toBeGreaterThan(0);
    expect(await ml('Tumour')).toBeLessThan(proposed);
    await page.getByRole('button', { name: 'All as proposed' }).press('Enter');
    await expect.poll(() => ml('Tumour')).toBe(proposed);
    await saved('kept');
    const { strokes } = await ask<{ strokes: { tool: string; phase: string; model?: { name: string } }[] }>(
      'anna',
      `/tasks/${taskId}/draft`,
    );
    expect(strokes.filter(({ phase }) => phase === 'assisted').map(({ model, tool }) => [tool, model?.name])).toEqual([
      ['proposal-reject', 'toy-unet'],
      ['accept', 'toy-unet'],
      ['proposal-accept', 'toy-unet'],
    ]);
  });

  it('changes a structure as a whole, beside the page', async () => {
    const before = await ml('Kidney');
    await page.getByRole('button', { name: 'Shrink' }).press('Enter');
    await expect.poll(() => ml('Kidney')).toBeLessThan(before);
    await saved('kept');
    expect((await draws()).at(-1)).toBe('draw shrink');
    await page.keyboard.press('Control+z');
    await expect.poll(() => ml('Kidney')).toBe(before);
  });

  it('shows what a model answers to clicks before it counts, and the structures as bodies', async () => {
    const asked: { clicks: unknown[]; scribbles: unknown[]; box?: unknown; lasso?: unknown; structure: number }[] = [];
    const model = { name: 'toy-clicks', digest: 'b'.repeat(64) };
    // The model is played; the reading room’s own tests have a real one.
    await page.route('**/reading/v1/**', async (route) => {
      const url = route.request().url();
      const json = (body: unknown) => route.fulfill({ json: body });
      if (url.endsWith('/models')) return json([{ ...model, kind: 'interactive', state: 'champion' }]);
      if (url.endsWith('/session')) return json({ id: 'one', model, offered: null, structures: [1, 2], untilMs: 0 });
      if (url.endsWith('/close')) return json({});
      if (!url.endsWith('/prompts')) return route.continue();
      asked.push(route.request().postDataJSON());
      // One voxel more of the structure for each click.
      const x = 2 + asked.length;
      const runs = Buffer.from([2 * asked.length + 1, 2]).toString('base64');
      const change = { layer: 0, first: [0, 0, 3], last: [0, 0, x], runs };
      return json({ change, model, latencyMs: 12, uncertainty: 0, region: { first: [0, 0, 0], last: [5, 5, 5] } });
    });
    await page.reload();
    await opened();
    const before = await ml('Tumour');
    await volume('Tumour').press('Enter');
    await page.keyboard.press('k');
    const picture = page.getByRole('img', { name: 'Axial picture' });
    await picture.click({ position: { x: 200, y: 250 } });
    await page.getByText('Answered in').waitFor();
    await picture.click({ position: { x: 210, y: 250 }, modifiers: ['Shift'] });
    await expect.poll(() => asked.length).toBe(2);
    await page.getByText('Answered in').waitFor();
    expect(asked[1]).toMatchObject({ structure: 2, clicks: [{ isForeground: true }, { isForeground: false }] });
    expect(await ml('Tumour')).toBe(before);
    await page.keyboard.press('Escape');
    await page.getByText('Click on what belongs to the structure').waitFor();
    await picture.click({ position: { x: 200, y: 250 } });
    await page.getByText('Answered in').waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => ml('Tumour')).toBeGreaterThan(before);
    await saved('kept');
    const kept = async () =>
      (await ask<{ strokes: { kind: string; tool: string }[] }>('anna', `/tasks/${taskId}/draft`)).strokes.filter(
        ({ kind, tool }) => kind === 'draw' && tool === 'click',
      );
    await expect.poll(kept).toMatchObject([{ phase: 'assisted', model, structure: 2 }]);
    await page.keyboard.press('B');
    await drag([0.4, 0.4], [0.6, 0.6]);
    await page.getByText('Answered in').waitFor();
    await page.keyboard.press('K');
    await drag([0.45, 0.5], [0.55, 0.5]);
    await expect.poll(() => asked.length).toBe(5);
    await page.getByText('Answered in').waitFor();
    expect(asked[3]).toMatchObject({ clicks: [], scribbles: [], box: { first: [1, 7, 9], last: [5, 16, 14] } });
    expect(asked[4]).toMatchObject({ box: asked[3]!.box, scribbles: [{ isForeground: true }] });
    expect(await page.locator('[data-plane="axial"] [data-pointed] rect').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('S');
    await drag([0.4, 0.4], [0.6, 0.6], { bend: [0.6, 0.4] });
    await page.getByText('Answered in').waitFor();
    expect(asked[5]).toMatchObject({ clicks: [], lasso: { slice: expect.any(Number) } });
    expect(asked[5]!.box).toBe(undefined);
    await page.keyboard.press('Escape');
    await page.keyboard.press('K');
    await drag([0.45, 0.5], [0.55, 0.5]);
    await page.getByText('Answered in').waitFor();
    await page.keyboard.press('g');
    await page.getByRole('img', { name: 'Surfaces of the structures' }).locator('canvas').first().waitFor();
    const proposal = page.getByRole('checkbox', { name: 'Proposal' });
    if (!(await proposal.isChecked())) await proposal.press('Space');
    // With the panels of proposal, overlays, model and bodies open.
    expect(await offencesOf(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.unroute('**/reading/v1/**');
    await page.getByRole('button', { name: 'Close' }).press('Enter');
  });

  it('fills and cuts what a free line encloses, and finds structures in the image without a network', async () => {
    const before = await ml('Kidney');
    await volume('Kidney').press('Enter');
    await page.keyboard.press('l');
    await drag([0.1, 0.3], [0.4, 0.45], { bend: [0.4, 0.3] });
    await expect.poll(() => ml('Kidney')).toBeGreaterThan(before);
    const filled = await ml('Kidney');
    await page.keyboard.press('L');
    await drag([0.1, 0.3], [0.3, 0.4], { bend: [0.3, 0.3] });
    await expect.poll(() => ml('Kidney')).toBeLessThan(filled);
    await volume('Tumour').press('Enter');
    // The app is played; the reading room’s own tests have a real one.
    const own = { tool: 'own', function: 'bright', title: 'Bright part', options: {}, marginMm: 10 };
    await page.route('**/reading/v1/projects/renal/app', (route) =>
      route.fulfill({ json: { digest: 'd'.repeat(64), app: { tools: [own] } } }),
    );
    const marked: { tool: unknown; inside: unknown[]; outside: unknown[] }[] = [];
    await page.route('**/reading/v1/**/tool', (route) => {
      marked.push(route.request().postDataJSON());
      return route.fulfill({
        json: { first: [5, 23, 22], last: [5, 23, 23], runs: Buffer.from([2, 1]).toString('base64') },
      });
    });
    await saved('kept');
    await page.reload();
    await opened();
    await volume('Tumour').press('Enter');
    for (const [key, tool] of [
      ['T', 'threshold-box'],
      ['u', 'grow'],
      ['j', 'cut'],
      ['J', 'own'],
    ] as const) {
      const drawn = await ml('Tumour');
      await page.keyboard.press(key);
      await drag([0.6, 0.6], [0.8, 0.65]);
      await page.getByText('Found; shown in white.').waitFor();
      expect(await ml('Tumour')).toBe(drawn);
      await page.keyboard.press('Enter');
      await expect.poll(() => ml('Tumour')).toBeGreaterThan(drawn);
      await saved('kept');
      expect((await draws()).at(-1)).toBe(`draw ${tool}`);
      await page.keyboard.press('Control+z');
      await expect.poll(() => ml('Tumour')).toBe(drawn);
    }
    expect(marked[0]).toMatchObject({ tool: own, outside: [] });
    expect(marked[0]!.inside.length).toBeGreaterThan(1);
  });

  it('shows another series beside the case, whose slices follow', async () => {
    const choice = page.getByLabel('Series beside (i)');
    // Its date is another after de-identification.
    expect((await choice.locator('option').allTextContents()).join('\n')).toMatch(
      /^none\nsame study · CT · .*12 slices\n\d{4}-\d\d-\d\d · CT · unenhanced · .*6 slices$/,
    );
    await page.keyboard.press('i');
    const beside = page.locator('[data-beside="axial"]');
    await page.getByText('Its slices follow by position').waitFor();
    const own = page.locator('[data-plane="axial"] [data-slice]');
    await page.getByRole('img', { name: 'Axial picture', exact: true }).focus();
    for (let slice = 0; slice < 6; slice++) await page.keyboard.press('ArrowUp');
    const slices = async () => [await own.textContent(), await beside.locator('[data-slice]').textContent()];
    // The slice at the same place: the other series reaches half a slice further.
    await expect.poll(slices).toEqual(['1 / 6', '2 / 12']);
    await page.getByRole('img', { name: 'Axial picture beside' }).hover();
    for (let turn = 0; turn < 5; turn++) await page.mouse.wheel(0, 100);
    await expect.poll(async () => (await slices())[0]).not.toBe('1 / 6');
    await choice.selectOption({ index: 2 });
    await page.getByText('Its slices follow by their share').waitFor();
    await beside.getByText(/^\d{4}-\d\d-\d\d · CT/).waitFor();
    await page.keyboard.press('i');
    await beside.waitFor({ state: 'detached' });
    // What can be drawn can still be drawn.
    const before = await ml('Tumour');
    await page.keyboard.press('b');
    await drag([0.6, 0.6], [0.8, 0.65]);
    await expect.poll(() => ml('Tumour')).toBeGreaterThan(before);
  });

  it('asks which of two labels counts, takes a hand-in back, and gives a task back', async () => {
    const stroke = page.waitForRequest((request) => request.url().endsWith(`${taskId}/strokes`));
    await page.keyboard.press('b');
    await drag([0.6, 0.7], [0.7, 0.7]);
    const { leaseId } = (await stroke).postDataJSON() as { leaseId: string };
    await saved('kept');
    const { baseVersion, geometry } = await ask<{ baseVersion: string; geometry: Geometry }>(
      'anna',
      `/tasks/${taskId}`,
    );
    // Drawn elsewhere: a slice of tumour.
    const voxels = new Uint8Array(6 * 24 * 24).fill(2, 0, 24 * 24);
    const query = `leaseId=${leaseId}&format=nifti&parent=${baseVersion}`;
    const uploaded = await fetch(`${service.url}${project}/tasks/${taskId}/versions?${query}`, {
      ...{ method: 'POST', body: Buffer.from(encodeNifti({ geometry, voxels })) },
      headers: { Authorization: `Bearer ${token()}`, 'X-Person': 'anna', 'Content-Type': 'application/octet-stream' },
    });
    expect(await uploaded.json()).toMatchObject({ kind: 'kept' });
    const handIn = async () => {
      await page.getByLabel('Image quality').selectOption('yes');
      await page.getByRole('button', { name: 'Hand in' }).press('Enter');
    };
    await handIn();
    await page.getByRole('alert').getByText('both changed the same').waitFor();
    await page.getByRole('button', { name: 'Outline the other one in white' }).press('Enter');
    expect(await offencesOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'The other counts' }).press('Enter');
    await page.getByText('Drawing goes on with that one.').waitFor();
    await opened();
    await expect.poll(() => ml('Tumour')).toBeCloseTo((24 * 24 * 2.5 * 1.5 * 1.5) / 1000, 2);
    await handIn();
    await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
    await page.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`);
    await page.getByRole('button', { name: 'Take it back' }).press('Enter');
    await page.getByRole('button', { name: 'Hand in' }).waitFor();
    await page.getByRole('button', { name: 'Give it back' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Give the task back' });
    await dialog.getByLabel('Reason').fill('The arterial phase is missing.');
    await dialog.getByRole('button', { name: 'Give it back' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
    expect(await ask('lena', `/tasks/${taskId}`)).toMatchObject({ state: 'proposed', reader: null });
  });

  it('draws on a plane that was turned, takes it back and does it again', async () => {
    const files = Object.entries(await toyStudy(remotePatient)).filter(([path]) => path.includes('/ct/'));
    const known = new Set(service.archive.catalogue.search('modality = CT').series.map((one) => one.seriesInstanceUid));
    for (const [, file] of files) await service.archive.door.admit(file, { kind: 'folder' });
    await service.archive.series.settle();
    const found = service.archive.catalogue
      .search('modality = CT')
      .series.find(({ seriesInstanceUid }) => !known.has(seriesInstanceUid))!;
    const [made] = await ask<{ tasks: string[] }[]>('lena', '/cases', { series: [found.seriesInstanceUid] });
    taskId = made!.tasks[0]!;
    await newPage('anna');
    await page.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`);
    await opened();
    await turnAxial(turned);
    const axial = page.locator('[data-plane="axial"]');
    expect(await axial.locator('[data-edge]').allTextContents()).toEqual(['A', 'LF', 'P', 'RH']);
    await page.keyboard.press('b');
    await drag([0.3, 0.5], [0.7, 0.5]);
    await expect.poll(() => ml('Kidney')).toBeGreaterThan(0);
    const brushed = await ml('Kidney');
    await page.keyboard.press('Control+z');
    await volume('Kidney').getByText('0.00 ml').waitFor();
    await page.keyboard.press('Control+y');
    await expect.poll(() => ml('Kidney')).toBe(brushed);
    await volume('Tumour').press('Enter');
    await page.keyboard.press('l');
    await drag([0.15, 0.35], [0.85, 0.42], { bend: [0.85, 0.35] });
    await expect.poll(() => ml('Tumour')).toBeGreaterThan(0);
    await saved('kept');
    expect((await draws()).slice(-4)).toEqual(['draw circle', 'undo undo', 'redo redo', 'draw contour']);
  });

  it('measures distances in millimetres, also on the turned plane, until they are removed', async () => {
    const { height, width } = (await page.getByRole('img', { name: 'Axial picture', exact: true }).boundingBox())!;
    const lengthMm = async () => Number.parseFloat((await lengths('axial')).join());
    await page.keyboard.press('m');
    await drag([0.5, 0.35], [0.5, 0.65]);
    // The image is 36 mm wide, and so is the picture. The mouse moves by whole pixels.
    await expect.poll(lengthMm).toBeCloseTo((0.3 * height * 36) / width, 0);
    // The line lies in the sagittal plane, too.
    await expect.poll(() => lengths('sagittal')).toEqual(await lengths('axial'));
    await page.keyboard.press('M');
    await expect.poll(() => lengths('axial')).toEqual([]);
    await page.keyboard.press('r');
    await expect
      .poll(() => page.locator('[data-plane="axial"] [data-edge]').allTextContents())
      .toEqual(['A', 'L', 'P', 'R']);
    await drag([0.25, 0.5], [0.75, 0.5]);
    await expect.poll(lengthMm).toBeCloseTo(18, 0);
  });

  it('hands in the voxels that the turned plane cuts, and shows no distance of before on a case that is opened', async () => {
    await page.getByLabel('Image quality').selectOption('yes');
    await page.getByRole('button', { name: 'Hand in' }).press('Enter');
    await page.getByText('Handed in.').waitFor();
    const { headVersion } = await ask<{ headVersion: string }>('anna', `/tasks/${taskId}`);
    const file = await fetch(`${service.url}${project}/versions/${headVersion}/file?format=nifti`, {
      headers: { Authorization: `Bearer ${token()}`, 'X-Person': 'anna' },
    });
    const { voxels } = decodeNifti(new Uint8Array(await file.arrayBuffer()));
    // The planes cross in the middle; voxels are 2.5 mm high and 1.5 mm wide.
    const [slice, column] = [3, 12];
    const rise = (x: number) => slice - ((x - column) * 1.5 * Math.tan(turned)) / 2.5;
    const drawn = (number: number) =>
      [...voxels.keys()]
        .filter((at) => voxels[at] === number)
        .map((at) => ({ z: Math.floor(at / 576), y: Math.floor(at / 24) % 24, x: at % 24 }));
    const brushed = drawn(1);
    expect(new Set(brushed.map(({ z }) => z)).size).toBe(5);
    for (const { x, z } of brushed) expect(Math.abs(z - rise(x)) * 2.5 * Math.cos(turned)).toBeLessThan(2);
    const along = brushed.filter(({ y }) => y === column);
    const xs = along.map(({ x }) => x);
    // Nothing was left out between its ends.
    for (let x = Math.min(...xs); x <= Math.max(...xs); x++) {
      expect(along).toContainEqual({ z: Math.round(rise(x)), y: column, x });
    }
    // Of each column the free line takes the voxel nearest to the plane.
    const filled = drawn(2);
    expect(new Set(filled.map(({ z }) => z)).size).toBeGreaterThan(2);
    for (const { x, z } of filled) expect(z).toBe(Math.round(rise(x)));

    await page.goto(`${service.url}/annotator.html#/renal/tasks/${taskId}`);
    await page.getByRole('button', { name: 'Take it back' }).waitFor();
    await opened();
    // Before the tool is chosen none is shown, of whatever case.
    await page.keyboard.press('m');
    await drag([0.4, 0.2], [0.6, 0.2]);
    const own = expect.stringMatching(/^7\.\d+ mm$/);
    await expect.poll(() => lengths('axial')).toContainEqual(own);
    expect(await Promise.all(planes.map(lengths))).toEqual([[own], [], []]);
  });

  it('shows an adjudicator what the readers drew, and where they disagree', async () => {
    const known = new Set(service.archive.catalogue.search('modality = CT').series.map((one) => one.seriesInstanceUid));
    const files = Object.entries(await toyStudy(toyPatients[2]!)).filter(([path]) => path.includes('/ct/'));
    for (const [, file] of files) await service.archive.door.admit(file, { kind: 'folder' });
    await service.archive.series.settle();
    const found = service.archive.catalogue
      .search('modality = CT')
      .series.find(({ seriesInstanceUid }) => !known.has(seriesInstanceUid))!;
    const [made] = await ask<{ tasks: string[] }[]>('lena', '/cases', {
      ...{ series: [found.seriesInstanceUid], readers: 2, assignTo: ['anna', 'boris'] },
    });
    for (const [at, person] of ['anna', 'boris'].entries()) {
      const id = (await ask<{ id: string; reader: string }[]>(person, '/tasks')).find(
        (one) => made!.tasks.includes(one.id) && one.reader === person,
      )!.id;
      const { leaseId } = await ask<{ leaseId: string }>(person, `/tasks/${id}/open`, {});
      // Each draws one row, elsewhere.
      const change = {
        layer: 0,
        first: [2, 4 + 8 * at, 4],
        last: [2, 4 + 8 * at, 13],
        runs: Buffer.from([21, 1]).toString('base64'),
      };
      const stroke = { seq: 1, kind: 'draw', tool: 'circle', phase: 'manual', atMs: 1, structure: 1, change };
      await ask(person, `/tasks/${id}/strokes`, { leaseId, strokes: [stroke] });
      await ask(person, `/tasks/${id}/submit`, { leaseId, lastSeq: 1, form: { quality: true } });
    }
    await newPage('adele');
    await expect
      .poll(
        async () => {
          await page.reload();
          return page.getByText('Adjudication').count();
        },
        { timeout: 30_000 },
      )
      .toBe(1);
    await page.keyboard.press('n');
    await opened();
    for (const name of ['Reader 1', 'Reader 2', 'Where they disagree']) {
      await page.getByRole('checkbox', { name }).press('Space');
    }
    await expect.poll(() => page.getByRole('checkbox', { checked: true }).count()).toBe(4);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('shows how candidates did beside the models in use, to who leads with what can be done about them', async () => {
    const common = { structures: { kidney: 1, tumour: 2 }, person: 'lena', putMs: Date.UTC(2026, 2, 1) };
    const [unet, clicks, older] = ['unet-2', 'clicks-1', 'unet-1'].map((name, at) => ({
      ...{ name, digest: String(at).repeat(64), ...common, promotedMs: null },
      origin: at === 0 ? { job: 'renal-7', round: 12 } : {},
    }));
    const shelf: Answer<'listModels'> = [
      { ...older!, kind: 'automatic', state: 'champion' },
      { ...unet!, kind: 'automatic', state: 'candidate' },
      { ...clicks!, kind: 'interactive', state: 'champion' },
    ];
    const structures = [
      { structure: 1, candidate: 0.913, champion: 0.92 },
      { structure: 2, candidate: 0.704, champion: 0.655 },
    ];
    const after = [1, 5, 10].map((count) => ({ clicks: count, candidate: 0.5 + count / 30, champion: 0 }));
    const trial = { number: 2, atMs: Date.UTC(2026, 2, 2) };
    const difference = { cases: 12, mean: 0.021, low: -0.034, high: 0.072 };
    const played: Answer<'listTrials'> = [
      {
        ...{ ...trial, digest: unet!.digest, against: older!.digest },
        verdict: { isBetter: false, reason: 'not-sure', difference, structures },
      },
      {
        ...{ ...trial, digest: clicks!.digest, against: null },
        verdict: { isBetter: true, reason: 'better', structures, clicks: { scored: 5, after } },
      },
    ];
    const cases = Array.from({ length: 12 }, (_, at) => ({ caseId: `${at}`, version: `${at}` }));
    const set: Answer<'validation'> = { number: 2, cases };
    const acts: string[] = [];
    for (const person of ['anna', 'lena']) {
      await newPage(person);
      // The models are played; the reading room’s own tests have real ones, and try them.
      await page.route(`**${project}/{models,trials,validation}{,/**}`, (route) => {
        const { pathname } = new URL(route.request().url());
        if (route.request().method() === 'POST') acts.push(pathname.slice(project.length));
        const answers: Readonly<Record<string, unknown>> = { '/models': shelf, '/trials': played, '/validation': set };
        return route.fulfill({ json: answers[pathname.slice(project.length)] ?? { work: ['1'] } });
      });
      await page.getByRole('link', { name: 'Models' }).press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
      const rows = page.getByRole('table', { name: 'Models' }).getByRole('row');
      expect(await rows.nth(2).textContent()).toMatch(
        /^unet-2000000000000candidateproposalskidney, tumourrenal-7, round 12/,
      );
      const trials = page.getByRole('article');
      expect(await trials.nth(0).textContent()).toMatch(/unet-2 beside unet-1not let in.*as well be chance/);
      expect(await trials.nth(0).textContent()).toMatch(
        /\+0\.021 \(95 % interval −0\.034 to \+0\.072\), over 12 cases.*kidney0\.9130\.920tumour0\.7040\.655/,
      );
      expect(await trials.nth(1).textContent()).toMatch(/clicks-1 beside nothing drawnlet in.*5 clicks on a structure/);
      await page.getByText('12 cases with approved labels are set aside (set 2).').waitFor();
      await trials.nth(1).getByRole('img').waitFor();
      expect(await offencesOf(page)).toEqual([]);
      expect(await page.getByRole('button', { name: /^(Try|Retire)/ }).count()).toBe(person === 'lena' ? 4 : 0);
    }
    await page.getByRole('button', { name: 'Try unet-2' }).press('Enter');
    await page.getByText('unet-2 is measured on the cases').waitFor();
    await page.getByRole('button', { name: 'Retire clicks-1' }).press('Enter');
    await page.getByText('nothing takes its place').waitFor();
    await page.getByRole('button', { name: 'Retire it' }).press('Enter');
    await page.getByText('clicks-1 is retired.').waitFor();
    expect(acts).toEqual([`/models/${unet!.digest}/trial`, `/models/${clicks!.digest}/retire`]);
    await page.getByRole('link', { name: 'Reading list' }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
  });

  it('asks nobody else for anything, and leaves no fault behind', () => {
    expect([strangers, faults]).toEqual([[], []]);
  });
});
