import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { OpenFiles } from './open-files.ts';

const textOf = async (file: FileHandle): Promise<string> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(100), 0, 100, 0);
  return buffer.toString('utf8', 0, bytesRead);
};

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function two() {
  const directory = mkdtempSync(join(tmpdir(), 'consilium-files-'));
  directories.push(directory);
  const [path, other] = [join(directory, 'one'), join(directory, 'other')];
  writeFileSync(path, 'one');
  writeFileSync(other, 'other');
  return { path, replace: () => renameSync(other, path) };
}

it('opens a file once for all who use it meanwhile and soon after', async () => {
  const { path } = two();
  const files = new OpenFiles();
  const used = await Promise.all([1, 2, 3].map(() => files.use(path, async (file) => file.fd)));
  used.push(await files.use(path, async (file) => file.fd));
  expect(new Set(used).size).toBe(1);
  await files.forget(path);
});

it('opens what is there anew once it is told to forget', async () => {
  const { path, replace } = two();
  const files = new OpenFiles();
  expect(await files.use(path, textOf)).toBe('one');
  replace();
  await files.forget(path);
  expect(await files.use(path, textOf)).toBe('other');
  await files.forget(path);
});

it('lets whoever uses a file end with the same, and closes it then', async () => {
  const { path, replace } = two();
  const files = new OpenFiles();
  const { promise: told, resolve } = Promise.withResolvers<void>();
  let held: FileHandle | undefined;
  const reading = files.use(path, async (file) => {
    held = file;
    await told;
    return textOf(file);
  });
  while (held === undefined) await sleep(1);
  replace();
  await files.forget(path);
  expect(held.fd).toBeGreaterThan(0);
  resolve();
  expect(await reading).toBe('one');
  expect(held.fd).toBe(-1);
});

it('closes a file that nobody uses any more, by itself', async () => {
  const { path } = two();
  const files = new OpenFiles();
  const handle = await files.use(path, async (file) => file);
  expect(handle.fd).toBeGreaterThan(0);
  while (handle.fd !== -1) await sleep(50);
});

it('says why a file cannot be opened, and tries again next time', async () => {
  const { path } = two();
  const files = new OpenFiles();
  const later = `${path}-later`;
  await expect(files.use(later, textOf)).rejects.toMatchObject({ code: 'ENOENT' });
  writeFileSync(later, 'later');
  expect(await files.use(later, textOf)).toBe('later');
  await files.forget(later);
});
