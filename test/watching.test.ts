/** What people see of a coordinator and its sites while a job runs: metrics, a dashboard over them, and one trace. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WatchedProject } from './watched-project.fixture.ts';

const deploy = resolve(import.meta.dirname, '../deploy');
const exporter = new InMemorySpanExporter();
const services = ['coordinator', 'site'] as const;
let project: WatchedProject;
/** Before and after a job of two rounds. */
let before: Record<(typeof services)[number], string>;
let after: Record<(typeof services)[number], string>;
let spans: readonly ReadableSpan[];

const scrape = async (): Promise<typeof before> => {
  const [coordinator, site] = await Promise.all(
    services.map(async (which) => (await project.get(which, '/metrics')).text()),
  );
  return { coordinator: coordinator!, site: site! };
};

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  project = await WatchedProject.start();
  await vi.waitFor(
    async () => expect((await scrape()).coordinator).toMatch(/^consilium_site_connected\{site="site-2"\} 1$/m),
    20_000,
  );
  before = await scrape();
  expect((await project.train('job')).state).toBe('completed');
  await vi.waitFor(() => expect(named('task')).toHaveLength(16), 20_000); // the last deliveries
  after = await scrape();
  spans = [...exporter.getFinishedSpans()];
}, 120_000);
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  trace.disable();
});

/** Value of a sample; 0 if there is none yet. */
const sampleOf = (text: string, sample: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
};
/** Names and types of the metrics that are not the process's own. */
const ownMetrics = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/^# TYPE (consilium_\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]));

describe('the metrics', () => {
  it('of a coordinator are these', () => {
    expect(ownMetrics(after.coordinator)).toEqual({
      consilium_audit_alarms: 'gauge',
      consilium_jobs: 'gauge',
      consilium_job_round: 'gauge',
      consilium_job_validation_score: 'gauge',
      consilium_job_site_validation_score: 'gauge',
      consilium_rounds_completed_total: 'counter',
      consilium_round_seconds: 'histogram',
      consilium_tasks_sent_total: 'counter',
      consilium_tasks_ended_total: 'counter',
      consilium_contribution_bytes_total: 'counter',
      consilium_blob_bytes_total: 'counter',
      consilium_site_connected: 'gauge',
      consilium_site_silent_seconds: 'gauge',
    });
  });

  it('of a site are these', () => {
    expect(ownMetrics(after.site)).toEqual({
      consilium_audit_alarms: 'gauge',
      consilium_line_connected: 'gauge',
      consilium_line_reconnects_total: 'counter',
      consilium_site_tasks_total: 'counter',
      consilium_site_task_seconds: 'histogram',
      consilium_worker_steps_per_second: 'gauge',
      consilium_worker_cases_per_second: 'gauge',
      consilium_worker_loss: 'gauge',
      consilium_worker_resident_bytes: 'gauge',
      consilium_disk_free_bytes: 'gauge',
      consilium_certificate_remaining_seconds: 'gauge',
    });
  });

  it('have those of the process beside them', () => {
    for (const text of [after.coordinator, after.site]) {
      expect(sampleOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(2 ** 20);
      expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    }
  });

  it.each([
    ['coordinator', 'consilium_rounds_completed_total', 2],
    ['coordinator', 'consilium_round_seconds_count', 2],
    ['coordinator', 'consilium_tasks_sent_total{kind="train"}', 4],
    ['coordinator', 'consilium_tasks_ended_total{kind="train",outcome="accepted"}', 4],
    ['coordinator', 'consilium_tasks_ended_total{kind="evaluate",outcome="accepted"}', 4],
    ['coordinator', 'consilium_jobs{state="completed"}', 1],
    ['coordinator', 'consilium_job_round{job="job"}', 2],
    ['coordinator', 'consilium_job_validation_score{job="job"}', 0.5],
    ['coordinator', 'consilium_job_site_validation_score{job="job",site="site-2"}', 0.5],
    ['site', 'consilium_site_tasks_total{kind="train",outcome="done"}', 2],
    ['site', 'consilium_site_task_seconds_count{kind="evaluate"}', 2],
  ] as const)('of the %s are moved by two rounds: %s by %d', (which, sample, by) => {
    expect(sampleOf(after[which], sample) - sampleOf(before[which], sample)).toBe(by);
  });

  it.each([
    ['coordinator', 'consilium_contribution_bytes_total'],
    ['coordinator', 'consilium_blob_bytes_total{direction="out"}'],
    ['site', 'consilium_worker_loss'],
  ] as const)('of the %s are moved by two rounds: %s', (which, sample) => {
    expect(sampleOf(after[which], sample)).toBeGreaterThan(sampleOf(before[which], sample));
  });

  it('tell how the site and the line to it are', () => {
    expect(sampleOf(after.site, 'consilium_line_connected')).toBe(1);
    expect(sampleOf(after.site, 'consilium_worker_steps_per_second')).toBe(0); // at rest
    expect(sampleOf(after.site, 'consilium_disk_free_bytes')).toBeGreaterThan(0);
    const week = 7 * 24 * 3600;
    expect(sampleOf(after.site, 'consilium_certificate_remaining_seconds')).toBeGreaterThan(week - 600);
    expect(sampleOf(after.coordinator, 'consilium_site_silent_seconds{site="site-1"}')).toBeLessThan(10);
  });

  it('are on this machine only, with whether the service is alive', async () => {
    expect(await (await project.get('coordinator', '/healthz')).json()).toEqual({ sitesConnected: 2 });
    expect(await (await project.get('site', '/healthz')).json()).toEqual({ connected: true });
  });
});

describe('the live stream of a job', () => {
  it('has step, loss, throughput and memory of each site', () => {
    const steps = project.events.filter((event) => event.kind === 'site-step');
    expect(new Set(steps.map(({ siteId }) => siteId)).size).toBe(2);
    expect(steps[0]).toMatchObject({ step: 1, of: 3, loss: 1, stepsPerSecond: 50, residentBytes: 2 ** 20 });
  });
});

describe('what is in deploy', () => {
  it('asks for metrics that exist', () => {
    const exist = new Set(
      services.flatMap((which) =>
        [...after[which].matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
          type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name!],
        ),
      ),
    );
    const dashboard = JSON.parse(readFileSync(join(deploy, 'grafana/consilium.json'), 'utf8')) as unknown;
    const texts = (value: unknown): string[] =>
      typeof value !== 'object' || value === null
        ? []
        : Object.entries(value).flatMap(([key, inner]) => (key === 'expr' ? [String(inner)] : texts(inner)));
    const asked = texts(dashboard).flatMap((expr) => expr.match(/\b(?:consilium|process|nodejs)_\w+/g) ?? []);
    expect(new Set(asked).size).toBeGreaterThan(15);
    expect(asked.filter((name) => !exist.has(name))).toEqual([]);
    const own = [...exist].filter((name) => name.startsWith('consilium_') && !/_(sum|count)$/.test(name));
    expect(own.filter((name) => !asked.includes(name))).toEqual([]);
  });

  it('has a Prometheus configuration with both services', () => {
    const text = readFileSync(join(deploy, 'prometheus/prometheus.yml'), 'utf8');
    const jobs = [...text.matchAll(/^ {2}- job_name: (\S+)$/gm)].map(([, name]) => name);
    expect(jobs).toEqual(['consilium-coordinator', 'consilium-site']);
  });
});

