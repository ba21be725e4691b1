/** The page of a crate, in a browser: it asks nobody but the crate, and segments as we do. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { nodeRuntime } from '@consilium/engine/node';
import { decodeNifti, encodeNifti } from '@consilium/imaging';
import { predict } from '@consilium/training';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatOf } from './crate/crate-file.ts';
import { utf8 } from './file-tree.ts';
import { MemorySink } from './memory-sink.fixture.ts';
import { publishModel } from './publish-model.ts';
import { toyAbout } from './toy-about.fixture.ts';
import { toyImage, toyModel } from './toy-model.fixture.ts';

const browserPath = process.env['CHROMIUM_PATH'] || undefined;
const skipped = browserPath === undefined && process.env['CI'] !== 'true';
if (skipped) console.warn('skipped: the page of a crate (no Chromium found; set CHROMIUM_PATH or install it)');

const model = await toyModel('unet');
let browser: Browser;
let server: Server;
let page: Page;
const asked: string[] = [];
const faults: string[] = [];

beforeAll(async () => {
  if (skipped) return;
  if (browserPath === undefined) throw new Error('no Chromium found: set CHROMIUM_PATH or install it');
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
  const [launched, crate] = await Promise.all([
    chromium.launch({ executablePath: browserPath, args }),
    crateWithPage(),
  ]);
  browser = launched;
  server = createServer(({ url = '/' }, response) => {
    const path = url.slice(1).replace(/\/$/, '/index.html');
    const bytes = crate.files.get(path);
    response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': formatOf({ path }) });
    response.end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  page = await browser.newPage({ viewport: { width: 900, height: 1000 } });
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => faults.push(String(error)));
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** Built in memory, as `consilium publish` puts it into a crate. */
async function crateWithPage(): Promise<MemorySink> {
  const configFile = resolve(import.meta.dirname, '../browser/vite.config.ts');
  const { output } = (await build({
    configFile,
    logLevel: 'error',
    build: { write: false },
  })) as Rolldown.RolldownOutput;
  const extras = output.map((file) => {
    const content = file.type === 'chunk' ? file.code : file.source;
    const bytes = typeof content === 'string' ? utf8(content) : content;
    return { path: `examples/browser/${file.fileName}`, name: file.fileName, bytes };
  });
  const sink = new MemorySink();
  const key = generateKeyPairSync('ed25519').privateKey;
  const nothing = { record: undefined, rehearsal: undefined, withPictures: false, software: {} };
  await publishModel(sink, { about: toyAbout, model, extras, ...nothing }, key);
  return sink;
}

describe.skipIf(skipped)('the page of a crate', () => {
  it('segments a CT to the same voxels as we do, and asks nobody but the crate', async () => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.goto(`${origin}/examples/browser/`);
    await page.getByText('Choose an image.').waitFor();
    expect(await page.getByRole('heading').textContent()).toBe(toyAbout.title);
    const image = toyImage();
    const file = { name: 'ct.nii.gz', mimeType: 'application/gzip', buffer: Buffer.from(encodeNifti(image)) };
    await page.getByLabel('CT as NIfTI').setInputFiles(file);
    await page.getByLabel('Phase of contrast').selectOption('nephrographic');
    await page.getByRole('button', { name: 'Segment' }).click();
    await page.getByText('Done.').waitFor();
    const saved = await page.evaluate(async () => {
      const link = document.querySelector<HTMLAnchorElement>('#download')!;
      return Array.from(new Uint8Array(await (await fetch(link.href)).arrayBuffer()));
    });
    const theirs = decodeNifti(Uint8Array.from(saved)).voxels;
    const { model: graph, plan } = model;
    const ours = await predict({ runtime: nodeRuntime(), model: graph, plan, image, phase: 'nephrographic' });
    const same = ours.voxels.reduce((sum, value, at) => sum + (value === theirs[at] ? 1 : 0), 0);
    expect(same / ours.voxels.length).toBeGreaterThanOrEqual(0.999);
    expect(asked.filter((url) => !url.startsWith(origin) && !/^(?:blob|data):/.test(url))).toEqual([]);
    expect(faults).toEqual([]);
    const picture = process.env['CONSILIUM_PICTURES'];
    if (picture !== undefined) await page.screenshot({ path: resolve(picture, 'crate-page.png') });
  });

  it('has nothing that axe finds', async () => {
    await page.addScriptTag({ content: axe.source });
    const found = await page.evaluate(
      async () => (await (window as never as { axe: typeof axe }).axe.run()).violations,
    );
    expect(found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  });
});
