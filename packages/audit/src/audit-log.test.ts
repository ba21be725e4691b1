import { fork } from 'node:child_process';
import { chmodSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditActions } from './audit-action.ts';
import { type AuditEvent, auditSubject, digestOf } from './audit-entry.ts';
import { AuditLog } from './audit-log.ts';
import { AuditReader, verifyExport, verifyProof } from './audit-reader.ts';
import { verifyAudit } from './verification.ts';

const service = { kind: 'service', id: 'coordinator' } as const;
const options = { nowMs: () => 1_700_000_000_000, service };
const event = (id: string): AuditEvent => ({
  ...{ actor: { kind: 'member', id: 'berta' }, action: 'job.submitted', outcome: 'allowed' },
  subjects: [{ kind: 'job', id }],
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'consilium-audit-'));
});
afterEach(() => rmSync(root, { recursive: true }));

async function logOf(name: string, entries: number): Promise<string> {
  const directory = join(root, name);
  using log = await AuditLog.open(directory, options);
  for (let index = 0; index < entries; index++) await log.record(event(`job-${index}`));
  return directory;
}

/** A change that the triggers would refuse, as of somebody with the file. */
function change(directory: string, sql: string, ...values: (string | number | Uint8Array)[]): void {
  const database = new DatabaseSync(join(directory, 'log.sqlite'));
  for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()) {
    database.exec(`DROP TRIGGER ${String(name)}`);
  }
  database.prepare(sql).run(...values);
  database.close();
}
const codes = (directory: string) => [...new Set(verifyAudit(directory).problems.map(({ code }) => code))];

describe('a log', () => {
  it('numbers what is recorded, also what comes at once, and can be checked while it is written', async () => {
    const directory = join(root, 'log');
    using log = await AuditLog.open(directory, options);
    expect(await Promise.all(['a', 'b', 'c'].map((id) => log.record(event(id))))).toEqual([1, 2, 3]);
    const report = verifyAudit(directory);
    expect(report).toMatchObject({ entries: 4, problems: [], head: log.head });
    expect(log.head.size).toBe(4);
    using reader = AuditReader.open(directory);
    expect(reader.entries({ last: 2 })).toMatchObject([
      { number: 2, action: 'job.submitted', subjects: [{ kind: 'job', id: 'b' }] },
      { number: 3, actor: { kind: 'member', id: 'berta' }, outcome: 'allowed' },
    ]);
    expect(reader.entries({ last: 9, action: 'log.begun' })).toHaveLength(1);
    expect(reader.entries({ last: 9, about: 'a' })).toMatchObject([{ number: 1 }]);
  });

  it('is one log for two processes that write to it at the same time', async () => {
    const directory = join(root, 'log');
    using one = await AuditLog.open(directory, options);
    using other = await AuditLog.open(directory, options);
    const numbers = await Promise.all(Array.from({ length: 20 }, (_, n) => [one, other][n % 2]!.record(event(`${n}`))));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(verifyAudit(directory)).toMatchObject({ entries: 21, problems: [] });
  });

  it('takes nothing that is not of its catalogue, and no text that could be anything', async () => {
    using log = await AuditLog.open(join(root, 'log'), options);
    expect(() => log.record({ ...event('a'), action: 'job.dreamt' as never })).toThrow();
    expect(() => log.record(event('Müller, Erika'))).toThrow();
    expect(() => log.record({ ...event('a'), reason: 'x'.repeat(301) })).toThrow();
    expect(auditSubject('cohort', 'Müller').id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(auditSubject('cohort', 'arterial-2').id).toBe('arterial-2');
    expect(digestOf('dull').id).toMatch(/^sha256:/);
    using other = await AuditLog.open(join(root, 'other'), options);
    expect(log.keyedDigest('Anna')).toEqual(log.keyedDigest('Anna'));
    expect(log.keyedDigest('Anna')).not.toEqual(other.keyedDigest('Anna'));
  });

  it('has a code for what keeps it from being opened or written', async () => {
    const directory = await logOf('log', 1);
    chmodSync(join(directory, 'key.pem'), 0o644);
    await expect(AuditLog.open(directory, options)).rejects.toMatchObject({ code: 'audit.key-exposed' });
    rmSync(join(directory, 'key.pem'));
    await expect(AuditLog.open(directory, options)).rejects.toMatchObject({ code: 'audit.key-missing' });
    expect(() => verifyAudit(join(root, 'nowhere'))).toThrow(expect.objectContaining({ code: 'audit.no-log' }));
    const other = await logOf('other', 1);
    writeFileSync(join(other, 'log.sqlite'), 'x'.repeat(8192));
    await expect(AuditLog.open(other, options)).rejects.toMatchObject({ code: 'audit.log-damaged' });
    const log = await AuditLog.open(await logOf('closed', 1), options);
    log.database.exec('PRAGMA query_only = 1');
    await expect(log.record(event('a'))).rejects.toMatchObject({ code: 'audit.not-recorded' });
    log[Symbol.dispose]();
  });

  it('says in docs/audit.md what each action means', () => {
    const page = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| `([a-z.-]+)` \| (.+) \|$/gm)].map(([, action, text]) => [action, text]);
    expect(Object.fromEntries(documented)).toEqual(auditActions);
  });
});

