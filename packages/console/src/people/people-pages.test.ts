/** From the link of an archive to people with accounts, in a browser: the first administrator, a reader, a second factor. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWithoutBrowser, offencesOf, openBrowser } from '../browser.fixture.ts';

const skipped = isWithoutBrowser('the pages of people');

const root = mkdtempSync(join(tmpdir(), 'consilium-people-pages-'));
const [directory, pages] = [join(root, 'archive'), join(root, 'pages')];
const password = 'violet harbour 7 lanterns';
/** Where pictures for the guide go, if they are wanted. */
const pictures = process.env['CONSILIUM_PICTURES'];
let service: ArchiveService;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  if (skipped) return;
  browser = await openBrowser({ pages, page: 'site' });
  const secondFactor = { requiredFor: ['engineer'] };
  const settings = serviceSettingsOf({ project: 'kidney', web: { port: 0 }, people: { secondFactor } });
  service = await ArchiveService.open(directory, settings, { pages });
  await service.start();
  page = await newPage();
});
afterAll(async () => {
  await browser?.close();
  await service?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const made = await context.newPage();
  made.setDefaultTimeout(20_000);
  made.on('pageerror', (error) => faults.push(error.message));
  return made;
}

const heading = (name: string, on = page) => on.getByRole('heading', { level: 1, name });
async function picture(name: string, on = page): Promise<void> {
  if (pictures === undefined) return;
  await on.evaluate(() => window.scrollTo(0, 0));
  await on.screenshot({ path: join(pictures, `${name}.png`) });
}
async function logIn(name: string, secret: string, on = page): Promise<void> {
  await on.goto('about:blank');
  await on.goto(service.url);
  const form = on.getByRole('form', { name: 'Log in', exact: true });
  await form.getByLabel('Name').fill(name);
  await form.getByLabel('Password', { exact: true }).fill(secret);
  await on.keyboard.press('Enter');
}
async function logOut(): Promise<void> {
  await page.getByRole('button', { name: 'Settings of this page' }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await heading('Consilium archive').waitFor();
}
async function choosePassword(first: string, chosen: string, on = page): Promise<void> {
  await on.getByLabel('Present password').fill(first);
  await on.getByLabel('New password', { exact: true }).fill(chosen);
  await on.getByLabel('New password again').fill(chosen);
  await on.getByRole('button', { name: 'Change the password' }).click();
}
/** Makes an account and reads the password to hand over. */
async function makeAccount(name: string, role: RegExp): Promise<string> {
  const form = page.getByRole('form', { name: 'New account' });
  await form.getByLabel('Name').fill(name);
  await form.getByLabel(role).check();
  await form.getByRole('button', { name: 'Make the account' }).click();
  const shown = page.getByRole('region', { name: 'First password' });
  const first = (await shown.textContent())!;
  await page.getByRole('button', { name: 'Hide' }).click();
  return first;
}
/** RFC 6238, written down here so that the page is not held against the service's own library. */
function codeOf(base32: string, ms: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...base32.replace(/\s/g, '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0'));
  const key = Buffer.from(
    bits
      .join('')
      .match(/.{8}/g)!
      .map((byte) => Number.parseInt(byte, 2)),
  );
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  return String((digest.readUInt32BE(digest.at(-1)! & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}
async function axeOffences(on = page): Promise<readonly string[]> {
  await on.waitForLoadState('networkidle');
  return offencesOf(on);
}

describe.skipIf(skipped)('people on the pages', () => {
  it('begin with the link, by which the first administrator is made', async () => {
    const token = readFileSync(join(directory, consoleTokenFile), 'utf8').trim();
    await page.goto(`${service.url}/#token=${token}`);
    await page.getByRole('navigation').getByRole('link', { name: 'People' }).click();
    await page.getByText('Nobody has an account yet').waitFor();
    const first = await makeAccount('adam', /^administrator/);
    await logOut();
    await logIn('adam', `${first}x`);
    await page.getByRole('alert').getByText('people.login-refused').waitFor();
    expect(await axeOffences()).toEqual([]);
    await picture('people-login');
    await logIn('Adam', first);
    await heading('Choose a password').waitFor();
    await choosePassword(first, 'password1234');
    await page.getByRole('alert').getByText('people.password-weak').waitFor();
    await choosePassword(first, password);
    // An administrator of accounts sees no study.
    await heading('People').waitFor();
    const links = await page.getByRole('navigation').getByRole('link').allTextContents();
    expect(links).toEqual(['People']);
  });

  it('make accounts for others, who see what their roles let them', async () => {
    const first = await makeAccount('rita', /^reviewer/);
    expect(await axeOffences()).toEqual([]);
    const rita = await newPage();
    await logIn('rita', first, rita);
    await choosePassword(first, `${password} of rita`, rita);
    await heading('Arrivals', rita).waitFor();
    const links = await rita.getByRole('navigation').getByRole('link').allTextContents();
    const shown = ['Arrivals', 'Studies', 'Cohorts', 'Quality', 'De-identification', 'Storage & roads', 'Annotator'];
    expect(links).toEqual(shown);
    expect(await rita.getByText('Bring studies in').count()).toBe(0);
    await page.getByRole('button', { name: 'Roles of rita' }).click();
    await page
      .getByRole('dialog')
      .getByLabel(/^data manager/)
      .check();
    await page.getByRole('button', { name: 'Give these roles' }).click();
    await page.getByText('rita has these roles from now on.').waitFor();
    await rita.reload();
    await rita.getByText('Bring studies in').waitFor();
    await picture('people-accounts');
    await page.getByRole('button', { name: 'Shut rita out' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Shut out' }).click();
    await page.getByRole('cell', { name: 'is shut out' }).waitFor();
    await rita.reload();
    await heading('Consilium archive', rita).waitFor();
    await rita.context().close();
  });

  it('set up a second factor, which the next login asks for', async () => {
    await page.goto(`${service.url}/#/account`);
    const factor = page.getByRole('region', { name: 'Second factor' });
    await factor.getByLabel('Present password').fill(password);
    await factor.getByRole('button', { name: 'Set it up' }).click();
    await factor.getByRole('img', { name: 'QR code of the secret' }).waitFor();
    expect(await axeOffences()).toEqual([]);
    await picture('people-second-factor');
    const secret = (await factor.getByRole('region', { name: 'Secret' }).textContent())!;
    await factor.getByRole('textbox', { name: 'Code' }).fill(codeOf(secret, Date.now()));
    await factor.getByRole('button', { name: 'Confirm' }).click();
    const shown = factor.getByRole('region', { name: 'Recovery codes' });
    const [recovery] = (await shown.textContent())!.split('\n');
    await factor.getByRole('button', { name: 'I have them' }).click();
    await factor.getByText('10 recovery codes are left').waitFor();
    await logOut();
    await logIn('adam', password);
    await page.getByRole('textbox', { name: 'Code' }).fill('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('people.login-refused').waitFor();
    await page.getByRole('textbox', { name: 'Code' }).fill(recovery!);
    await page.keyboard.press('Enter');
    await heading('People').waitFor();
  });

  it('are led to a second factor where their roles need one, and go on from there', async () => {
    const first = await makeAccount('emil', /^ML engineer/);
    const emil = await newPage();
    await logIn('emil', first, emil);
    await choosePassword(first, `${password} of emil`, emil);
    await heading('Set up a second factor', emil).waitFor();
    expect(await emil.getByRole('navigation').count()).toBe(0);
    expect(await axeOffences(emil)).toEqual([]);
    await picture('people-second-factor-wanted', emil);
    await emil.reload();
    await emil.getByLabel('Present password').fill(`${password} of emil`);
    await emil.keyboard.press('Enter');
    await emil.getByRole('img', { name: 'QR code of the secret' }).waitFor();
    const secret = (await emil.getByRole('region', { name: 'Secret' }).textContent())!;
    await emil.getByRole('textbox', { name: 'Code' }).fill(codeOf(secret, Date.now()));
    await emil.keyboard.press('Enter');
    await emil.getByRole('region', { name: 'Recovery codes' }).waitFor();
    expect(await axeOffences(emil)).toEqual([]);
    await emil.getByRole('button', { name: 'I have them' }).click();
    await heading('Arrivals', emil).waitFor();
    await emil.goto(`${service.url}/#/account`);
    await emil.getByRole('button', { name: 'Set it up anew' }).waitFor();
    expect(await emil.getByRole('button', { name: 'Remove it' }).count()).toBe(0);
    await emil.context().close();
  });

  it('make a token for a program, see where they are logged in, and end that', async () => {
    await page.goto(`${service.url}/#/account`);
    const form = page.getByRole('form', { name: 'New token' });
    await form.getByLabel('New token, for what?').fill('nightly list');
    await form.getByLabel('see who has an account, and with which roles').check();
    await form.getByRole('button', { name: 'Make the token' }).click();
    const token = (await page.getByRole('region', { name: 'Token', exact: true }).textContent())!;
    const asked = () => fetch(`${service.url}/api/v1/people`, { headers: { Authorization: `Bearer ${token}` } });
    expect((await asked()).status).toBe(200);
    await page.getByRole('button', { name: 'Revoke nightly list' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('nightly list is revoked.').waitFor();
    expect((await asked()).status).toBe(401);
    await page.getByRole('table', { name: 'Sessions' }).getByText('this one').waitFor();
  });

  it('are logged out when nobody’s hand is on the page for as long as the archive says', async () => {
    const idle = await newPage();
    await idle.clock.install();
    await idle.goto(service.url);
    const token = readFileSync(join(directory, consoleTokenFile), 'utf8').trim();
    await idle.goto(`${service.url}/#token=${token}`);
    await idle.reload();
    await heading('Arrivals', idle).waitFor();
    await idle.clock.runFor(59 * 60_000);
    expect(await heading('Arrivals', idle).count()).toBe(1);
    await idle.keyboard.press('Shift');
    await idle.clock.runFor(59 * 60_000);
    expect(await heading('Arrivals', idle).count()).toBe(1);
    await idle.clock.runFor(2 * 60_000);
    await heading('Consilium archive', idle).waitFor();
    await idle.context().close();
  });

  it('switch the link off, once they can do without', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'People' }).click();
    await page.getByRole('button', { name: 'Switch the link off' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch it off' }).click();
    await page.getByText('The link lets nobody in any more.').waitFor();
    await logOut();
    await page.getByLabel('Password', { exact: true }).waitFor();
    expect(await page.getByText('paste the link').count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
