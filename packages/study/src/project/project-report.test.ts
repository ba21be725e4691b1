import { createRandom } from '@consilium/numerics';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { projectFindings } from './project-findings.ts';
import { inventedDescribed, inventedProject } from './project-record.fixture.ts';
import { type ProjectRecord, parseProjectRecord } from './project-record.ts';
import { projectReportHtml } from './project-report.ts';
import { projectSummary } from './project-summary.ts';

const record = inventedProject();
const report = projectReportHtml(record);

/** Of the card of a question. */
async function answerTo(question: string, from: ProjectRecord): Promise<string> {
  const text = await projectReportHtml(from);
  const card = text.slice(text.indexOf(question));
  return /<strong>([^<]*)<\/strong>/.exec(card.slice(0, card.indexOf('</div>')))?.[1] ?? '';
}

describe('the report of a project', () => {
  it('is the same bytes for the same record, also after it was written and read, whatever the order of readings', async () => {
    const again = parseProjectRecord(JSON.parse(JSON.stringify(record)));
    const shuffled = { ...record, readings: createRandom(2).shuffle(record.readings) };
    expect((await projectReportHtml(again)) === (await report)).toBe(true);
    expect(projectSummary(shuffled).minutes).toEqual(projectSummary(record).minutes);
  });

  it('answers each question by its interval', async () => {
    const faster = 'Was annotation faster';
    expect(await answerTo(faster, record)).toBe('Yes.');
    expect(await answerTo(faster, inventedProject({ faster: -3 }))).toBe('No.');
    expect(await answerTo(faster, inventedProject({ isLetToPropose: false }))).toBe('Cannot be said.');
    const better = 'Is the model better';
    expect(await answerTo(better, record)).toBe('Yes.');
    expect(await answerTo(better, inventedProject({ gain: -0.1 }))).toBe('No.');
    expect(await answerTo(better, inventedProject({ gain: 0 }))).toBe('Not shown.');
  });

  it('compares minutes on patients whom the model had never seen, and tells those it was trained on apart', () => {
    const { minutes } = projectSummary(record);
    expect([minutes.unseenPatients!.cases, minutes.seenPatients!.cases]).toEqual([30, 72]);
    expect(minutes.unseenPatients!.mean).toBeCloseTo(-6, 0);
  });

  it('leads each number from an experiment to its job, and each job to its entry in the ledger', async () => {
    const text = await report;
    const targets = [...text.matchAll(/href="#(job-[^"]+)"/g)].map(([, target]) => target!);
    expect(targets.length).toBeGreaterThan(20);
    for (const target of new Set(targets)) expect(text).toContain(`id="${target}"`);
    const { jobs } = record;
    for (const { jobId, ledgerEntry } of jobs) {
      expect(text).toMatch(new RegExp(`id="job-${jobId}".*?</tr>`, 's'));
      const row = text.slice(text.indexOf(`id="job-${jobId}"`)).split('</tr>')[0]!;
      expect(row).toContain(`>${ledgerEntry}<`);
    }
  });

  it('answers all items of the checklist by a place that is in the report, or says why not', async () => {
    const text = await report;
    const section = text.slice(text.indexOf('aria-labelledby="claim"'), text.indexOf('aria-labelledby="trace"'));
    expect(section.match(/<th scope="row">\d+<\/th>/g)).toHaveLength(44);
    for (const [, target] of section.matchAll(/href="#([^"]+)"/g)) expect(text).toContain(`id="${target}"`);
  });

  it('carries the data of every figure', async () => {
    const text = await report;
    const data = [...text.matchAll(/download="([^"]+)" href="data:text\/csv;charset=utf-8,([^"]+)"/g)];
    expect(data.length).toBeGreaterThan(5);
    for (const [, , csv] of data) expect(decodeURIComponent(csv!).split('\r\n').length).toBeGreaterThan(2);
  });

  it('says of both models whether their probabilities can be believed, and nothing of it where nobody recorded it', async () => {
    const text = await report;
    expect(text).toContain('Can its probabilities be believed?');
    expect(text).toMatch(
      /Of the model of corrected proposals: where it says tumour with 81\u00a0%, it is right in \d+/,
    );
    expect(text.match(/aria-label="Reliability diagram/g)).toHaveLength(3);
    expect(text.match(/<th scope="col" class="number">Calibration error<\/th>/g)).toHaveLength(2);
    expect(text).toContain('corrected proposals less labels by hand: −0.030 (−0.030 to −0.030)');
    const before = structuredClone(record) as {
      experiments: Record<string, { reliability?: unknown; scores: object[] }>;
    };
    for (const experiment of Object.values(before.experiments)) {
      delete experiment.reliability;
      experiment.scores = JSON.parse(
        JSON.stringify(experiment.scores, (key, value) => (['ece', 'brier'].includes(key) ? undefined : value)),
      );
    }
    const old = await projectReportHtml(parseProjectRecord(before));
    expect(/reliab|calibrat|be believed/i.test(old)).toBe(false);
  });

  it('says everywhere that patients are synthetic and readers simulated', async () => {
    const text = await report;
    expect(text).toContain('SYNTHETIC – ');
    expect(text.match(/SIMULATED/g)!.length).toBeGreaterThan(3);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('tells scanners, what harmonisation does and who gains where hospitals have told, and nothing of it where not', async () => {
    const words = [
      'Scanners and labels hospital by hospital',
      'What harmonisation does about it',
      'Which hospital gains',
    ];
    const old = await report;
    expect(words.filter((one) => old.includes(one))).toEqual([]);
    const described = parseProjectRecord(JSON.parse(JSON.stringify(inventedDescribed())));
    const text = await projectReportHtml(described);
    expect(words.filter((one) => text.includes(one))).toEqual(words);
    expect(text).toContain('1 hospital of 2 gains by training together, 1 loses');
    expect(text).toContain('no proof that the hospitals are alike');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    const { gains } = projectFindings(described);
    expect(gains.map(({ gain, siteId }) => [siteId, Math.sign(gain!.low)])).toEqual([
      ...[
        ['site-1', 1],
        ['site-2', -1],
      ],
    ]);
  });

  it('lets no text of the record become markup', async () => {
    const hostile = '<script>alert(1)</script>"';
    const text = await projectReportHtml({
      ...{ ...record, title: hostile, command: hostile, machine: hostile, warnings: [hostile], privacy: [hostile] },
      sites: record.sites.map((site) => ({ ...site, name: hostile, profile: { scanner: hostile } })),
      pictures: record.pictures.map((picture) => ({ ...picture, caption: hostile })),
    });
    expect([text.includes('<script'), text.includes('&lt;script&gt;')]).toEqual([false, true]);
  });

  it('refuses a record that is none, and one with a reading of a site that it does not know', () => {
    expect(() => parseProjectRecord({ version: 1 })).toThrow(
      expect.objectContaining({ code: 'study.record-malformed' }),
    );
    const stray = { ...record, readings: [{ ...record.readings[0]!, siteId: 'elsewhere' }] };
    expect(() => parseProjectRecord(stray)).toThrow(expect.objectContaining({ code: 'study.record-inconsistent' }));
  });
});

const browserPath = process.env['CHROMIUM_PATH'] || undefined;
if (browserPath === undefined && process.env['CI'] !== 'true') {
  console.warn('skipped: the report of a project in a browser (no Chromium found; set CHROMIUM_PATH or install it)');
}

describe.skipIf(browserPath === undefined && process.env['CI'] !== 'true')('in a browser', () => {
  it('asks for nothing, complains of nothing and scrolls nowhere sideways', async () => {
    const browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      for (const width of [1280, 390]) {
        const page = await browser.newPage({ viewport: { width, height: 900 } });
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        page.on('request', (request) => {
          if (!/^(data:|about:)/.test(request.url())) complaints.push(request.url());
        });
        await page.setContent(await report, { waitUntil: 'load' });
        const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        expect(content).toBeLessThanOrEqual(view!);
        expect(complaints).toEqual([]);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });
});
