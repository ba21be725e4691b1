import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { blobIdOf, chunkIdOf, getBlob, putBlob } from '@consilium/federation';
import { testStore } from '@consilium/federation/conformance';
import type { JobId } from '@consilium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from './durable-store.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-store-'));
let count = 0;
const freshDirectory = (): string => join(root, String(++count));
afterAll(() => rmSync(root, { recursive: true }));

const jobId = 'job' as JobId;
const bytes = new TextEncoder().encode('abc');
const abc = blobIdOf({ bytes: 3, chunks: [chunkIdOf(bytes)] });

testStore('the directory of a coordinator', async () => {
  const store = await openStore(freshDirectory());
  return { store, close: () => store[Symbol.dispose]() };
});

describe('the directory of a coordinator', () => {
  it('holds everything after it is closed and opened again', async () => {
    const directory = freshDirectory();
    {
      using store = await openStore(directory);
      await store.record(jobId, 'key', [1]);
      await putBlob(store, bytes);
    }
    using store = await openStore(directory);
    expect((await store.recall(jobId)).get('key')).toEqual([1]);
    expect([...(await getBlob(store, abc as never))]).toEqual([...bytes]);
  });

  it('loses nothing acknowledged when the process is killed, over and over', async () => {
    const directory = freshDirectory();
    let known = 0;
    for (let life = 0; life < 8; life++) {
      const writer = fork(new URL('./ledger-writer.fixture.ts', import.meta.url), [directory], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      let acknowledged = known;
      const enough = known + 5 + 7 * life;
      await new Promise<void>((resolve, reject) => {
        writer.once('error', reject);
        writer.once('exit', () => resolve());
        writer.on('message', (entry) => {
          acknowledged = Number(entry);
          if (acknowledged >= enough) writer.kill('SIGKILL');
        });
      });
      using store = await openStore(directory);
      const entries = await store.recall(jobId);
      expect(entries.size).toBeGreaterThanOrEqual(acknowledged);
      for (const value of entries.values()) await getBlob(store, String(value) as never);
      known = entries.size;
    }
    expect(known).toBeGreaterThan(200);
  });

  it('is refused to a second process, by a message that says so', async () => {
    const directory = freshDirectory();
    using store = await openStore(directory);
    await store.record(jobId, 'key', 1);
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'transport.directory-in-use' });
  });

  it('whose ledger is locked by some other program is refused', async () => {
    const directory = freshDirectory();
    (await openStore(directory))[Symbol.dispose]();
    const other = new DatabaseSync(join(directory, 'ledger.sqlite'));
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'coordinator.store-in-use' });
    other.close();
    using _ = await openStore(directory);
  });

  it('that is damaged is refused', async () => {
    const directory = freshDirectory();
    (await openStore(directory))[Symbol.dispose]();
    writeFileSync(join(directory, 'ledger.sqlite'), Buffer.alloc(5000, 7));
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'coordinator.store-damaged' });
  });

  it('that cannot be made is refused', async () => {
    await expect(openStore('/dev/null/store')).rejects.toThrow();
    writeFileSync(join(root, 'file'), '');
    await expect(openStore(join(root, 'file', 'store'))).rejects.toMatchObject({ code: 'transport.not-writable' });
  });
});
