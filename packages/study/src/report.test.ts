import { createRandom } from '@consilium/numerics';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inventedRecord } from './record.fixture.ts';
import { parseRecord, type RehearsalRecord } from './record.ts';
import { reportHtml } from './report.ts';

const record = parseRecord(inventedRecord());
const bare = parseRecord({
  ...inventedRecord({ sites: 1, testCases: 1, pooled: false, synthetic: false }),
  jobs: [],
  scores: [],
  reliability: [],
  pictures: [],
  warnings: [],
});

/** Without the stylesheet. */
function contentOf(report: string): string {
  return report.slice(report.indexOf('</style>'));
}

/** Places where a number that is none, with what stands around it. */
function brokenNumbers(report: string): string[] {
  return [...report.matchAll(/.{0,40}(?:NaN|undefined|Infinity).{0,20}/g)].map(([found]) => found);
}

const reports = { full: reportHtml(record), bare: reportHtml(bare) };

describe('the report', () => {
  it('is the same bytes for the same record, whatever the order of its scores', async () => {
    const shuffled = { ...record, scores: createRandom(2).shuffle(record.scores) };
    const [once, again, other] = [await reports.full, await reportHtml(record), await reportHtml(shuffled)];
    expect([again === once, other === once]).toEqual([true, true]);
  });

  it('is labelled synthetic exactly when the record is', async () => {
    const labels = async (synthetic: boolean): Promise<number> =>
      [...contentOf(await reportHtml({ ...record, synthetic })).matchAll(/synthetic/gi)].length;
    expect(await labels(true)).toBeGreaterThan(record.pictures.length + 3);
    expect(await labels(false)).toBe(0);
  });

  it('answers yes, no or not shown, by the interval', async () => {
    const answer = async (gain: number): Promise<string> => {
      const text = await reportHtml(parseRecord(inventedRecord({ sites: 3, testCases: 6, gain })));
      return /<strong>([^<]*)<\/strong> On/.exec(text)?.[1] ?? '';
    };
    expect(await answer(0.2)).toBe('Yes.');
    expect(await answer(0.026)).toBe('Not shown.');
    expect(await answer(-0.2)).toBe('No.');
  });

  it('can be made when no job came to an end', async () => {
    const text = await reports.bare;
    expect(text.includes('Cannot be said.')).toBe(true);
    expect(brokenNumbers(text)).toEqual([]);
  });

  it('shows no number that is none', async () => {
    const withHoles: RehearsalRecord = {
      ...record,
      scores: record.scores.map((row, index) =>
        index % 3 === 0
          ? { ...row, dice: null, nsd: null, hd95Mm: null, lesionSensitivity: null, ece: null, brier: null }
          : row,
      ),
      jobs: record.jobs.map((job) => ({
        ...job,
        rounds: job.rounds.map((round) => ({ ...round, validation: { mean: null, sites: {} }, trainLoss: {} })),
      })),
    };
    expect(brokenNumbers(await reportHtml(withHoles))).toEqual([]);
  });

  it('says whether probabilities can be believed, as far as sites tell it, and nothing of a record from before', async () => {
    const asked = 'Can its probabilities be believed?';
    const text = await reports.full;
    expect(text).toContain(asked);
    expect(text).toMatch(
      /Where the federated model says tumour with 81\u00a0%, it is right in 70\u00a0%: it is too sure\./,
    );
    expect(text.match(/aria-label="Reliability diagram/g)).toHaveLength(3);
    expect(text).toContain('the test cases of all sites;');

    const small = parseRecord(inventedRecord({ sites: 2, testCases: 2 }));
    const few = small.reliability.filter(({ siteId }) => siteId === 'site-1');
    const fewer = await reportHtml({ ...small, reliability: few });
    expect(fewer).toContain('the test cases of 1 of 2 sites; a site tells counts only of regions');
    const none = await reportHtml({ ...small, reliability: [] });
    expect(none).toContain('no site has enough test patients');
    expect([none.includes(asked), none.includes('aria-label="Reliability diagram')]).toEqual([true, false]);
    expect([...brokenNumbers(fewer), ...brokenNumbers(none)]).toEqual([]);

    const scores = small.scores.map(({ brier: _brier, ece: _ece, ...row }) => row);
    const { reliability: _reliability, ...before } = { ...small, scores };
    const old = await reportHtml(parseRecord(before));
    expect([old.includes(asked), /calibration/i.test(contentOf(old))]).toEqual([false, false]);
  });

  it('lets no text of the record become markup', async () => {
    const hostile = '<script>alert(1)</script>"\'&';
    const text = await reportHtml({
      ...record,
      title: hostile,
      command: hostile,
      warnings: [hostile],
      sites: record.sites.map((site) => ({
        ...site,
        name: hostile,
        excluded: [{ case: hostile, code: hostile, message: hostile }],
      })),
      pictures: record.pictures.map((picture) => ({ ...picture, caption: hostile, case: hostile })),
      pictureLegend: [{ label: hostile, colour: 'red;background:url(https://example.org)' }],
    });
    const escaped = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;';
    expect(['<script', 'example.org', escaped].map((part) => text.includes(part))).toEqual([false, false, true]);
  });
});

const browserPath = process.env['CHROMIUM_PATH'] || undefined;
if (browserPath === undefined && process.env['CI'] !== 'true') {
  console.warn('skipped: the report in a browser (no Chromium found; set CHROMIUM_PATH or install it)');
}

describe.skipIf(browserPath === undefined && process.env['CI'] !== 'true')('the report in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    if (browserPath === undefined) throw new Error('no Chromium found: set CHROMIUM_PATH or install it');
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu', ...quiet] });
  });
  afterAll(() => browser?.close());

  /** Opens the report and collects everything it should not do. */
  async function open(text: string, width: number): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (!/^(data:|about:)/.test(request.url())) complaints.push(`request: ${request.url()}`);
    });
    await page.setContent(text, { waitUntil: 'load' });
    return { page, complaints };
  }

  it.each([
    ['a full record', 1280],
    ['a full record', 390],
    ['a record without results', 390],
  ])('shows %s at %i px without errors, requests or sideways scrolling', async (which, width) => {
    const { page, complaints } = await open(await (which === 'a full record' ? reports.full : reports.bare), width);
    const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(content).toBeLessThanOrEqual(view!);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('has a text or a table for every figure, and an alternative text for every image', async () => {
    const { page } = await open(await reports.full, 1280);
    const silent = await page.evaluate(() => {
      const figures = [...document.querySelectorAll('figure')].filter(
        (figure) =>
          !figure.querySelector('[role=img][aria-label]:not([aria-label=""]), img[alt]:not([alt=""]), table caption'),
      );
      const images = [...document.querySelectorAll('img')].filter(
        (image) => image.alt === '' || image.naturalWidth === 0,
      );
      const loose = [...document.querySelectorAll('svg')].filter((svg) => svg.closest('[role=img]') === null);
      return [...figures, ...images, ...loose].map((element) => element.outerHTML.slice(0, 80));
    });
    expect(silent).toEqual([]);
    expect(await page.locator('figure').count()).toBeGreaterThan(15);
    await page.close();
  });

  it.each([1280, 390])('clips and overlaps no text of a figure at %i px', async (width) => {
    const { page } = await open(await reports.full, width);
    const faults = await page.evaluate(() => {
      const found: string[] = [];
      for (const svg of document.querySelectorAll('svg')) {
        if (svg.getBoundingClientRect().width === 0) continue;
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].filter(
          (text) => text.textContent !== '' && text.getAttribute('stroke') === null,
        );
        const boxes = texts.map((text) => ({ name: text.textContent ?? '', box: text.getBoundingClientRect() }));
        for (const [index, { name, box }] of boxes.entries()) {
          if (
            box.left < frame.left - 1 ||
            box.right > frame.right + 1 ||
            box.top < frame.top - 2 ||
            box.bottom > frame.bottom + 2
          ) {
            found.push(`clipped: ${name}`);
          }
          for (const other of boxes.slice(index + 1)) {
            const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
            const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
            if (wide > 1 && high > 3) found.push(`overlap: ${name} / ${other.name}`);
          }
        }
      }
      return found;
    });
    expect(faults).toEqual([]);
    await page.close();
  });
});
