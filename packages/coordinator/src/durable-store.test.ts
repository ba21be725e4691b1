import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

testStore('the directory of a coordinator', () => {
  const store = openStore(freshDirectory());
  return { store, close: () => store[Symbol.dispose]() };
});

describe('the directory of a coordinator', () => {
  it('holds everything after it is closed and opened again', async () => {
    const directory = freshDirectory();
    {
      using store = openStore(directory);
      await store.record(jobId, 'key', [1]);
      await store.putBlob(bytes);
    }
    using store = openStore(directory);
    expect((await store.recall(jobId)).get('key')).toEqual([1]);
    expect([...(await store.getBlob(abc as never))]).toEqual([...bytes]);
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
      using store = openStore(directory);
      const entries = await store.recall(jobId);
      expect(entries.size).toBeGreaterThanOrEqual(acknowledged);
      for (const value of entries.values()) await store.getBlob(String(value) as never);
      known = entries.size;
    }
    expect(known).toBeGreaterThan(200);
  });

  it('is refused to a second process, by a message that says so', async () => {
    const directory = freshDirectory();
    using store = openStore(directory);
    await store.record(jobId, 'key', 1);
    expect(() => openStore(directory)).toThrow(expect.objectContaining({ code: 'coordinator.store-in-use' }));
  });

  it('that is damaged is refused', () => {
    const directory = freshDirectory();
    openStore(directory)[Symbol.dispose]();
    writeFileSync(join(directory, 'ledger.sqlite'), Buffer.alloc(5000, 7));
    expect(() => openStore(directory)).toThrow(expect.objectContaining({ code: 'coordinator.store-damaged' }));
  });

  it('that cannot be made is refused', () => {
    expect(() => openStore('/dev/null/store')).toThrow();
    writeFileSync(join(root, 'file'), '');
    expect(() => openStore(join(root, 'file', 'store'))).toThrow(
      expect.objectContaining({ code: 'coordinator.store-not-writable' }),
    );
  });

  it('does not give out a blob whose file was damaged', async () => {
    const directory = freshDirectory();
    using store = openStore(directory);
    await store.putBlob(bytes);
    writeFileSync(join(directory, 'blobs/ba', abc), 'abd');
    await expect(store.getBlob(abc as never)).rejects.toMatchObject({ code: 'coordinator.blob-damaged' });
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full, and leaves no half blob', async () => {
    const directory = freshDirectory();
    using store = openStore(directory);
    await mkdir(join(directory, 'blobs/ba'));
    symlinkSync('/dev/full', join(directory, 'blobs/ba', `${abc}.draft`));
    await expect(store.putBlob(bytes)).rejects.toMatchObject({
      code: 'coordinator.disk-full',
      message: expect.stringContaining('free some space'),
    });
    expect(readdirSync(join(directory, 'blobs/ba'))).toEqual([`${abc}.draft`]);
    expect(await store.hasBlob(abc as never)).toBe(false);
  });
});
