import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inMemory } from '@consilium/imaging';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { newDirectory, openTree } from './disk-tree.ts';
import { readOrCreateKey } from './publication-key.ts';

const root = await mkdtemp(join(tmpdir(), 'consilium-publication-'));
afterAll(() => rm(root, { recursive: true }));
const source = async (path: string) => inMemory(new Uint8Array(await readFile(path)));

describe('a tree of files', () => {
  it('is the same from a folder and from a zip, without hidden files', async () => {
    const folder = join(root, 'folder');
    await mkdir(join(folder, 'a'), { recursive: true });
    await writeFile(join(folder, 'a', 'one'), 'x');
    await writeFile(join(folder, '.hidden'), 'x');
    const zip = join(root, 'files.zip');
    await writeFile(zip, zipSync({ 'a/one': Buffer.from('x'), '.hidden': Buffer.from('x') }));
    for (const path of [folder, zip]) {
      const tree = await openTree(path, source);
      expect([...tree.keys()]).toEqual(['a/one']);
      expect(Buffer.from(await tree.get('a/one')!.read()).toString()).toBe('x');
    }
    expect([...(await openTree(folder, source, { levels: 1 })).keys()]).toEqual([]);
  });

  it('is refused where there is nothing', async () => {
    await expect(openTree(join(root, 'nowhere'), source)).rejects.toMatchObject({
      code: 'publication.path-unreadable',
    });
  });

  it('is refused of a zip that is damaged, or says that it holds more than it can', async () => {
    const zip = zipSync({ 'a/one': Buffer.alloc(1000) });
    const bomb = zip.slice();
    const entry = Buffer.from(bomb.buffer).indexOf('PK\u0001\u0002', 0, 'latin1');
    new DataView(bomb.buffer).setUint32(entry + 24, 0x7fff_ffff, true);
    for (const [name, bytes] of [
      ['bomb.zip', bomb],
      ['cut.zip', zip.slice(0, 40)],
    ] as const) {
      await writeFile(join(root, name), bytes);
      await expect(openTree(join(root, name), source), name).rejects.toMatchObject({
        code: 'publication.zip-unusable',
      });
    }
  });

  it('is written only where nothing is', async () => {
    const sink = await newDirectory(join(root, 'new'));
    await sink.write('deep/er/file', Buffer.from('x'));
    expect(await readdir(join(root, 'new/deep/er'))).toEqual(['file']);
    await expect(newDirectory(join(root, 'new'))).rejects.toMatchObject({ code: 'publication.place-taken' });
  });
});

describe('the key that signs', () => {
  it('is made once, for its owner alone', async () => {
    const made = await readOrCreateKey(join(root, 'key'));
    const again = await readOrCreateKey(join(root, 'key'));
    expect([made.isNew, again.isNew]).toEqual([true, false]);
    expect(again.key.equals(made.key)).toBe(true);
    expect((await stat(join(root, 'key', 'key.pem'))).mode & 0o777).toBe(0o600);
  });

  it('is refused where others may read it', async () => {
    await readOrCreateKey(join(root, 'open'));
    await chmod(join(root, 'open', 'key.pem'), 0o644);
    await expect(readOrCreateKey(join(root, 'open'))).rejects.toMatchObject({ code: 'publication.key-exposed' });
  });

  it('is refused where it is none', async () => {
    await mkdir(join(root, 'other'));
    await writeFile(join(root, 'other', 'key.pem'), 'nonsense', { mode: 0o600 });
    await expect(readOrCreateKey(join(root, 'other'))).rejects.toMatchObject({ code: 'publication.key-unusable' });
  });
});
