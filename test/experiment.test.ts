/** `consilium experiment` as a person runs it, small: real processes, real training on this machine. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExperimentRecord } from '@consilium/study';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandProcess, type Ended } from './command.fixture.ts';
import { writeTinyPatients } from './tiny-patients.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-experiment-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
for (const site of [1, 2]) writeTinyPatients(join(root, `data/site-${site}`), { site, count: 5 });

const base = { detail: 'small', memoryBudgetMb: 512, width: 4, depth: 2, rounds: 1, localSteps: 1 };
const sizes = { name: 'sizes', base, vary: { patientsPerSite: [1, 'all'] } };

/** JSON is YAML. */
function start(experiment: object, ...more: readonly string[]): CommandProcess {
  writeFileSync(join(root, 'sizes.yaml'), JSON.stringify(experiment));
  return new CommandProcess(['experiment', 'run', 'sizes.yaml', '--sites', 'data', ...more], {
    cwd: root,
    ownGroup: true,
  });
}
const run = (experiment: object, ...more: readonly string[]): Promise<Ended> => start(experiment, ...more).ended;
const file = (name: string): string => readFileSync(join(root, 'sizes', name), 'utf8');
const recorded = () => parseExperimentRecord(JSON.parse(file('experiment.json')));

describe('consilium experiment', () => {
  it('goes on where it was killed, trains on as many patients as it says, and tests the best alone', async () => {
    const cut = start(sizes);
    await cut.until(({ stderr }) => stderr.includes('1 of 2: patients per site 1'));
    await cut.killGroup('SIGKILL');
    expect(readdirSync(join(root, 'sizes/runs'))).toHaveLength(1);

    const { code, stderr, stdout } = await run(sizes);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/patients per site 1, seed 1: .*\(done before\)/)]);
    expect(stdout).toMatch(/Tested on 2 cases of 2 patients: the best by mean validation/);
    const { choice, ledger, runs, scores } = recorded();
    const casesOf = (patients: unknown) =>
      runs.find(({ settings }) => settings.patientsPerSite === patients)!.rounds[0]!.trained.map(({ cases }) => cases);
    expect([casesOf(1), casesOf('all')]).toEqual([
      [1, 1],
      [3, 3],
    ]);
    const tested = runs.filter(({ configuration }) => configuration === choice.chosen[0]).map(({ digest }) => digest);
    expect(new Set(scores.map((score) => score.run))).toEqual(new Set(tested));
    expect(ledger.looks).toMatchObject([{ reason: null, models: [{ runSha256: tested[0], round: 1 }] }]);
  });

  it('refuses to ask the test patients about other models, unless somebody says why, which is recorded', async () => {
    const more = { ...sizes, test: 'all' };
    const before = ['experiment.json', 'analysis.json', 'test-ledger.json'].map(file);
    const refused = await run(more);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('study.test-set-spent')]);
    expect(refused.stderr.match(/\(done before\)/g)).toHaveLength(2);
    expect(['experiment.json', 'analysis.json', 'test-ledger.json'].map(file)).toEqual(before);
    const shown = await new CommandProcess(['experiment', 'show', 'sizes', '--json'], { cwd: root }).ended;
    expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(file('analysis.json')));
    const { code, stdout } = await run(more, '--look-again', 'the first was a trial');
    expect(code).toBe(0);
    expect(stdout).toContain('the first was a trial');
    expect(recorded().ledger.looks.map(({ reason }) => reason)).toEqual([null, 'the first was a trial']);
    const compared = await new CommandProcess(['experiment', 'compare', 'sizes'], { cwd: root }).ended;
    expect(compared.stdout).toContain('patients per site all less patients per site 1');
  });

  it('refuses a file that is wrong before it asks anybody, and to show what is not there', async () => {
    const wrong = await run({ ...sizes, vary: { patientsPerSite: [0] } });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('study.experiment-malformed')]);
    const nothing = await new CommandProcess(['experiment', 'show', 'elsewhere'], { cwd: root }).ended;
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('cli.no-experiment')]);
  });
});
