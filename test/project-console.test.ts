/** The project's pages in a browser, over a real coordinator and two sites whose training costs nothing. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webLink } from '@consilium/coordinator';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWithoutBrowser, offencesOf, openBrowser } from '../packages/console/src/browser.fixture.ts';
import { PagesProject } from './project-pages.fixture.ts';
import { toyExperiment } from './toy-experiment.fixture.ts';

const skipped = isWithoutBrowser('the project console');

const pages = join(tmpdir(), `consilium-project-pages-${process.pid}`);
/** Where screenshots are wanted, to be looked at. */
const pictures = process.env['CONSILIUM_PICTURES'];
let project: PagesProject;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const strangers: string[] = [];
const faults: string[] = [];

const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });
const goTo = async (name: string) => {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await heading(name).waitFor();
};
const section = (name: string) => page.getByRole('region', { name, exact: true });

async function picture(name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
}

/** Moves the focus with the keyboard alone until it is there. */
async function tabTo(target: Locator, key = 'Tab'): Promise<void> {
  await target.waitFor();
  for (let step = 0; step < 120; step++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error('the focus does not come there');
}

/** With the keyboard, once the focus is where a dialog puts it a moment after it has come. */
async function confirm(name: string): Promise<void> {
  const button = page.getByRole('dialog').getByRole('button', { name });
  await expect.poll(() => button.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press('Enter');
}

beforeAll(async () => {
  if (skipped) return;
  browser = await openBrowser({ pages, page: 'project' });
  project = await PagesProject.start(pages);
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && hostname !== '127.0.0.1') strangers.push(request.url());
  });
});
afterAll(async () => {
  await browser?.close();
  await project?.[Symbol.asyncDispose]();
  rmSync(pages, { recursive: true, force: true });
});

