import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { CommitGroup } from './commit-group.ts';

function freshDatabase(): { database: DatabaseSync; transactions: string[] } {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE thing (name TEXT NOT NULL UNIQUE) STRICT');
  const transactions: string[] = [];
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    if (sql === 'COMMIT') transactions.push(sql);
    exec(sql);
  };
  return { database, transactions };
}

describe('changes made at the same time', () => {
  it('share one transaction', async () => {
    const { database, transactions } = freshDatabase();
    const group = new CommitGroup(database, 'here');
    const insert = database.prepare('INSERT INTO thing VALUES (?)');
    await Promise.all(Array.from({ length: 300 }, (_, at) => group.run(() => insert.run(`thing ${at}`))));
    expect(transactions).toHaveLength(1);
    expect(database.prepare('SELECT count(*) AS things FROM thing').get()).toEqual({ things: 300 });
  });

  it('do not suffer from one of them that fails', async () => {
    const { database } = freshDatabase();
    const group = new CommitGroup(database, 'here');
    const insert = database.prepare('INSERT INTO thing VALUES (?)');
    const failing = group.run(() => {
      insert.run('undone');
      throw new RangeError('mine');
    });
    const settled = await Promise.allSettled([
      group.run(() => insert.run('one')),
      failing,
      group.run(() => insert.run('two')),
    ]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { message: 'mine' } });
    expect(
      database
        .prepare('SELECT name FROM thing ORDER BY name')
        .all()
        .map(({ name }) => name),
    ).toEqual(['one', 'two']);
  });

  it('are all told when the disk is full, and none of them is kept', async () => {
    const { database } = freshDatabase();
    const pages = Number(database.prepare('PRAGMA page_count').get()!['page_count']);
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const group = new CommitGroup(database, 'here');
    const insert = database.prepare('INSERT INTO thing VALUES (?)');
    const full = Array.from({ length: 4 }, (_, at) => group.run(() => insert.run(`${at}`.repeat(9000))));
    for (const settled of await Promise.allSettled(full)) {
      expect(settled).toMatchObject({ status: 'rejected', reason: { code: 'archive.disk-full' } });
    }
    expect(database.prepare('SELECT count(*) AS things FROM thing').get()).toEqual({ things: 0 });
    await group.run(() => insert.run('small'));
    expect(database.prepare('SELECT count(*) AS things FROM thing').get()).toEqual({ things: 1 });
  });
});
