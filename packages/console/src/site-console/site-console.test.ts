/** The data manager's pages in a browser, over an archive that de-identifies as it does in a hospital. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import { zipSync } from 'fflate';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWithoutBrowser, offencesOf, openBrowser } from '../browser.fixture.ts';
import { remotePatient, toyPatients, toyStudy } from './toy-hospital.fixture.ts';

const skipped = isWithoutBrowser('the site console');

const root = mkdtempSync(join(tmpdir(), 'consilium-console-'));
const [directory, pages, files, remote] = ['archive', 'pages', 'files', 'remote'].map((name) => join(root, name)) as [
  string,
  string,
  string,
  string,
];
const tokenFile = join(root, 'remote.token');
let service: ArchiveService;
/** Plays the PACS: its names are those that its own door has given. */
let pacs: ArchiveService;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let port = 0;
const strangers: string[] = [];
const faults: string[] = [];

async function startService(): Promise<void> {
  const settings = serviceSettingsOf({
    ...{ project: 'kidney', web: { port }, settleMs: 0, dicom: { port: 0 } },
    remotes: [{ kind: 'dicomweb', name: 'pacs', url: `${pacs.url}/dicom-web`, tokenFile }],
  });
  service = await ArchiveService.open(directory, settings, { pages });
  await service.start();
  port = Number(new URL(service.url).port);
}

async function startPacs(): Promise<void> {
  writeFileSync(tokenFile, 'token-of-the-toy-pacs');
  const settings = serviceSettingsOf({ web: { port: 0 }, dicomweb: { clients: [{ name: 'archive', tokenFile }] } });
  pacs = await ArchiveService.open(remote, settings);
  await pacs.start();
  for (const bytes of Object.values(await toyStudy(remotePatient))) {
    await pacs.archive.door.admit(bytes, { kind: 'folder' });
  }
}

const token = () => readFileSync(join(directory, consoleTokenFile), 'utf8').trim();
const heading = (name: string) => page.getByRole('heading', { level: 1, name });
const goTo = async (name: string) => {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await heading(name).waitFor();
};

/** Moves the focus with the keyboard alone until it is where the name says. */
async function tabTo(role: Parameters<Page['getByRole']>[0], name: string | RegExp, key = 'Tab'): Promise<void> {
  const target = page.getByRole(role, { name }).first();
  await target.waitFor();
  for (let step = 0; step < 150; step++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`the focus does not come to ${role} ${name}`);
}

