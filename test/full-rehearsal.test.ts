/** `consilium rehearse --full` as a person runs it, as small as it goes: real archives, reading rooms, services and training. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProjectSummary, parseProjectRecord } from '@consilium/study';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandProcess } from './command.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-full-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const size = ['--sites', '2', '--studies', '8', '--detail', 'tiny', '--rounds', '1', '--steps', '1'];

function start(...more: readonly string[]): CommandProcess {
  return new CommandProcess(['rehearse', '--json', ...more], { cwd: root, ownGroup: true });
}
const file = (directory: string, name: string): string => readFileSync(join(root, directory, name), 'utf8');
const counted = (what: string, done: number) => `"what":"${what}","done":${done}`;

/** On a machine that does much else, too. */
const endMsMax = 900_000;

describe('consilium rehearse --full', { timeout: endMsMax }, () => {
  it('comes to its end through kills in both phases, with the same labels as without', async () => {
    const first = start('--full', ...size, '--out', 'killed');
    await first.until(({ stdout }) => stdout.includes(counted('cases read by hand', 3)));
    await first.killGroup('SIGKILL');
    expect(existsSync(join(root, 'killed/first-phase/site-2.json'))).toBe(false);
    const second = start('--resume', '--out', 'killed');
    await second.until(({ stdout }) => stdout.includes(counted('proposals', 2)));
    await second.killGroup('SIGKILL');
    const ended = await start('--resume', '--out', 'killed').ended;
    expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining('Error')]);

    // Split, labels and minutes; that weights follow from these is tried elsewhere.
    const whole = start('--full', ...size, '--out', 'whole');
    const readings = ['site-1', 'site-2'].map((site) => `first-phase/${site}.json`);
    await whole.until(() => readings.every((name) => existsSync(join(root, 'whole', name))));
    await whole.killGroup('SIGKILL');
    for (const name of readings) expect(file('killed', name)).toBe(file('whole', name));
  });

  it('leaves both phases, all experiments and where each number came from', () => {
    const record = parseProjectRecord(JSON.parse(file('killed', 'project.json')));
    const { experiments, jobs, readings, sites } = record;
    expect(sites.map(({ flow }) => flow.split)).toEqual([
      { train: 3, validation: 3, test: 2 },
      { train: 3, validation: 3, test: 2 },
    ]);
    const of = (phase: string) => readings.filter((one) => one.phase === phase);
    expect([of('first').length, of('second').length]).toEqual([16, 10]);
    expect(of('first').every(({ how, minutes }) => how === 'manual' && minutes > 1)).toBe(true);
    for (const { id, gate } of sites) {
      const how = gate!.isChampion ? 'assisted' : 'manual';
      expect(
        of('second')
          .filter(({ siteId }) => siteId === id)
          .every((one) => one.how === how),
      ).toBe(true);
    }
    expect(sites.some(({ gate }) => gate!.isChampion)).toBe(true);
    expect(experiments.labels.configurations.map(({ settings }) => settings.labels)).toEqual(['manual', 'assisted']);
    expect(experiments.studies.configurations).toHaveLength(6);
    expect(experiments.alone!.configurations).toHaveLength(3);
    // Seven trainings of all, and one of each hospital: what one experiment has done, the next knows again.
    expect(jobs).toHaveLength(9);
    expect(jobs.every(({ ledgerEntry }) => ledgerEntry !== null)).toBe(true);
    const summary = JSON.parse(file('killed', 'summary.json')) as ProjectSummary;
    expect(summary.configurations.every(({ dice }) => dice!.cases === 4)).toBe(true);
    expect(summary.seconds).toBeGreaterThan(0);
  });

  it('has its report made again from the record, to the byte, and printed where there is a Chromium', async () => {
    const before = file('killed', 'report.html');
    const report = (...more: readonly string[]) =>
      new CommandProcess(['report', 'killed', ...more], { cwd: root }).ended;
    const refused = await report('--pdf', '--chromium', '/nowhere/chromium');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('cli.no-chromium')]);
    expect(file('killed', 'report.html') === before).toBe(true);
    expect(before).toContain('SYNTHETIC DATA, SIMULATED READERS');
  });

  it('is published with the model, signed, with report and records', async () => {
    const { code, stdout } = await new CommandProcess(['publish', 'verify', 'killed/publication', '--json'], {
      cwd: root,
    }).ended;
    expect([code, JSON.parse(stdout).isWhole]).toEqual([0, true]);
    expect(file('killed', 'publication/methodology/project-report.html')).toBe(file('killed', 'report.html'));
    expect(file('killed', 'publication/methodology/project.json')).toBe(file('killed', 'project.json'));
  });
});
