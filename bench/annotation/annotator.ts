/**
 * What the annotator costs a browser, with a study of 512 x 512 x 800: bytes of script, time to the first image and to all of
 * them, processor time of a stroke, memory. The archive is a process of its own. The last line is JSON.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.ts';
import { freePort, MeasuredServer } from './measured-server.ts';
import { dicomOf, makeCt } from './proposal-scene.ts';

const { values: given } = parseArgs({ options: { slices: { type: 'string', default: '800' } } });
const slices = Number(given.slices);
const directory = mkdtempSync(join(tmpdir(), 'consilium-annotator-bench-'));
const [archive, incoming] = [join(directory, 'archive'), join(directory, 'dicom')];
const main = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const node = ['--conditions=consilium-source', '--disable-warning=ExperimentalWarning', main];
const browserPath = findChromium();
const limitMs = 300_000;

function consilium(...args: readonly string[]): string {
  return execFileSync(process.execPath, [...node, ...args, '--directory', archive], { encoding: 'utf8' });
}

/** An archive with one study and a case of it. */
function prepare(port: number): void {
  mkdirSync(incoming);
  for (const [at, file] of dicomOf(makeCt([slices, 512, 512]).image).entries()) {
    writeFileSync(join(incoming, `${at}.dcm`), file);
  }
  consilium('archive', 'init', '--project', 'bench', '--dicom-port', '0', '--web-port', String(port));
  consilium('archive', 'import', incoming);
  consilium('archive', 'settle');
  consilium('archive', 'cohort', 'freeze', 'ct', 'modality = CT', '--without-labels');
  consilium('reading', 'project', 'create', 'bench', '--app', 'automatic', '--structures', 'Kidney');
  consilium('reading', 'project', 'add', 'bench', '--cohort', 'ct');
  rmSync(incoming, { recursive: true });
}

/** Of the page, with what draws for it. */
async function processorSeconds(devTools: CDPSession): Promise<number> {
  const { processInfo } = await devTools.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type }) => type !== 'browser').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

async function rendererPeakMb(devTools: CDPSession): Promise<number> {
  const { processInfo } = await devTools.send('SystemInfo.getProcessInfo');
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  return Math.max(...peaks);
}

async function stroke(page: Page): Promise<void> {
  const box = (await page.getByRole('img', { name: 'Axial picture' }).boundingBox())!;
  const at = (share: number) => [box.x + box.width * share, box.y + box.height * 0.5] as const;
  await page.mouse.move(...at(0.4));
  await page.mouse.down();
  await page.mouse.move(...at(0.6), { steps: 30 });
  await page.mouse.up();
  await page.locator('[data-save="kept"]').waitFor();
}

async function measure(browser: Browser, origin: string, token: string) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(limitMs);
  const scripts = { kb: 0, packedKb: 0 };
  page.on('response', async (response) => {
    if (!/\.js(?:\?|$)/.test(response.url())) return;
    const body = await response.body().catch(() => Buffer.alloc(0));
    scripts.kb += body.length / 1000;
    scripts.packedKb += gzipSync(body).length / 1000;
  });
  await page.goto(`${origin}/annotator.html#token=${token}`, { waitUntil: 'commit' });
  await page.getByRole('heading', { level: 1, name: 'Reading list' }).waitFor();
  const list = { ...scripts };
  const [devTools, own] = [await browser.newBrowserCDPSession(), await context.newCDPSession(page)];
  await own.send('Performance.enable');
  const cpuBefore = await processorSeconds(devTools);
  const begin = performance.now();
  const since = () => (performance.now() - begin) / 1000;
  await page.keyboard.press('n');
  // It is painted once it is as large as a slice.
  await page.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas[data-first]');
    return canvas?.width === 512 || document.querySelector('[data-plane="axial"] [data-slice]') !== null;
  });
  const firstSeconds = since();
  await page.locator('[data-plane="axial"] [data-slice]').waitFor();
  const planesSeconds = since();
  await page.getByRole('progressbar', { name: 'Slices that have come' }).waitFor({ state: 'detached' });
  const allSeconds = since();
  const allCpuSeconds = (await processorSeconds(devTools)) - cpuBefore;
  await page.keyboard.press('b');
  await stroke(page);
  const strokes = 3;
  const before = await processorSeconds(devTools);
  for (let count = 0; count < strokes; count++) await stroke(page);
  const strokeCpuSeconds = ((await processorSeconds(devTools)) - before) / strokes;
  const { metrics } = await own.send('Performance.getMetrics');
  const heapMb = (metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0) / 2 ** 20;
  const peakMb = await rendererPeakMb(devTools);
  return {
    scripts: { listPackedKb: list.packedKb, allPackedKb: scripts.packedKb, allKb: scripts.kb },
    ...{ firstSeconds, planesSeconds, allSeconds, allCpuSeconds, strokeCpuSeconds, heapMb, rendererPeakMb: peakMb },
  };
}

if (browserPath === undefined) throw new Error('no Chromium found: set CHROMIUM_PATH or install it');
try {
  const port = await freePort();
  prepare(port);
  const log = join(directory, 'archive.log');
  await using server = new MeasuredServer(process.execPath, [...node, 'archive', 'start', '--directory', archive], {
    ...{ env: {}, log },
  });
  const origin = `http://127.0.0.1:${port}`;
  await server.up(origin);
  const token = readFileSync(join(archive, 'console.token'), 'utf8').trim();
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  const found = await measure(browser, origin, token);
  await browser.close();
  const { scripts, ...times } = found;
  console.log('| what | |\n|---|---|');
  for (const [name, value] of Object.entries({ ...scripts, ...times }))
    console.log(`| ${name} | ${value.toFixed(1)} |`);
  const { firstSeconds } = found;
  console.log(
    JSON.stringify({ name: 'annotator', ours: firstSeconds, peer: null, units: 'seconds to the first image', found }),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