const named = (name: string) =>
  exporter.getFinishedSpans().filter((span) => span.name === name || span.name.startsWith(`${name} `));
const scopeOf = (span: ReadableSpan) => span.instrumentationScope.name.replace('@consilium/', '');
const childrenOf = (span: ReadableSpan) =>
  spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId);

describe('the trace of a job', () => {
  it('is one, across the coordinator and its sites', () => {
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(new Set(spans.map(scopeOf))).toEqual(new Set(['coordinator', 'site']));
    expect(spans.filter(({ parentSpanContext }) => parentSpanContext === undefined)).toHaveLength(1);
  });

  it('goes from the job to its rounds, their tasks, and what the sites do for them', () => {
    const [job] = spans.filter(({ name }) => name === 'job');
    expect(job!.attributes).toMatchObject({ 'consilium.job': 'job', 'consilium.state': 'completed' });
    const rounds = childrenOf(job!);
    expect(rounds.map(({ name, attributes }) => [name, attributes['consilium.round']])).toEqual([
      ['round', 1],
      ['round', 2],
    ]);
    for (const round of rounds) {
      const tasks = childrenOf(round);
      expect(tasks.map(({ name }) => name).sort()).toEqual([
        'task evaluate',
        'task evaluate',
        'task train',
        'task train',
      ]);
      for (const task of tasks) {
        expect(task.attributes['consilium.outcome']).toBe('accepted');
        const [atSite, ...others] = childrenOf(task);
        expect(others).toEqual([]);
        expect([atSite!.name, scopeOf(atSite!)]).toEqual([task.name, 'site']);
        expect(childrenOf(atSite!).map(({ name }) => name)).toEqual(['fetch', 'perform', 'deliver']);
      }
    }
  });

  it('says nothing but names of jobs, rounds, tasks and sites', () => {
    const keys = new Set(spans.flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...keys].sort()).toEqual(
      ['attempt', 'job', 'outcome', 'reason', 'round', 'score', 'site', 'sites', 'state', 'task'].map(
        (name) => `consilium.${name}`,
      ),
    );
  });
});
