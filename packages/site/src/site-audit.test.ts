/** What a site writes down, and that it does nothing for others that it cannot write down. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, AuditReader, verifyAudit } from '@consilium/audit';
import type { Clock } from '@consilium/federation';
import type { Contribution, Task } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { approvalRecorded, recordedAtSite, SiteAudit } from './site-audit.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const task = { jobId: 'job-1', taskId: 'job-1/1/train/site-1', kind: 'train', attempt: 1 } as unknown as Task;
const clock: Clock = {
  nowMs: () => 0,
  sleep: (_ms, signal) => new Promise((done) => signal.addEventListener('abort', () => done(), { once: true })),
};

async function open(directory: string, lines: string[], archives: readonly string[] = []) {
  const send = async () => ({});
  const { signal } = new AbortController();
  const log = { write: (event: string) => void lines.push(event) };
  return SiteAudit.open({ directory, siteId: 'site-1', clock, log, send, archives, signal });
}
function entries(directory: string) {
  using reader = AuditReader.open(join(directory, 'audit'));
  return reader.entries({ last: 100 });
}

const spending = { actor: { kind: 'service', id: 'worker' }, action: 'privacy.spent', subjects: [] } as const;

describe('the audit log of a site', () => {
  it('has each task as it begins, ends, is delivered, or is not allowed', async () => {
    using directory = new ToyDirectory();
    const lines: string[] = [];
    const audit = await open(directory.path, lines);
    await audit.begin(task);
    const contribution = { kind: 'train' } as Contribution;
    audit.onEvent({ kind: 'task-finished', task, outcome: { kind: 'contribution', contribution } });
    audit.onEvent({ kind: 'delivered', task, verdict: { kind: 'accepted' } });
    const failure = { code: 'site.policy-refused', message: 'The policy of Dr Example says no.', lasting: true };
    audit.onEvent({ kind: 'task-finished', task, outcome: { kind: 'failure', failure } });
    audit.onEvent({ kind: 'connected' });
    await audit.exchange();
    await audit[Symbol.asyncDispose]();
    expect(
      entries(directory.path).map(({ action, code, outcome }) => [action, outcome, ...(code ? [code] : [])]),
    ).toEqual([
      ['log.begun', 'done'],
      ['service.started', 'done'],
      ['policy.changed', 'done'],
      ['task.begun', 'allowed'],
      ['task.ended', 'done'],
      ['contribution.delivered', 'done'],
      ['policy.decided', 'refused', 'site.policy-refused'],
      ['service.stopped', 'done'],
    ]);
    expect(JSON.stringify(entries(directory.path))).not.toContain('Example');
    expect(lines).toEqual(['checkpoint failed', 'checkpoint failed']); // an answer that is none
    expect(verifyAudit(join(directory.path, 'audit')).problems).toEqual([]);
  });

  it('keeps the head of each archive that the site reads, and finds out when one was begun anew', async () => {
    using directory = new ToyDirectory();
    const service = { kind: 'service', id: 'archive' } as const;
    const archive = join(directory.path, 'archive');
    const write = async () => {
      using log = await AuditLog.open(join(archive, 'audit'), { nowMs: () => 1_700_000_000_000, service });
      await log.record({ actor: service, action: 'service.started', subjects: [], outcome: 'done' });
    };
    const lines: string[] = [];
    const audit = await open(directory.path, lines, [archive, join(directory.path, 'none')]);
    for (let time = 0; time < 2; time++) {
      await write();
      await audit.exchange();
    }
    expect(audit.alarms).toBe(0);
    rmSync(archive, { recursive: true });
    await write();
    await audit.exchange();
    expect(audit.alarms).toBe(1);
    await audit[Symbol.asyncDispose]();
    const { problems, witnessed } = verifyAudit(join(directory.path, 'audit'));
    expect(witnessed).toMatchObject([{ origin: 'archive-1', size: 3 }]);
    expect(problems).toEqual([{ code: 'audit.key-changed', where: expect.stringContaining('archive-1') }]);
    expect(lines).toContain('audit alarm');
  });

  it('has when settings or policies are others than at the last start, by their digest', async () => {
    using directory = new ToyDirectory();
    const start = async () => (await open(directory.path, []))[Symbol.asyncDispose]();
    for (const text of ['a: 1', 'a: 1', 'a: 2']) {
      directory.file('site.yaml', text);
      await start();
    }
    directory.file('policy/ours.cedar', 'forbid (principal, action, resource);');
    await start();
    await start();
    const changes = entries(directory.path).filter(({ action }) => action === 'policy.changed');
    expect(changes).toHaveLength(3);
    expect(new Set(changes.map(({ subjects }) => subjects[0]!.id)).size).toBe(3);
  });

  it('has who approved which job, by name where that is plain', async () => {
    using directory = new ToyDirectory();
    const said = { digest: 'ab'.repeat(32), job: 'kidney-1', state: 'approved' } as const;
    expect(await approvalRecorded(directory.path, { ...said, by: 'berger' }, async () => 'approved')).toBe('approved');
    await approvalRecorded(directory.path, { ...said, by: 'Dr. Berger', state: 'refused' }, async () => {});
    expect(entries(directory.path).slice(1)).toMatchObject([
      {
        action: 'approval.given',
        actor: { kind: 'person', id: 'berger' },
        subjects: [{ id: 'kidney-1' }, { id: said.digest }],
      },
      { action: 'approval.refused', actor: { kind: 'person', id: expect.stringMatching(/^sha256:/) } },
    ]);
  });

  it('lets no task begin, and no privacy be spent, that is not in it', async () => {
    using directory = new ToyDirectory();
    const audit = await open(directory.path, []);
    await recordedAtSite(directory.path, spending, () => {});
    directory.file('audit/key.pem', 'no key');
    const spent: string[] = [];
    const refused = recordedAtSite(directory.path, spending, () => spent.push('once'));
    await expect(refused).rejects.toMatchObject({ code: 'site.not-recorded' });
    expect(spent).toEqual([]);
    await audit[Symbol.asyncDispose]();
    await expect(audit.begin(task)).rejects.toMatchObject({ code: 'site.not-recorded' });
  });
});
