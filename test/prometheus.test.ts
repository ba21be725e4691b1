/** What is in `deploy`, with the Prometheus that hospitals run: Debian's, scraping a coordinator and a site while jobs run. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from './free-port.fixture.ts';
import { WatchedProject } from './watched-project.fixture.ts';

const deploy = resolve(import.meta.dirname, '../deploy');
const configuration = join(deploy, 'prometheus/prometheus.yml');
const program = '/usr/bin/prometheus';
const isMissing = !existsSync(program);
if (isMissing) {
  if (process.env['CI'] !== undefined) throw new Error('Prometheus is missing in CI');
  console.log('Prometheus is not installed (Debian: prometheus): what asks it is skipped.');
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/consilium.json'), 'utf8')) as { panels: Panel[] };
const questions = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

describe.skipIf(isMissing)('Prometheus, with the configuration of deploy', () => {
  let project: WatchedProject;
  let prometheus: ChildProcess;
  let origin: string;

  /** As Grafana asks, which puts the interval of the panel in. */
  async function ask(expr: string): Promise<readonly Series[]> {
    const query = new URLSearchParams({ query: expr.replaceAll('$__rate_interval', '5m') });
    const response = await fetch(`${origin}/api/v1/query?${query}`);
    const answer = (await response.json()) as { status: string; error?: string; data: { result: readonly Series[] } };
    expect(answer, expr).toMatchObject({ status: 'success' });
    return answer.data.result;
  }

  const seen = async (expr: string): Promise<number> => Number((await ask(expr))[0]?.value[1] ?? 0);
  /** It asks each service when it is time, and not when something has happened. */
  const see = (expr: string, value: number): Promise<void> =>
    vi.waitFor(async () => expect(await seen(expr), expr).toBe(value), { timeout: 20_000, interval: 200 });

  beforeAll(async () => {
    project = await WatchedProject.start();
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    const here = readFileSync(configuration, 'utf8')
      .replace('127.0.0.1:9464', `127.0.0.1:${project.ports.coordinator}`)
      .replace('127.0.0.1:9465', `127.0.0.1:${project.ports.site}`)
      .replace('scrape_interval: 15s', 'scrape_interval: 500ms');
    const path = join(project.root, 'prometheus.yml');
    writeFileSync(path, here);
    prometheus = spawn(
      program,
      [
        ...[`--config.file=${path}`, `--storage.tsdb.path=${join(project.root, 'tsdb')}`],
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    await vi.waitFor(async () => expect(await ask('up == 1')).toHaveLength(2), { timeout: 30_000, interval: 200 });
    // A counter that appears has no increase; its second job has.
    for (const [job, rounds] of [
      ['first', 2],
      ['second', 4],
    ] as const) {
      expect((await project.train(job)).state).toBe('completed');
      await see('consilium_rounds_completed_total', rounds);
      for (const kind of ['train', 'evaluate'])
        await see(`consilium_site_tasks_total{kind="${kind}",outcome="done"}`, rounds);
    }
  }, 120_000);

  afterAll(async () => {
    if (prometheus !== undefined) {
      prometheus.kill();
      await new Promise((done) => prometheus.once('exit', done));
    }
    await project?.[Symbol.asyncDispose]();
  });

  it('is a configuration without an error', () => {
    const said = execFileSync('/usr/bin/promtool', ['check', 'config', configuration], { encoding: 'utf8' });
    expect(said).toContain('SUCCESS');
  });

  it('is asked by the dashboard for more than twenty things', () => {
    expect(questions.length).toBeGreaterThan(20);
  });

  it.each(questions)('answers the panel "$title": $expr', async ({ expr }) => {
    const series = await ask(expr);
    expect(series.length).toBeGreaterThan(0);
    for (const { value } of series) expect(Number(value[1])).toSatisfy(Number.isFinite);
  });

  it('knows what has happened: rounds, tasks at both ends, who is connected', async () => {
    await see('consilium_jobs{state="completed"}', 2);
    await see('sum(consilium_tasks_ended_total{kind="train",outcome="accepted"})', 8);
    await see('sum(consilium_site_connected)', 2);
    expect(await seen('sum(increase(consilium_rounds_completed_total[5m]))')).toBeGreaterThan(1);
  });
});
