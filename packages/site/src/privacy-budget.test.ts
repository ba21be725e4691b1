import { fork } from 'node:child_process';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { epsilonOf } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { PrivacyBudget, type RecordedSpend } from './privacy-budget.ts';
import { privacyReport } from './privacy-report.ts';
import { parseSiteSettings } from './settings.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const spend = (round: number, jobId = 'job'): RecordedSpend => ({
  jobId: jobId as JobId,
  round,
  samplingRate: 0.5,
  noiseMultiplier: 1.5,
  steps: 10,
  isSeeded: false,
  othersTrusted: 0,
});
const deltaMax = 1e-5;
const cost = (rounds: number) => epsilonOf([{ ...spend(1), steps: 10 * rounds }], deltaMax);

describe('the privacy budget of a site', () => {
  it('is spent once for a name, in this life and the next, and keeps its secret', async () => {
    using directory = new ToyDirectory();
    const secrets: Uint8Array[] = [];
    for (const life of [1, 2]) {
      using budget = await PrivacyBudget.open(directory.path, { deltaMax });
      secrets.push(budget.secret);
      budget.reserve('a', spend(1));
      budget.reserve(`life ${life}`, spend(2));
    }
    using budget = await PrivacyBudget.open(directory.path, { deltaMax });
    expect(budget.spends()).toEqual([spend(1), spend(2), spend(2)]);
    expect(secrets[0]).toHaveLength(32);
    expect(secrets[1]).toEqual(secrets[0]);
    using elsewhere = new ToyDirectory();
    using other = await PrivacyBudget.open(elsewhere.path, { deltaMax });
    expect(other.secret).not.toEqual(secrets[0]);
  });

  it('can be read by nobody else on the machine', async () => {
    using directory = new ToyDirectory();
    using budget = await PrivacyBudget.open(directory.path, { deltaMax });
    budget.reserve('a', spend(1));
    for (const name of ['privacy.sqlite', 'privacy.sqlite-wal']) {
      expect(statSync(join(directory.path, name)).mode & 0o077).toBe(0);
    }
  });

  it('refuses what would go beyond the limit, and lets smaller tasks through', async () => {
    using directory = new ToyDirectory();
    using budget = await PrivacyBudget.open(directory.path, { deltaMax, epsilonMax: (cost(2) + cost(3)) / 2 });
    budget.reserve('a', spend(1));
    budget.reserve('b', spend(2));
    expect(() => budget.reserve('c', spend(1, 'other'))).toThrow(
      expect.objectContaining({ code: 'site.privacy-budget-exhausted', lasting: true }),
    );
    expect(budget.spends()).toHaveLength(2);
    budget.reserve('c', { ...spend(3), steps: 1 });
    budget.reserve('a', spend(1));
    expect(budget.spends()).toHaveLength(3);
  });

  it('sees what another process spends', async () => {
    using directory = new ToyDirectory();
    const limits = { deltaMax, epsilonMax: (cost(1) + cost(2)) / 2 };
    using one = await PrivacyBudget.open(directory.path, limits);
    using other = await PrivacyBudget.open(directory.path, limits);
    one.reserve('a', spend(1));
    expect(() => other.reserve('b', spend(2))).toThrow(
      expect.objectContaining({ code: 'site.privacy-budget-exhausted' }),
    );
    other.reserve('a', spend(1));
  });

  it('forgets nothing that was paid when the process is killed', async () => {
    using directory = new ToyDirectory();
    let paid = 0;
    for (let life = 1; life <= 4; life++) {
      const spender = fork(new URL('./privacy-spender.fixture.ts', import.meta.url), [directory.path], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      await new Promise<void>((resolve, reject) => {
        spender.once('error', reject);
        spender.once('exit', () => resolve());
        spender.on('message', (round) => {
          paid = Number(round);
          if (paid >= 7 * life + life) spender.kill('SIGKILL');
        });
      });
      using budget = await PrivacyBudget.open(directory.path, { deltaMax });
      const rounds = budget.spends().map(({ round }) => round);
      expect(rounds.length).toBeGreaterThanOrEqual(paid);
      expect(rounds).toEqual(rounds.map((_, index) => index + 1));
    }
    expect(paid).toBeGreaterThanOrEqual(32);
  });

  it('that cannot be read is not begun anew', async () => {
    using directory = new ToyDirectory();
    const path = join(directory.path, 'privacy.sqlite');
    (await PrivacyBudget.open(directory.path, { deltaMax }))[Symbol.dispose]();
    const failed = expect.objectContaining({ code: 'site.privacy-ledger-failed' });
    truncateSync(path, 5000);
    await expect(PrivacyBudget.open(directory.path, { deltaMax })).rejects.toEqual(failed);
    writeFileSync(path, 'no database, but some text that is long enough to be taken for one'.repeat(99));
    await expect(PrivacyBudget.open(directory.path, { deltaMax })).rejects.toEqual(failed);
    await expect(PrivacyBudget.open('/dev/null/site', { deltaMax })).rejects.toEqual(failed);
  });
});

describe('the report of the budget', () => {
  const settings = (privacy?: object) =>
    parseSiteSettings({ siteId: 'site-1', coordinator: 'https://consilium.example.org', data: '/cases', privacy });

  it('says what each job has spent, and all together', async () => {
    using directory = new ToyDirectory();
    {
      using budget = await PrivacyBudget.open(directory.path, { deltaMax });
      budget.reserve('a', spend(1));
      budget.reserve('b', spend(2));
      budget.reserve('c', { ...spend(1, 'other'), isSeeded: true });
    }
    const report = await privacyReport(directory.path, settings({ epsilonMax: 20 }));
    expect(report).toEqual({
      unit: 'patient',
      delta: deltaMax,
      epsilon: expect.closeTo(cost(3), 9),
      epsilonMax: 20,
      jobs: [
        { jobId: 'job', rounds: 2, epsilon: expect.closeTo(cost(2), 9), isSeeded: false, othersTrusted: 0 },
        { jobId: 'other', rounds: 1, epsilon: expect.closeTo(cost(1), 9), isSeeded: true, othersTrusted: 0 },
      ],
    });
  });

  it('of a site that never trained privately is empty, and writes nothing', async () => {
    using directory = new ToyDirectory();
    expect(await privacyReport(directory.path, settings())).toMatchObject({ epsilon: 0, epsilonMax: null, jobs: [] });
    expect(() => statSync(join(directory.path, 'privacy.sqlite'))).toThrow('ENOENT');
  });
});
