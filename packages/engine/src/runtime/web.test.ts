import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createViteServer } from 'vitest/node';
import { conformanceChecks } from './runtime.conformance.ts';

const browserPath = process.env['CHROMIUM_PATH'] || undefined;
const skipped = browserPath === undefined && process.env['CI'] !== 'true';
if (skipped) {
  console.warn('skipped: the runtime in a browser (no Chromium found; set CHROMIUM_PATH or install it)');
}

const packageFolder = resolve(import.meta.dirname, '../..');
const pageScript = new URL('./conformance.browser.ts', import.meta.url);
const wasmFolder = resolve(fileURLToPath(import.meta.resolve('onnxruntime-web/wasm')), '..');
const contentTypes = { mjs: 'text/javascript', wasm: 'application/wasm' } as const;

type Server = Awaited<ReturnType<typeof createViteServer>>;

/** Serves a page with the checks, compiled from source, and ONNX Runtime's files, byte by byte as they were installed. */
async function serve(): Promise<Server> {
  const isolated = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
  };
  const server = await createViteServer({
    configFile: false,
    root: packageFolder,
    appType: 'custom',
    logLevel: 'error',
    resolve: { conditions: ['consilium-source', 'module', 'browser', 'development|production'] },
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { host: '127.0.0.1', port: 0, hmr: false, ws: false, watch: null, headers: isolated },
    plugins: [
      {
        name: 'conformance-page',
        configureServer: ({ middlewares }) => {
          middlewares.use('/onnxruntime', async (request, response) => {
            const name = basename(new URL(request.url!, 'http://localhost').pathname);
            const type = contentTypes[name.split('.').at(-1) as keyof typeof contentTypes];
            for (const [header, value] of Object.entries(isolated)) response.setHeader(header, value);
            response.setHeader('content-type', type).end(await readFile(join(wasmFolder, name)));
          });
          middlewares.use('/checks.html', (_, response) => {
            for (const [header, value] of Object.entries(isolated)) response.setHeader(header, value);
            const script = fileURLToPath(pageScript).slice(packageFolder.length);
            response.setHeader('content-type', 'text/html');
            response.end(`<!doctype html><title>Checks</title><script type="module" src="${script}"></script>`);
          });
        },
      },
    ],
  });
  return server.listen();
}

describe.skipIf(skipped)('the runtime in a browser', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    if (browserPath === undefined) throw new Error('no Chromium found: set CHROMIUM_PATH or install it');
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
    const args = ['--headless', '--no-sandbox', '--disable-gpu', ...quiet];
    [server, browser] = await Promise.all([serve(), chromium.launch({ executablePath: browserPath, args })]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), server?.close()]);
  });

  describe.each([1, 2])('with %i threads', (threads) => {
    let page: Page;
    const requests: URL[] = [];
    const errors: string[] = [];
    beforeAll(async () => {
      page = await browser.newPage();
      page.on('request', (request) => requests.push(new URL(request.url())));
      page.on('pageerror', (error) => errors.push(error.message));
      const { port } = server.httpServer!.address() as { port: number };
      await page.goto(`http://127.0.0.1:${port}/checks.html?threads=${threads}`);
      await page.waitForFunction(() => 'runCheck' in window);
    });
    afterAll(() => page?.close());

    it('is in a page that may share memory between threads', async () => {
      expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(true);
    });

    it.each(conformanceChecks.map(({ name }) => name))('%s', async (name) => {
      const failure = await page.evaluate((which) => window.runCheck(which), name);
      if (failure !== undefined) expect.fail(failure);
    });

    it('has workers if there are more threads than the page has itself', () => {
      expect(page.workers().length > 0).toBe(threads > 1);
    });

    it('asks for nothing but its own files, and leaves no error behind', () => {
      expect(requests.filter(({ hostname, protocol }) => protocol !== 'blob:' && hostname !== '127.0.0.1')).toEqual([]);
      expect(requests.some(({ pathname }) => pathname.endsWith('.wasm'))).toBe(true);
      expect(errors).toEqual([]);
    });
  });

  describe('on a graphics processor, here a program that stands for one', () => {
    let graphics: Browser;
    let page: Page;
    beforeAll(async () => {
      const args = ['--headless', '--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
      graphics = await chromium.launch({ executablePath: browserPath!, args });
      page = await graphics.newPage();
      const { port } = server.httpServer!.address() as { port: number };
      await page.goto(`http://127.0.0.1:${port}/checks.html`);
      await page.waitForFunction(() => 'differenceOnGpu' in window);
    });
    afterAll(() => graphics?.close());

    it('gives what WebAssembly gives, to rounding, with every operator of our networks on it', async (context) => {
      const difference = await page.evaluate(() => window.differenceOnGpu());
      if (difference === null && process.env['CI'] !== 'true') {
        console.warn('skipped: WebGPU (this Chromium has none, not even on the CPU)');
        context.skip();
      }
      expect(difference).not.toBeNull();
      expect(difference!).toBeLessThan(1e-4);
    });

    it('is not offered unless asked for, as it is slower than WebAssembly', async () => {
      expect(await page.evaluate(() => window.offersSlowGpu())).toBe(false);
    });
  });
});
