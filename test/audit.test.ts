/** The audit logs of real services, asked by the commands of the guide: they agree until somebody rewrites one. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditLog, AuditReader, verifyAudit } from '@consilium/audit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServicesProject } from './services-project.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-audit-trail-'));
const project = new ServicesProject(root);

beforeAll(async () => {
  mkdirSync(join(root, 'data'));
  await project.initCoordinator();
  await project.startCoordinator();
  await project.joinAs('site-1', 'data');
  await project.startSite('site-1');
}, 120_000);
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

async function verified(...more: readonly string[]): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await project.run('audit', 'verify', ...more, '--json');
  return { code, report: JSON.parse(stdout) };
}
interface Report {
  readonly problems: readonly { readonly code: string; readonly where: string }[];
  readonly witnessed: readonly { readonly origin: string; readonly size: number }[];
  readonly compared: number;
}
function entries(directory: string, filter: { readonly action?: string; readonly about?: string }) {
  using reader = AuditReader.open(join(root, directory, 'audit'));
  return reader.entries({ last: 100, ...filter });
}

/** As whoever has the coordinator's disk and its key might: another past, rightly signed. */
async function rewritePast(): Promise<void> {
  const directory = join(root, 'coordinator/audit');
  const database = new DatabaseSync(join(directory, 'log.sqlite'));
  for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()) {
    database.exec(`DROP TRIGGER ${String(name)}`);
  }
  const { size } = database.prepare('SELECT max(size) AS size FROM head').get()!;
  database.exec('DELETE FROM entry WHERE number >= 3; DELETE FROM head WHERE size > 3');
  database.exec('DELETE FROM node WHERE (place + 1) * (1 << level) > 3');
  database.close();
  const service = { kind: 'coordinator', id: 'coordinator' } as const;
  using log = await AuditLog.open(directory, { nowMs: Date.now, service });
  for (let number = 3; number < Number(size) + 5; number++) {
    await log.record({ actor: service, action: 'job.submitted', subjects: [], outcome: 'done' });
  }
}

describe('a coordinator and a site', () => {
  it('write down who was let in, and show each other the heads of their logs', async () => {
    for (const one of ['coordinator', 'site-1']) {
      await expect
        .poll(() => entries(one, { action: 'checkpoint.stored' }).length, { timeout: 30_000 })
        .toBeGreaterThan(0);
    }
    const about = (await project.told('audit', 'show', '--directory', 'coordinator', '--about', 'site-1')).entries;
    const by = { kind: 'member', id: 'admin' };
    expect(about).toMatchObject([
      { action: 'invitation.made', actor: by },
      { action: 'member.asked', actor: { id: 'site-1' } },
      { action: 'member.admitted', actor: by, outcome: 'allowed' },
    ]);
    const { code, report } = await verified('--directory', 'site-1', '--against', 'coordinator');
    expect([code, report.problems, report.witnessed.length]).toEqual([0, [], 1]);
    expect(report.compared).toBeGreaterThan(0);
  }, 60_000);

  it('prove and export what can be checked elsewhere', async () => {
    const key = 'coordinator/audit/public.pem';
    await project.told('audit', 'prove', '--directory', 'coordinator', '--entry', '2', '--out', 'proof.json');
    expect((await verified('--proof', 'proof.json', '--key', key)).code).toBe(0);
    await project.told('audit', 'export', '--directory', 'site-1', '--out', 'exported');
    expect((await verified('--export', 'exported', '--key', 'site-1/audit/public.pem')).code).toBe(0);
  }, 60_000);

  it('find out when the coordinator’s past is rewritten, by the head that the site keeps', async () => {
    await project.running.get('coordinator')!.kill('SIGKILL');
    await rewritePast();
    expect(verifyAudit(join(root, 'coordinator/audit')).problems).toEqual([]); // by itself it looks well
    await project.startCoordinator();
    await expect
      .poll(() => readFileSync(join(root, 'site-1/log.jsonl'), 'utf8'), { timeout: 60_000 })
      .toMatch(/"event":"audit alarm","code":"audit\.history-rewritten","of":"coordinator"/);
    const { problems } = verifyAudit(join(root, 'site-1/audit'));
    expect(problems[0]).toMatchObject({ code: 'audit.history-rewritten' });
    const against = await verified('--directory', 'coordinator', '--against', 'site-1');
    expect([against.code, against.report.problems.map(({ code }) => code)]).toEqual([
      7,
      expect.arrayContaining(['audit.history-rewritten']),
    ]);
  }, 120_000);
});
