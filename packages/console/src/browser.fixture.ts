/** What tests of pages need: the pages built, a Chromium, and what in a page keeps people out. */
import { resolve } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type Plugin } from 'vite';

const browserPath = process.env['CHROMIUM_PATH'] || undefined;

/** Whether tests are left out because there is no browser, which is said; not in CI, where they fail. */
export function isWithoutBrowser(what: string): boolean {
  if (browserPath !== undefined || process.env['CI'] === 'true') return false;
  console.warn(`skipped: ${what} (no Chromium found; set CHROMIUM_PATH or install it)`);
  return true;
}

/** `page`: builds only that one of our pages; the annotator takes as long as all else together. */
export async function openBrowser({
  pages,
  page,
}: {
  /** Directory for the built pages. */
  readonly pages: string;
  readonly page?: 'site' | 'project';
}): Promise<Browser> {
  if (browserPath === undefined) throw new Error('no Chromium found: set CHROMIUM_PATH or install it');
  const configFile = resolve(import.meta.dirname, '../vite.config.ts');
  // WebGL2 in software (SwiftShader) is there whatever the flags say.
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
  const only: Plugin = {
    name: 'only',
    options: (options) =>
      page === undefined ? options : { ...options, input: { [page]: resolve(configFile, `../${page}.html`) } },
  };
  const [browser] = await Promise.all([
    chromium.launch({ executablePath: browserPath, args }),
    build({ configFile, plugins: [only], build: { outDir: pages, emptyOutDir: true }, logLevel: 'error' }),
  ]);
  return browser;
}

const everything = ['wcag2a', 'wcag2aa', 'wcag22aa', 'best-practice'];

/** Against WCAG 2.2 AA, of the page as it is: axe's rules with the first elements that break them. `rules`: only of these. */
export async function offencesOf(page: Page, rules: readonly string[] = everything): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(
    async (runOnly) => {
      const options = { runOnly, resultTypes: ['violations' as const] };
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, options);
      return violations.map(({ id, nodes }) => {
        const elements = nodes.slice(0, 3).map(({ html }) => html.slice(0, 160));
        return `${id}: ${elements.join(' | ')}`;
      });
    },
    [...rules],
  );
}