describe('a crash', () => {
  it('by kill -9 loses nothing that was said to be recorded', async () => {
    const directory = join(root, 'log');
    let said = '';
    for (let life = 0; life < 3; life++) {
      const writer = fork(new URL('./log-writer.fixture.ts', import.meta.url), [directory], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      });
      writer.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.split('\n').length > 120 * (life + 1)) writer.kill('SIGKILL');
      });
      await new Promise((done) => writer.once('close', done));
    }
    const last = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
    const { entries, problems } = verifyAudit(directory);
    expect(problems).toEqual([]);
    expect(last).toBeGreaterThan(300);
    expect(entries).toBeGreaterThan(last);
  });

  it('that tears the end off the file leaves a log that is whole up to there, and goes on', async () => {
    const directory = join(root, 'log');
    using log = await AuditLog.open(directory, options);
    for (let index = 0; index < 6; index++) await log.record(event(`job-${index}`));
    const wal = readFileSync(join(directory, 'log.sqlite-wal')).length;
    const seen = new Set<number>();
    for (let cut = 0; cut <= wal; cut += 2503) {
      const torn = join(root, `torn-${cut}`);
      cpSync(directory, torn, { recursive: true });
      rmSync(join(torn, 'log.sqlite-shm'), { force: true });
      truncateSync(join(torn, 'log.sqlite-wal'), wal - cut);
      using again = await AuditLog.open(torn, options).catch(() => null);
      if (again === null) break; // not even its beginning is there: another key than the log's
      await again.record(event('after'));
      const { entries, problems } = verifyAudit(torn);
      expect(problems).toEqual([]);
      seen.add(entries);
    }
    expect([...seen]).toEqual(expect.arrayContaining([8, 7, 6, 5]));
  }, 20_000);
});

