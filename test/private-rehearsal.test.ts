/** `consilium rehearse --private` as a person runs it, small: seven hospitals of which one refuses and two are lost. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditReader } from '@consilium/audit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSound, type Protection, protectionText } from '../packages/cli/src/protection.ts';
import { CommandProcess, type Ended } from './command.fixture.ts';
import { writeTinyPatients } from './tiny-patients.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-private-'));
const out = join(root, 'out');
let ended: Ended;
let lines: readonly Record<string, unknown>[];
const json = (file: string) => JSON.parse(readFileSync(join(out, file), 'utf8'));

beforeAll(async () => {
  for (let site = 1; site <= 6; site++) {
    writeTinyPatients(join(root, 'data', `site-${site}`), { site, count: site === 1 ? 5 : 4 });
  }
  const run = new CommandProcess(
    [
      ...['rehearse', '--private', '--data', join(root, 'data'), '--out', out, '--json'],
      ...['--mechanism', 'noisy-update', '--epsilon', '5000', '--rounds', '2', '--steps', '1', '--seed', '5'],
    ],
    { cwd: root },
  );
  ended = await run.ended;
  lines = run.lines;
}, 300_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a private rehearsal', () => {
  it('comes to its end with two hospitals lost, one before its sum and one in the middle of it', () => {
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const { lost, sums, threshold } = json('protection.json') as Protection;
    expect(threshold).toBe(4);
    expect(lost).toEqual([
      { siteId: 'site-5', round: 2, after: 'secure-shares' },
      { siteId: 'site-6', round: 2, after: 'train' },
    ]);
    expect(sums.map(({ sites }) => sites.length)).toEqual([6, 4]);
    // Of the one that was lost later, weights were masked with others', and those masks had to be taken out again.
    const ledger = new DatabaseSync(join(out, 'coordinator/ledger.sqlite'), { readOnly: true });
    const keys = ledger.prepare("SELECT key FROM ledger WHERE key LIKE 'round/2/secure-%'").all();
    ledger.close();
    const names = keys.map(({ key }) => String(key));
    expect(names).toContain('round/2/secure-shares.1/site-5');
    expect(names).not.toContain('round/2/secure-input.1/site-5');
    expect(names).not.toContain('round/2/secure-keys.1/site-6');
  });

  it('ends each round in the bytes of the sum without masks, and sees no site’s weights', () => {
    const { sums } = json('protection.json') as Protection;
    expect(sums.map(({ isPlainSum }) => isPlainSum)).toEqual([true, true]);
    const { rounds } = json('record.json').jobs[0];
    for (const round of rounds) expect(new Set(Object.values(round.trainLoss))).toEqual(new Set([null]));
  });

  it('leaves out the hospital whose policy refuses, and says why to people and in the report', () => {
    const reason = '[board-limit] Our ethics board lets a job cost our patients ε = 2500 at most.';
    const { refused, sums } = json('protection.json') as Protection;
    expect(refused).toEqual([{ siteId: 'site-7', reason: expect.stringContaining(reason) }]);
    expect(sums.flatMap(({ sites }) => sites)).not.toContain('site-7');
    const warnings = lines.filter(({ type }) => type === 'warning').map(({ text }) => String(text));
    expect(warnings).toContainEqual(expect.stringContaining(`site-7 is left out of round 1 of federated: ${reason}`));
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('site-7 took no part: [board-limit]');
  });

  it('has noise that the hospitals share in their sum, in their books with whom they rely on', () => {
    const { epsilonAsked, spent } = json('protection.json') as Protection;
    expect(epsilonAsked).toBeGreaterThan(4990);
    expect(epsilonAsked).toBeLessThanOrEqual(5000);
    expect(spent.map(({ siteId }) => siteId)).toEqual(['site-1', 'site-2', 'site-3', 'site-4', 'site-5', 'site-6']);
    for (const { epsilon, othersTrusted } of spent) {
      expect(epsilon).toBeCloseTo(epsilonAsked, 6);
      expect(othersTrusted).toBe(3);
    }
  });

  it('proves its audit logs, held against the heads that others keep', () => {
    const { audit } = json('protection.json') as Protection;
    expect(audit.map(({ of }) => of)).toEqual([
      'coordinator',
      ...[1, 2, 3, 4, 5, 6, 7].map((number) => `site-${number}`),
    ]);
    for (const { of, headsElsewhere, problems, proved } of audit) {
      expect(problems, of).toEqual([]);
      expect(headsElsewhere, of).toBeGreaterThanOrEqual(of === 'coordinator' ? 7 : 1);
      expect(proved, of).toBeGreaterThan(0);
    }
    using reader = AuditReader.open(join(out, 'sites/site-7/audit'));
    const decided = reader.entries({ action: 'policy.decided', last: 10 });
    expect(decided).toMatchObject([{ outcome: 'refused', code: 'site.policy-refused' }]);
    using kept = AuditReader.open(join(out, 'sites/site-1/audit'));
    expect(kept.entries({ action: 'privacy.spent', last: 10 })).toHaveLength(2);
  });

  it('says so, and ends otherwise, where a sum or a log is not what it should be', () => {
    const protection = json('protection.json') as Protection;
    expect(isSound(protection)).toBe(true);
    const wrongSum = { ...protection, sums: [{ round: 1, sites: [], isPlainSum: false }] };
    expect(isSound(wrongSum)).toBe(false);
    expect(protectionText(wrongSum)).toContain('NOT THE PLAIN SUM: round 1.');
    const [first, ...others] = protection.audit;
    const wrongLog = { ...protection, audit: [{ ...first!, problems: ['audit.entry-altered 3'] }, ...others] };
    expect(isSound(wrongLog)).toBe(false);
    expect(protectionText(wrongLog)).toContain('AUDIT LOG of coordinator: audit.entry-altered 3.');
    expect(isSound(null)).toBe(false);
  });

  it('is asked for by name: its options alone are refused', async () => {
    const args = ['rehearse', '--data', join(root, 'data'), '--out', join(root, 'none'), '--clip-norm', '3'];
    const { code, stderr } = await new CommandProcess(args, { cwd: root }).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('--clip-norm is for --private')]);
  });
});
