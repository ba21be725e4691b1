import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DirectoryLock } from './directory-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

async function holderOf(directory: string): Promise<ChildProcess> {
  const holder = fork(new URL('./lock-holder.fixture.ts', import.meta.url), [directory], {
    execArgv: ['--conditions=consilium-source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(holder, 'message');
  return holder;
}

describe('a directory that was taken', () => {
  it('is refused to another process until the first has ended, also when that was killed', async () => {
    const directory = join(root, 'killed');
    for (let life = 0; life < 2; life++) {
      const holder = await holderOf(directory);
      await expect(DirectoryLock.take(directory)).rejects.toMatchObject({ code: 'transport.directory-in-use' });
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      (await DirectoryLock.take(directory))[Symbol.dispose]();
    }
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('is refused within the same process too, and to be had again when it was let go', async () => {
    const directory = join(root, 'twice');
    {
      using _ = await DirectoryLock.take(directory);
      await expect(DirectoryLock.take(directory)).rejects.toMatchObject({ code: 'transport.directory-in-use' });
    }
    using _ = await DirectoryLock.take(directory);
  });

  it('is nobody’s if it cannot be made', async () => {
    await expect(DirectoryLock.take('/dev/null/directory')).rejects.toMatchObject({ code: 'transport.not-writable' });
  });
});
