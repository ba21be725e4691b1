/**
 * From a click to the mask of a region of 64 x 64 x 64, as `consilium job plan --interactive` plans the network: in a page
 * on one thread of WebAssembly, and on onnxruntime-node. And which operators WebGPU has, where Chromium lends a software
 * adapter. The last line is JSON.
 */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeModel } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { axisAligned } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import { buildNetwork, fingerprintOf, kidneyClasses, makePlan } from '@consilium/training';
import { type Browser, chromium } from 'playwright-core';
import { createViteServer } from 'vitest/node';
import { findChromium } from '../../scripts/chromium.ts';
import { clickTimes, type Scene } from './click-scene.ts';

const { values: given } = parseArgs({ options: { repeats: { type: 'string', default: '10' } } });
const repeats = Number(given.repeats);
const repository = resolve(import.meta.dirname, '../..');
const wasmFolder = join(repository, 'node_modules/onnxruntime-web/dist');
const browserPath = findChromium();
const contentTypes: Readonly<Record<string, string>> = {
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
  onnx: 'application/octet-stream',
};

/** Patients of 240 mm in voxels of 1.5 mm, so that the plan is the full one. */
async function sceneOf(): Promise<Scene> {
  const geometry = axisAligned({ size: [160, 160, 160], spacingMm: [1.5, 1.5, 1.5] });
  const voxels = new Int16Array(160 ** 3).map((_, index) => 40 + (index % 50));
  const label = { geometry, voxels: new Uint8Array(voxels.length).fill(1, 0, 1000) };
  const fingerprint = await fingerprintOf([{ id: 'block', image: { geometry, voxels }, label }]);
  const plan = makePlan(fingerprint, { memoryBudgetMb: 4096, classes: kidneyClasses, interactive: true });
  return {
    plan,
    repeats,
    model: encodeModel(buildNetwork(plan.network, { ...plan, random: createRandom(1, 'network') })),
  };
}

function serve({ plan, model }: Scene) {
  const files = new Map<string, () => Promise<Uint8Array | string>>([
    ['plan.json', async () => JSON.stringify(plan)],
    ['model.onnx', async () => model],
  ]);
  const page = '/bench/annotation/click-page.browser.ts';
  return createViteServer({
    configFile: false,
    root: repository,
    appType: 'custom',
    logLevel: 'error',
    resolve: { conditions: ['consilium-source', 'module', 'browser', 'development|production'] },
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { host: '127.0.0.1', port: 0, hmr: false, ws: false, watch: null },
    plugins: [
      {
        name: 'click-page',
        configureServer: ({ middlewares }) => {
          middlewares.use('/scene', async (request, response) => {
            response.end(await files.get(basename(request.url!))!());
          });
          middlewares.use('/onnxruntime', async (request, response) => {
            const name = basename(new URL(request.url!, 'http://localhost').pathname);
            response.setHeader('content-type', contentTypes[name.split('.').at(-1)!]!);
            response.end(await readFile(join(wasmFolder, name)));
          });
          middlewares.use('/click.html', (_, response) => {
            response.setHeader('content-type', 'text/html');
            response.end(`<!doctype html><title>Clicks</title><script type="module" src="${page}"></script>`);
          });
        },
      },
    ],
  }).then((server) => server.listen());
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Timing {
  readonly fastestMs: number;
  readonly medianMs: number;
  /** Processor time of one click: what it would take on a machine that does nothing else. */
  readonly cpuMs: number;
}

async function inNode(scene: Scene): Promise<Timing> {
  const once = process.cpuUsage();
  await clickTimes(nodeRuntime(), { ...scene, repeats: 1 });
  const opened = process.cpuUsage(once);
  const begin = process.cpuUsage();
  const times = await clickTimes(nodeRuntime(), { ...scene, repeats: repeats + 1 });
  const { user, system } = process.cpuUsage(begin);
  const cpuMs = (user + system - opened.user - opened.system) / 1000 / repeats;
  return { fastestMs: Math.min(...times), medianMs: median(times), cpuMs };
}

async function inPage(browser: Browser, port: number): Promise<Timing> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/click.html`, { waitUntil: 'commit' });
  await page.waitForFunction(() => 'timeClicks' in window);
  const devTools = await browser.newBrowserCDPSession();
  const cpuSeconds = async (): Promise<number> => {
    const { processInfo } = await devTools.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  await page.evaluate(() => window.timeClicks(1));
  const once = await cpuSeconds();
  await page.evaluate(() => window.timeClicks(1));
  const begin = await cpuSeconds();
  const times = await page.evaluate((count) => window.timeClicks(count), repeats + 1);
  const cpuMs = (1000 * ((await cpuSeconds()) - begin - (begin - once))) / repeats;
  await page.close();
  return { fastestMs: Math.min(...times), medianMs: median(times), cpuMs };
}

async function onGraphics(port: number): Promise<Readonly<Record<string, string>> | null> {
  const args = ['--headless', '--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
  const browser = await chromium.launch({ executablePath: browserPath!, args });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/click.html`, { waitUntil: 'commit' });
    await page.waitForFunction(() => 'probeOperators' in window);
    return await page.evaluate(() => window.probeOperators());
  } finally {
    await browser.close();
  }
}

const scene = await sceneOf();
const node = await inNode(scene);
let page: Timing | null = null;
let operators: Readonly<Record<string, string>> | null = null;
if (browserPath === undefined) console.error('skipped: the page (no Chromium found; set CHROMIUM_PATH or install it)');
else {
  const server = await serve(scene);
  const { port } = server.httpServer!.address() as { port: number };
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  page = await inPage(browser, port);
  await browser.close();
  operators = await onGraphics(port);
  await server.close();
}
const row = (name: string, { fastestMs, medianMs, cpuMs }: Timing): string =>
  `| ${name} | ${fastestMs.toFixed(0)} | ${medianMs.toFixed(0)} | ${cpuMs.toFixed(0)} |`;
console.log('| runtime, one thread | fastest ms | median ms | CPU ms |\n|---|---|---|---|');
console.log(row('onnxruntime-node', node));
if (page !== null) console.log(row('onnxruntime-web, WebAssembly in Chromium', page));
for (const [name, outcome] of Object.entries(operators ?? {})) console.log(`${name} on WebGPU: ${outcome}`);
console.log(
  JSON.stringify({
    ...{ name: 'click-to-mask', ours: page?.cpuMs ?? null, peer: node.cpuMs },
    ...{ ratio: page === null ? null : page.cpuMs / node.cpuMs, units: 'CPU ms a click', node, page, operators },
  }),
);