describe.skipIf(skipped)('the project console', () => {
  it('lets in whoever has the link of the coordinator, and nobody without', async () => {
    await page.goto(project.url);
    await heading('Consilium coordinator').waitFor();
    await page.getByText('consilium coordinator open').waitFor();
    await page.goto('about:blank');
    await page.goto((await webLink(project.directory))!);
    await heading('Overview').waitFor();
    expect(page.url()).not.toContain('token');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('group', { name: 'Sites connected' }).getByText('2 of 2').waitFor();
  });

  it('shows cohorts by counts as soon as sites have told them, and how they differ', async () => {
    await project.survey('look-1', { kind: 'fingerprint' });
    await page.getByRole('group', { name: 'Studies for training and test' }).getByText('80').waitFor();
    await goTo('How sites differ');
    await page.getByRole('table', { name: 'Sites side by side' }).getByText('nephrographic 30').first().waitFor();
    await page.getByRole('img', { name: /^Density under the segmentation at each site/ }).waitFor();
    await page.getByRole('table', { name: 'Scanners and volumes' }).getByText('soft 18, sharp 12').waitFor();
    const effects = section('What harmonisation does about it');
    await effects.getByRole('img', { name: /federated ComBat/ }).waitFor();
    await effects.getByText(/1 of 1 pairs are further apart than chance explains/).waitFor();
    expect(await page.locator('figure img').count()).toBe(9);
    await picture('project-differences');
  });

  it('draws the curves of a job as its rounds end, without a reload, and says why it stopped', async () => {
    await goTo('Jobs');
    await project.train('kidney-1');
    await page.getByRole('link', { name: 'kidney-1' }).first().click();
    await heading('kidney-1').waitFor();
    await page.evaluate(() => Object.assign(window, { isSamePage: true }));
    await page.getByRole('progressbar', { name: 'mainz: 2 of 3' }).waitFor();
    await page.getByText('No site has answered yet; waited for: mainz, ulm.').waitFor();
    const curve = (name: string) => section('Validation Dice').locator(`[data-line="${name}"]`);
    expect(await curve('mainz').getAttribute('data-points')).toBe('0');
    for (const round of [1, 2, 3]) {
      project.endRound(round);
      for (const name of ['mainz', 'ulm', 'all sites']) {
        await page.waitForFunction(
          ([line, points]) => document.querySelector(`[data-line="${line}"]`)?.getAttribute('data-points') === points,
          [name, String(round)] as const,
        );
      }
      if (round === 2) await picture('project-job-live');
    }
    await page.getByText('All 3 rounds of the job were run.').waitFor();
    const image = section('Validation Dice').getByRole('img');
    expect(await image.getAttribute('aria-label')).toContain('mainz 0.700, ulm 0.800, all sites 0.750');
    const loss = section('Training loss').getByRole('img');
    expect(await loss.getAttribute('aria-label')).toContain('mainz 0.333');
    expect(await section('Rounds').getByRole('row').count()).toBe(4);
    expect(await page.evaluate(() => 'isSamePage' in window)).toBe(true);
    await picture('project-job');
  });

  it('gives the numbers of a job out as CSV and JSON', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Metrics as CSV' }).click();
    const text = readFileSync((await (await download).path())!, 'utf8');
    expect(text.split('\r\n')[1]).toBe('kidney-1,1,all,0.55,,,,'.concat(text.split('\r\n')[1]!.split(',')[7]!, ','));
    expect(text).toMatch(/^kidney-1,3,ulm,0\.8,0\.43/m);
  });

  it('shows a model at every site, on a page of its own and with its job', async () => {
    const { board, store } = project.coordinator;
    const outcome = await board.outcome('kidney-1' as never);
    const weights = (outcome as unknown as { best: { weights: string } }).best.weights;
    const { model } = board.submission('kidney-1' as never) as unknown as { model: string };
    expect(await store.getManifest(weights as never)).toBeDefined();
    await project.survey('test-1', {
      ...{ kind: 'evaluate', plan: {}, model, weights, split: 'test', modelName: 'federated', pictures: false },
      ...{ keepLocal: [], personal: false },
    });
    await section('This model at every site').getByText('0.800').waitFor();
    await goTo('Models across sites');
    const row = page.getByRole('row', { name: /federated/ });
    expect(await row.textContent()).toMatch(/0\.700.*0\.800.*0\.750/);
    await picture('project-matrix');
  });

  it('pauses, resumes and aborts a job with the keyboard, after saying what happens', async () => {
    await project.train('kidney-2', { rounds: { max: 9 }, initialSeed: 2 });
    await page.goto(`${project.url}/#/jobs/kidney-2`);
    await tabTo(page.getByRole('button', { name: 'Pause' }));
    await page.keyboard.press('Enter');
    await page.getByText('Sites finish the task that they are at').waitFor();
    await confirm('Pause it');
    await page.getByText('paused', { exact: true }).waitFor();
    await tabTo(page.getByRole('button', { name: 'Resume' }));
    await page.keyboard.press('Enter');
    await page.getByText('Sites that have answered already are not asked again').waitFor();
    await confirm('Go on');
    await page.getByText('running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Abort' }).click();
    await page.getByText('the job cannot be resumed').waitFor();
    await page.getByRole('button', { name: 'Abort it for good' }).click();
    await page.getByText('The job was aborted by console.').waitFor();
    expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(0);
  });

  it('invites, shows a key to compare as soon as it asks, admits it, and revokes', async () => {
    await goTo('Members');
    await page.getByRole('textbox', { name: 'called' }).fill('essen');
    await page.getByRole('button', { name: 'Make an invitation' }).click();
    const command = await page.getByText(/consilium site join consilium-invitation:/).textContent();
    const { admitted, fingerprint } = await project.join(/consilium-invitation:\S+/.exec(command!)![0]);
    await page.getByRole('button', { name: 'Admit essen' }).click();
    const dialog = page.getByRole('dialog', { name: 'Admit essen' });
    await dialog.getByText(fingerprint).waitFor();
    await picture('project-admit');
    await dialog.getByRole('button', { name: 'It is the same: admit' }).click();
    const row = page.getByRole('table', { name: 'Members' }).getByRole('row', { name: /essen/ });
    await row.getByText('admitted', { exact: true }).waitFor();
    await admitted;
    await page.getByRole('button', { name: 'Revoke essen' }).click();
    await page.getByRole('button', { name: 'Let in no more' }).click();
    await row.getByText('revoked', { exact: true }).waitFor();
    await goTo('Audit trail');
    await page.getByLabel('About, or by').fill('essen');
    await page.getByRole('cell', { name: 'member.revoked a key is let in no more' }).first().waitFor();
    await picture('project-audit');
  });

  it('tells what privacy has cost each site, of the rounds that were taken in', async () => {
    for (const round of [1, 2, 3]) project.endRound(round);
    const privacy = { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 2 };
    await project.train('private-1', { privacy });
    await goTo('Privacy & approvals');
    const row = page.getByRole('table', { name: 'Privacy spent' }).getByRole('row', { name: /ulm.*private-1/ });
    await row.getByRole('cell', { name: '3', exact: true }).waitFor();
    expect(await row.textContent()).toMatch(/^ulm(\d+\.\d\d)private-13\1$/);
    await picture('project-privacy');
  });

  it('sorts and compares the configurations of an experiment, by the study’s own code', async () => {
    const { people } = project.coordinator.web!;
    const founder = { kind: 'person', id: 'console' } as const;
    await people.accounts.add(founder, { name: 'emil', display: 'Emil', roles: ['engineer'] });
    const { secret } = await people.tokens.make(founder, 'emil', {
      ...{ name: 'runner', scopes: ['experiment.write'], days: 1 },
    });
    await goTo('Experiments');
    await page.getByText('No record was brought here yet').waitFor();
    const told = await project.coordinator.store.entry('look-1' as never, 'answer/mainz');
    const body = JSON.stringify(toyExperiment((told as { fingerprint: unknown }).fingerprint));
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const put = await fetch(`${project.url}/api/v1/experiments/widths`, { method: 'PUT', headers, body });
    expect(put.status).toBe(200);
    await page.getByRole('link', { name: 'widths', exact: true }).click();
    const table = page.getByRole('table', { name: 'Configurations' });
    await table.waitFor();
    expect(await table.getByRole('row').count()).toBe(7);
    const firstOf = async () => (await table.getByRole('row').nth(1).textContent())!;
    expect(await firstOf()).toMatch(/network segresnet, patients per site 16/);
    await tabTo(table.getByRole('button', { name: 'Test' }));
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await firstOf()).toMatch(/network unet, patients per site 4/);
    await section('Compare two')
      .getByText(/\+0\.0\d\d \(95 % interval/)
      .first()
      .waitFor();
    await page
      .getByRole('img', { name: /^Learning curve of network/ })
      .first()
      .waitFor();
    await picture('project-experiment');
  });

  it('collects what a publication has to say, step by step, and says by which command it is made', async () => {
    await goTo('Publication');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('must not be empty').first().waitFor();
    await page.getByRole('textbox', { name: 'Title' }).fill('Kidney tumours on CT');
    await page.getByRole('textbox', { name: 'Description' }).fill('Outlines kidneys and tumours.');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('A. Example');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('combobox', { name: 'Licence' }).selectOption('CC-BY-4.0');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('textbox', { name: 'Intended use' }).fill('Research on contrast-enhanced CT.');
    await page.getByRole('textbox', { name: 'Limitations' }).fill('Adults only.\nNo cysts under 5 mm.');
    await picture('project-publication');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(/consilium publish --model (kidney|private)-1-result --about/).waitFor();
    const written = readFileSync(join(project.directory, 'publication.yaml'), 'utf8');
    expect(written).toContain('licence: CC-BY-4.0');
    expect(written).toContain('- No cysts under 5 mm.');
  });

  const places = ['/', '/jobs', '/jobs/kidney-1', '/jobs/look-1', '/matrix', '/experiments', '/experiments/widths'];
  places.push('/differences', '/privacy', '/members', '/audit', '/publication', '/people', '/account');

  async function come(place: string): Promise<void> {
    await page.goto(`${project.url}/#${place}`);
    await page.locator('h1').waitFor();
    await page.waitForLoadState('networkidle');
    for (const loading of await page.locator('[role=status][aria-label=Loading]').all()) {
      await loading.waitFor({ state: 'detached' });
    }
  }

  it('has nothing that keeps people out, in light and dark, and no page is wider than a telephone', async () => {
    const found: string[] = [];
    for (const place of places) {
      await page.emulateMedia({ colorScheme: 'light' });
      await come(place);
      found.push(...(await offencesOf(page)).map((offence) => `${place} ${offence}`));
      // Of a second colour scheme only the colours can be wrong.
      await page.emulateMedia({ colorScheme: 'dark' });
      found.push(...(await offencesOf(page, ['color-contrast'])).map((offence) => `${place} in dark ${offence}`));
      await page.setViewportSize({ width: 390, height: 844 });
      found.push(...(await tooWide()).map((html) => `${place} is too wide for a telephone: ${html}`));
      await page.setViewportSize({ width: 1280, height: 800 });
    }
    await come('/jobs/kidney-1');
    await picture('project-job-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(found).toEqual([]);
  });

  /** What sticks out, if the page can be moved sideways once the menu has slid away. */
  async function tooWide(): Promise<readonly string[]> {
    const fits = () => document.documentElement.scrollWidth <= innerWidth;
    if (await page.waitForFunction(fits, undefined, { timeout: 3000 }).catch(() => false)) return [];
    return page.evaluate(() =>
      [...document.querySelectorAll('main *')]
        .filter((each) => each.getBoundingClientRect().right > innerWidth)
        .map(({ outerHTML }) => outerHTML.slice(0, 120))
        .slice(-4),
    );
  }

  it('can be looked at on a telephone, whose menu opens and is out of the way again', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await come('/jobs/kidney-1');
    await picture('project-job-phone');
    const menu = page.getByRole('button', { name: 'Pages' });
    await menu.click();
    await page.getByRole('link', { name: 'Overview' }).click();
    await heading('Overview').waitFor();
    expect(await menu.getAttribute('aria-expanded')).toBe('false');
    expect(await page.locator('nav').getAttribute('inert')).not.toBeNull();
    await picture('project-overview-phone');
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('shows an auditor everything and lets them do nothing', async () => {
    const { people } = project.coordinator.web!;
    const founder = { kind: 'person', id: 'console' } as const;
    await people.accounts.add(founder, { name: 'rita', display: 'Rita', roles: ['auditor'] });
    await people.accounts.setPassword(founder, 'rita', 'violet harbour 7 lanterns');
    const theirs = await browser.newContext();
    const other = await theirs.newPage();
    await other.goto(project.url);
    await other.getByRole('textbox', { name: 'Name' }).fill('rita');
    await other.getByLabel('Password', { exact: true }).fill('violet harbour 7 lanterns');
    await other.keyboard.press('Enter');
    await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await other.goto(`${project.url}/#/members`);
    await other.getByRole('table', { name: 'Members' }).waitFor();
    expect(await other.getByRole('button', { name: /Revoke|Make an invitation/ }).count()).toBe(0);
    await other.goto(`${project.url}/#/publication`);
    await other.getByText(/Kidney tumours on CT/).waitFor();
    expect(await other.getByRole('form', { name: 'Publication' }).count()).toBe(0);
    await theirs.close();
  });

  it('says when the coordinator is gone, and goes on when it is back', async () => {
    await come('/');
    await page.getByText('Live', { exact: true }).waitFor();
    await picture('project-overview');
    await project.coordinator[Symbol.asyncDispose]();
    await page.getByText('Reconnecting', { exact: true }).waitFor();
    await project.startCoordinator();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('group', { name: 'Sites connected' }).getByText('2 of 2').waitFor();
  });

  it('asks nobody else for anything, and leaves no fault behind', () => {
    expect([strangers, faults]).toEqual([[], []]);
  });
});
