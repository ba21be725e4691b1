import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { deidentify } from '@consilium/imaging';
import { afterAll, describe, expect, it } from 'vitest';
import { toySeries } from '../toy-archive.fixture.ts';
import { Preparer } from './preparation.ts';
import { PreparingThread } from './preparing-thread.ts';

const secret = new Uint8Array(32).fill(7);
const profile = {};
let here = 0;
const preparer = new Preparer({
  secret,
  deidentify: (bytes) => {
    here++;
    return deidentify(bytes, { secret, profile });
  },
});
const thread = new PreparingThread({ secret, profile, preparer, beginsAfter: 0 });
afterAll(() => thread.close());

const [file] = toySeries({ patient: 'P1' });

/** Prepared by the thread, once it has begun. */
async function preparedThere(bytes: Uint8Array) {
  for (;;) {
    const before = here;
    const preparation = await thread.prepare(bytes, 1);
    if (here === before) return preparation;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('files that come at the same time', () => {
  it('are prepared in another thread as they would be here, and stay readable', async () => {
    const before = Buffer.from(file!);
    for (const bytes of [file!, Buffer.from('no DICOM at all')]) {
      expect(await preparedThere(bytes)).toEqual(await preparer.prepare(bytes));
    }
    expect(Buffer.from(file!)).toEqual(before);
  });

  it('are prepared here beyond those that the thread can have at once, and when they come alone', async () => {
    await preparedThere(file!);
    const before = here;
    await Promise.all(Array.from({ length: 5 }, () => thread.prepare(file!, 4)));
    expect(here - before).toBe(2);
    await thread.prepare(file!, 0);
    expect(here - before).toBe(3);
  });

  it('are waited for by a process that has nothing else to do', async () => {
    const fixture = fileURLToPath(new URL('./preparing.fixture.ts', import.meta.url));
    const run = promisify(execFile)(process.execPath, ['--conditions=consilium-source', fixture]);
    expect((await run).stdout).toBe('prepared there\n');
  });

  it('are prepared here when the thread has ended', async () => {
    await preparedThere(file!);
    const before = here;
    const asked = Array.from({ length: 3 }, () => thread.prepare(file!, 4));
    await thread.close();
    for (const preparation of await Promise.all(asked)) expect(preparation.kind).toBe('prepared');
    await thread.prepare(file!, 4);
    expect(here).toBeGreaterThan(before);
  });
});
