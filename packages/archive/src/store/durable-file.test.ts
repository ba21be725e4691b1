import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ContentDirectory, sha256Of } from './content-directory.ts';
import { makeDirectory, writeDurably } from './durable-file.ts';
import { storageError } from './storage-error.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-durable-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a file that cannot be written', () => {
  it.skipIf(!existsSync('/dev/full'))('because the disk is full gives an error that says so', () => {
    const full = openSync('/dev/full', 'w');
    try {
      writeSync(full, 'x');
      expect.unreachable();
    } catch (error) {
      expect(storageError(error, '/secret/path')).toMatchObject({
        code: 'archive.disk-full',
        message: expect.not.stringContaining('secret'),
        detail: expect.stringContaining('/secret/path'),
      });
    } finally {
      closeSync(full);
    }
  });

  it('because its place is taken gives an error, and leaves no draft', async () => {
    const path = join(root, 'taken');
    mkdirSync(path);
    await expect(writeDurably(path, 'content')).rejects.toMatchObject({ code: 'archive.not-writable' });
    await expect(makeDirectory(join(root, 'file/in'))).resolves.toBeUndefined();
    expect(readdirSync(root).sort()).toEqual(['file', 'taken']);
  });
});

describe('a directory of content', () => {
  it('flushes few or many files, also where some were removed meanwhile', async () => {
    const directory = await ContentDirectory.open(join(root, 'unflushed'));
    const names = Array.from({ length: 70 }, (_, at) => {
      const bytes = Buffer.from(`content ${at}`);
      directory.putUnflushed(bytes, sha256Of(bytes));
      return sha256Of(bytes);
    });
    await directory.remove(names[3]!);
    await directory.flush(new Set(names.slice(0, 5)));
    await directory.flush(new Set(names));
    expect(Buffer.from(await directory.get(names[69]!)).toString()).toBe('content 69');
  });

  it('forgets after a crash what nobody knows, and drafts', async () => {
    const directory = await ContentDirectory.open(join(root, 'content'));
    const [kept, orphan] = [await directory.put(Buffer.from('kept')), await directory.put(Buffer.from('orphan'))];
    await writeDurably(`${directory.pathOf(kept)}.1.draft`, 'half');
    expect(await directory.sweep((sha256) => sha256 === kept)).toBe(2);
    expect(Buffer.from(await directory.get(kept)).toString()).toBe('kept');
    await expect(directory.get(orphan)).rejects.toMatchObject({ code: 'archive.instance-damaged' });
  });
});