describe('whoever changes', () => {
  it('any byte of an entry, of the tree or of a head is found out', async () => {
    const directory = await logOf('log', 3);
    const tables = { entry: ['line', 'leaf'], node: ['hash'], head: ['root', 'time', 'signature'] };
    const where = { entry: 'number = 2', node: 'level = 1 AND place = 0', head: 'size = 3' };
    const database = new DatabaseSync(join(directory, 'log.sqlite'));
    const { name } = database
      .prepare("SELECT group_concat(name, ' ') AS name FROM sqlite_master WHERE type = 'trigger'")
      .get()!;
    for (const trigger of String(name).split(' ')) database.exec(`DROP TRIGGER ${trigger}`);
    database.exec('PRAGMA synchronous = OFF');
    let tried = 0;
    for (const [table, columns] of Object.entries(tables)) {
      for (const column of columns) {
        const place = where[table as keyof typeof where];
        const value = database.prepare(`SELECT ${column} AS v FROM ${table} WHERE ${place}`).get()!['v']!;
        const set = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${place}`);
        const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array);
        for (let at = 0; at < bytes.length; at++) {
          const altered = Buffer.from(bytes);
          altered[at]! ^= 1;
          set.run(typeof value === 'string' ? altered.toString('latin1') : altered);
          expect(codes(directory), `${table}.${column}, byte ${at}`).not.toEqual([]);
          tried += 1;
        }
        set.run(value);
      }
    }
    database.close();
    expect(codes(directory)).toEqual([]);
    expect(tried).toBeGreaterThan(400);
  });

  it('any byte of the file is found out, unless it stands for nothing', async () => {
    const directory = await logOf('log', 2);
    const path = join(directory, 'log.sqlite');
    const bytes = readFileSync(path);
    expect(globSync('*-wal', { cwd: directory })).toEqual([]);
    const before = JSON.stringify(verifyAudit(directory));
    using reader = AuditReader.open(directory);
    const entries = JSON.stringify(reader.entries({ last: 9 }));
    const outcomes = { found: 0, same: 0 };
    const line = bytes.indexOf('"job-1"'); // some of each kind of page, and all of one entry
    const sampled = Array.from({ length: 120 }, (_, n) => Math.floor((n * bytes.length) / 120));
    for (const at of [...sampled, ...Array.from({ length: 40 }, (_, n) => line + n)]) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 0x11;
      writeFileSync(path, altered);
      try {
        const report = verifyAudit(directory);
        if (report.problems.length > 0) outcomes.found += 1;
        else {
          using altered = AuditReader.open(directory);
          expect([JSON.stringify(report), JSON.stringify(altered.entries({ last: 9 }))]).toEqual([before, entries]);
          outcomes.same += 1;
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'audit.log-damaged' });
        outcomes.found += 1;
      }
    }
    expect(outcomes.found).toBeGreaterThan(40);
  }, 20_000);

  it('the number of entries is found out', async () => {
    const directory = await logOf('log', 4);
    change(directory, 'DELETE FROM entry WHERE number = 2');
    expect(codes(directory)).toContain('audit.entry-altered');
    const cut = await logOf('cut', 4);
    change(cut, 'DELETE FROM entry WHERE number = 4');
    expect(codes(cut)).toEqual(expect.arrayContaining(['audit.history-shortened']));
    const unsigned = await logOf('unsigned', 4);
    change(unsigned, 'DELETE FROM head WHERE size = 5');
    expect(codes(unsigned)).toEqual(['audit.entries-unsigned']);
  });

  it('a table by mistake is stopped', async () => {
    using log = await AuditLog.open(join(root, 'log'), options);
    for (const sql of ["UPDATE entry SET line = ''", 'DELETE FROM entry', 'DELETE FROM node', 'DELETE FROM head']) {
      await log.record(event('a'));
      await log.record(event('b'));
      expect(() => log.database.exec(sql)).toThrow('append only');
    }
  });
});

describe('a proof of an entry', () => {
  it('holds with nothing but the public key, and for no other entry or key', async () => {
    const directory = await logOf('log', 20);
    const key = readFileSync(join(directory, 'public.pem'), 'utf8');
    using reader = AuditReader.open(directory);
    for (const number of [0, 7, 20]) {
      const proof = reader.prove(number);
      expect(verifyProof(JSON.stringify(proof), key)).toMatchObject({ isProved: true, entry: { number } });
      const forged = { ...proof, entry: proof.entry.replace('"service"', '"person"').replace('job-', 'jab-') };
      expect(verifyProof(JSON.stringify(forged), key).isProved).toBe(false);
    }
    const other = readFileSync(join(await logOf('other', 1), 'public.pem'), 'utf8');
    expect(verifyProof(JSON.stringify(reader.prove(3)), other).isProved).toBe(false);
    expect(() => reader.prove(21)).toThrow(expect.objectContaining({ code: 'audit.entry-unknown' }));
    expect(() => verifyProof('{}', key)).toThrow(expect.objectContaining({ code: 'audit.proof-malformed' }));
  });
});

describe('an export', () => {
  it('is checked like the log: a change of any byte is found', async () => {
    const directory = await logOf('log', 2);
    const out = join(root, 'out');
    using reader = AuditReader.open(directory);
    expect(reader.exportTo(out).entries).toBe(3);
    const key = readFileSync(join(out, 'public.pem'), 'utf8');
    expect(await verifyExport(out, key)).toEqual({ isWhole: true, entries: 3 });
    const path = join(out, 'entries.jsonl');
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 1;
      writeFileSync(path, altered);
      expect((await verifyExport(out, key)).isWhole, `byte ${at}`).toBe(false);
    }
    expect(() => reader.exportTo(out)).toThrow(expect.objectContaining({ code: 'audit.export-taken' }));
    rmSync(join(out, 'head.json'));
    await expect(verifyExport(out, key)).rejects.toMatchObject({ code: 'audit.proof-malformed' });
  });
});