beforeAll(async () => {
  if (skipped) return;
  browser = await openBrowser({ pages });
  await startPacs();
  await startService();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && hostname !== '127.0.0.1') strangers.push(request.url());
  });
});
afterAll(async () => {
  await browser?.close();
  await service?.[Symbol.asyncDispose]();
  await pacs?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(skipped)('the site console', () => {
  it('lets nobody in without the token, and says where it is', async () => {
    await page.goto(service.url);
    await heading('Consilium archive').waitFor();
    await page.getByLabel('Or paste the link or the token here').fill('f'.repeat(64));
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('people.login-refused').waitFor();
  });

  it('takes the token of the link out of the address', async () => {
    await page.goto('about:blank');
    await page.goto(`${service.url}/#token=${token()}`);
    await heading('Arrivals').waitFor();
    expect(page.url()).not.toContain('token');
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.getByText('Nothing is under way').waitFor();
  });

  it('takes in a zip, and shows without being asked what has come', async () => {
    const studies = await Promise.all(toyPatients.slice(0, 3).map(toyStudy));
    const zip = zipSync(Object.assign({}, ...studies) as Record<string, Uint8Array>, { level: 0 });
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose files' }).click(),
    ]);
    await chooser.setFiles({ name: 'export.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
    await page.getByRole('region', { name: 'Upload' }).getByText('21 stored').waitFor();
    const figure = page.getByRole('group', { name: 'Instances', exact: true });
    await figure.getByText('21', { exact: true }).waitFor();
    await figure.getByText('of 3 subjects, 6 series').waitFor();
    await page.getByText('No series waits').waitFor();
  });

  it('takes in a folder, and says of each file in words why it was not taken', async () => {
    const junk = new Uint8Array(700);
    junk.set(new TextEncoder().encode('DICM'), 128);
    const study: Record<string, Uint8Array> = {
      ...(await toyStudy(toyPatients[3]!)),
      '4714/damaged.dcm': junk,
      '4714/notes.txt': new Uint8Array(9),
    };
    for (const [path, bytes] of Object.entries(study)) {
      mkdirSync(dirname(join(files, path)), { recursive: true });
      writeFileSync(join(files, path), bytes);
    }
    await page.getByRole('button', { name: 'Clear the list' }).click();
    await page.locator('input[type=file][webkitdirectory]').setInputFiles(join(files, '4714'));
    const upload = page.getByRole('region', { name: 'Upload' });
    await upload.getByText('6 stored').waitFor();
    const row = (name: string) => upload.getByRole('row', { name });
    await row('4714/damaged.dcm').getByText('imaging.').waitFor();
    expect(await row('4714/damaged.dcm').textContent()).toMatch(/refused.{30}/);
    expect(await row('4714/notes.txt').textContent()).toContain('Neither DICOM, nor NIfTI, nor NRRD.');
    await page.getByRole('button', { name: 'Clear the list' }).click();
    const dropped = await page.evaluateHandle(
      (bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], 'again.dcm'));
        return transfer;
      },
      [...study['4714/ct/0.dcm']!],
    );
    await page.getByRole('region', { name: 'Drop files here' }).dispatchEvent('drop', { dataTransfer: dropped });
    await upload.getByText('1 there already').waitFor();
  });

  it('finds, looks at and tags a series with the keyboard alone', async () => {
    await page.locator('body').click({ position: { x: 4, y: 700 } });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('go to Studies').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await heading('Studies').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('modality =');
    await page.keyboard.press('Enter');
    await page.getByText('Here a value was expected. (character 11; archive.query-invalid)').waitFor();
    await page.keyboard.type(' CT and phase = corticomedullary');
    await page.keyboard.press('Enter');
    await page.getByText('1 subject, 1 study, 1 series').waitFor();
    await tabTo('button', /^SUB-/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'SYNTHETIC corticomedullary phase' });
    await details.getByText('6 slices of 24 × 24 voxels').waitFor();
    await details.getByRole('img', { name: /Middle slice/ }).waitFor();
    await page.getByRole('region', { name: 'Segmentations' }).getByText('2: Tumour').waitFor();
    await tabTo('combobox', 'New tag');
    await page.keyboard.type('good');
    await page.keyboard.press('Enter');
    await page.getByText('Tagged “good”.').waitFor();
    await page.getByRole('button', { name: 'Remove the tag good' }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await page.getByRole('button', { name: 'Remove the tag good' }).waitFor({ state: 'detached' });
  });

  it('makes, freezes and splits a cohort with the keyboard alone', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await heading('Cohorts').waitFor();
    await tabTo('link', 'New cohort');
    await page.keyboard.press('Enter');
    await heading('New cohort').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.press('Enter');
    await page.getByText('of 7 found').waitFor();
    await tabTo('button', /^CT: 4 series/);
    await page.keyboard.press('Space');
    await page.getByText('3 series of 3 patients belong, of 4 found').waitFor();
    await page.getByText('1 no segmentation').waitFor();
    expect(await page.getByRole('textbox', { name: 'Series of the cohort' }).inputValue()).toBe('modality = CT');
    await tabTo('button', /^Leave out SYNTHETIC corticomedullary/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Leave a series out' }).waitFor();
    await tabTo('textbox', 'Why does it not belong?');
    await page.keyboard.type('breathing');
    await tabTo('button', /^Leave out$/);
    await page.keyboard.press('Enter');
    await page.getByText('2 series of 2 patients belong, of 4 found').waitFor();
    await tabTo('textbox', 'Name of the cohort');
    await page.keyboard.type('nephro');
    await page.keyboard.press('Enter');
    await heading('Cohort nephro').waitFor();
    await page.getByText('1 left out by a person').waitFor();
    await tabTo('textbox', 'Name of a new split');
    await page.keyboard.type('first');
    await tabTo('checkbox', 'vendor');
    await page.keyboard.press('Space');
    await tabTo('button', /^Draw$/);
    await page.keyboard.press('Enter');
    const split = page.getByRole('table', { name: 'Patients of the split first' });
    expect(await split.getByRole('row').last().getByRole('cell').last().textContent()).toBe('2');
    await split.getByText('vendor Siemens').waitFor();
    const lines = await page.getByRole('region', { name: 'In the site’s site.yaml' }).textContent();
    expect(lines).toContain(`directory: ${JSON.stringify(directory)}`);
    expect(lines).toContain('cohort: { name: nephro, version: 1, split: first }');
  });

  it('marks a series as failed with a reason, which leaves it out, and withdraws it', async () => {
    await goTo('Studies');
    await page.getByRole('textbox', { name: 'Find series' }).fill('phase = nephrographic and labelled = true');
    await page.keyboard.press('Enter');
    await page.getByText('2 subjects, 2 studies, 2 series').waitFor();
    await page.getByRole('button', { name: 'SYNTHETIC nephrographic phase' }).first().click();
    await page.getByRole('button', { name: 'Mark as failed' }).click();
    await page.getByLabel('What is wrong with it?').fill('Wrong patient position');
    await page.getByRole('dialog').getByRole('button', { name: 'Mark as failed' }).click();
    await goTo('Quality');
    await page.getByRole('button', { name: /failed Wrong patient position/ }).click();
    await page.getByRole('button', { name: 'Withdraw unfit' }).click();
    await page.getByLabel('Why does it not hold?').fill('It was right');
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
    await page.getByText('The finding is withdrawn; the reason is among the notes.').waitFor();
    await expect.poll(() => service.archive.catalogue.totals().findings.failed).toBe(0);
  });

  it('warns before it shows what may name a patient, tries again, and asks before it deletes', async () => {
    await goTo('Quarantine');
    await page.getByRole('button', { name: 'Show the detail' }).click();
    await page.getByRole('dialog').getByText('with the name of a patient').waitFor();
    await page.getByRole('button', { name: 'Show it' }).click();
    await page.getByRole('alert').getByText('May name a patient').waitFor();
    await page.getByRole('button', { name: /^Try the file of .* again$/ }).click();
    await page.getByText(/^Still refused/).waitFor();
    await page.getByRole('button', { name: /^Delete the file of/ }).click();
    await page.getByRole('dialog').getByText('cannot be brought back').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Quarantine is empty').waitFor();
  });

  it('shows what de-identification did, and whom a pseudonym is for a reason that it writes down', async () => {
    await goTo('De-identification');
    await page.getByLabel('Study', { exact: true }).selectOption({ index: 1 });
    const replaced = page.getByRole('table', { name: 'Replaced' });
    await replaced.getByRole('row', { name: '(0010,0010) Patient Name' }).waitFor();
    expect(await page.locator('body').textContent()).not.toMatch(/Muster|Beispiel|Arzt|4711/);
    const { patientId } = service.archive.catalogue.subjects()[0]!;
    await page.getByRole('textbox', { name: 'Pseudonym' }).fill(patientId);
    await page.getByRole('textbox', { name: 'Who asks, and why' }).fill('Dr Example: incidental finding');
    await page.getByRole('button', { name: 'Show who it is' }).click();
    await page
      .getByRole('cell', { name: /Muster|Beispiel|Doe|Dupont/ })
      .first()
      .waitFor();
    await page.getByRole('table', { name: 'Who has asked' }).getByText('Dr Example: incidental finding').waitFor();
    await page.getByRole('button', { name: 'Hide' }).click();
  });

  it('gives a segmentation out and takes it in again', async () => {
    const { seriesInstanceUid } = service.archive.catalogue.search('labelled = true').series[0]!;
    await page.goto(`${service.url}/#/studies/series/${seriesInstanceUid}`);
    const labels = page.getByRole('region', { name: 'Segmentations' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      labels.getByRole('link', { name: 'NRRD' }).click(),
    ]);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      labels.getByRole('button', { name: 'Choose the file' }).click(),
    ]);
    await chooser.setFiles(await download.path());
    await page.getByText('The segmentation is taken in.').waitFor();
    await expect.poll(() => labels.getByRole('table', { name: 'Segments' }).count()).toBe(2);
  });

  it('erases a subject for a reason, after saying what that means, and lists it', async () => {
    const { patientId, studyInstanceUid } = service.archive.catalogue.search('labelled = false and modality = CT')
      .series[0]!;
    await page.goto(`${service.url}/#/studies/study/${studyInstanceUid}`);
    await page.getByRole('button', { name: 'Erase the subject' }).click();
    await page.getByRole('dialog').getByText('It cannot be undone.').waitFor();
    await page.getByLabel('Reason, without a name').fill('Consent withdrawn');
    await page.getByRole('dialog').getByRole('button', { name: 'Erase for good' }).click();
    await page.getByText(`${patientId} is erased, and stays away.`).waitFor();
    await goTo('De-identification');
    await page.getByRole('table', { name: 'Erased subjects' }).getByText('Consent withdrawn').waitFor();
    expect(service.archive.catalogue.count('').subjects).toBe(3);
  });

  it('finds a study at a PACS, fetches it, and says how far it is', async () => {
    await goTo('Arrivals');
    await page.getByRole('tab', { name: 'From a PACS' }).click();
    await page.getByRole('button', { name: 'Does it answer?' }).click();
    await page.getByText('It answers.').waitFor();
    await page.getByRole('textbox', { name: 'Modality' }).fill('CT');
    await page.keyboard.press('Enter');
    const found = page.getByRole('table', { name: 'Studies at the PACS' });
    await found.getByRole('button', { name: /^Fetch/ }).click();
    const underWay = page.getByRole('region', { name: 'Under way' });
    await underWay.getByText('6 of 6 instances here.').waitFor();
    await underWay.getByText('Retrieval from pacs').waitFor();
    await expect.poll(() => service.archive.catalogue.count('').subjects).toBe(4);
  });

  it('says what to enter at the PACS', async () => {
    await goTo('Storage & roads');
    const entered = page.getByRole('region', { name: 'What the administrator of the PACS enters' });
    expect(await entered.textContent()).toMatch(new RegExp(`CONSILIUM[^]*${service.dicomPort}`));
  });

  it.each(['light', 'dark'] as const)('has nothing that keeps people out, in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const { seriesInstanceUid, studyInstanceUid } = service.archive.catalogue.search('labelled = true').series[0]!;
    const places = ['/', '/studies', `/studies/series/${seriesInstanceUid}`, `/studies/study/${studyInstanceUid}`];
    places.push('/cohorts', '/cohorts/_new', '/cohorts/nephro', '/quality', '/quarantine', '/roads');
    places.push(`/deidentification/${studyInstanceUid}`);
    const found: string[] = [];
    for (const place of places) {
      await page.goto(`${service.url}/#${place}`);
      await page.locator('h1').waitFor();
      await page.waitForLoadState('networkidle');
      await page.locator('[role=status][aria-label=Loading]').first().waitFor({ state: 'detached' });
      // Of a second colour scheme only the colours can be wrong.
      const offences = await offencesOf(page, colorScheme === 'dark' ? ['color-contrast'] : undefined);
      found.push(...offences.map((offence) => `${place} ${offence}`));
    }
    expect(found).toEqual([]);
  });

  it('says when the archive is gone, what is unknown meanwhile, and goes on when it is back', async () => {
    await page.goto(`${service.url}/#/quality`);
    await page.getByText('Live', { exact: true }).waitFor();
    await service[Symbol.asyncDispose]();
    await page.getByText('Reconnecting', { exact: true }).waitFor();
    await goTo('Studies');
    await page.getByRole('textbox', { name: 'Find series' }).fill('kvp = 120');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('console.unreachable').first().waitFor();
    await startService();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('4 subjects, 4 studies, 4 series').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('asks nobody else for anything, and leaves no fault behind', () => {
    expect([strangers, faults]).toEqual([[], []]);
  });
});
