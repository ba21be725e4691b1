import { fork } from 'node:child_process';
import fsAtOnce, {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobIdOf, chunkIdOf, getBlob, putBlob } from '@consilium/federation';
import { testBlobStore } from '@consilium/federation/conformance';
import { type BlobId, type ChunkId, chunkBytes } from '@consilium/protocol';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ChunkDirectory } from './chunk-directory.ts';
import { SpareFiles } from './spare-files.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-chunks-'));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const freshDirectory = () => join(root, `${++directories}`);
const files = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
const text = (content: string) => new TextEncoder().encode(content);
const dayMs = 24 * 60 * 60 * 1000;
const inTwoDays = { nowMs: () => Date.now() + 2 * dayMs };
const pathOf = (directory: string, chunk: ChunkId) => join(directory, 'chunks', chunk.slice(0, 2), chunk);

testBlobStore('a chunk directory', async () => ({
  store: await ChunkDirectory.open(freshDirectory()),
  close: () => {},
}));

describe('a chunk directory', () => {
  it('gives back what was put, under the SHA-256 of the bytes, also after it is opened again', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory);
    expect(await store.putChunk(text('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const bytes = new Uint8Array(chunkBytes + 5).map((_, index) => index % 251);
    const blob = await putBlob(store, bytes);
    const again = await ChunkDirectory.open(directory);
    for (const opened of [store, again]) expect(Buffer.compare(await getBlob(opened, blob), bytes)).toBe(0);
    expect(await again.getManifest('ab'.repeat(32) as BlobId)).toBeUndefined();
  });

  it('names a chunk that is not there', async () => {
    const store = await ChunkDirectory.open(freshDirectory());
    const lacking = chunkIdOf(text('lacking'));
    expect(await store.hasChunk(lacking)).toBe(false);
    await expect(store.getChunk(lacking)).rejects.toMatchObject({ code: 'transport.chunk-missing' });
    await expect(store.putManifest({ bytes: 7, chunks: [lacking] })).rejects.toMatchObject({
      code: 'transport.chunk-missing',
    });
  });

  it('refuses a manifest that lies about the length of a chunk', async () => {
    const store = await ChunkDirectory.open(freshDirectory());
    const chunk = await store.putChunk(text('abc'));
    await expect(store.putManifest({ bytes: 4, chunks: [chunk] })).rejects.toMatchObject({
      code: 'transport.manifest-mismatch',
    });
    expect(await store.getManifest(blobIdOf({ bytes: 4, chunks: [chunk] }))).toBeUndefined();
  });

  it('takes one chunk from many writers at once as one file', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory);
    const other = await ChunkDirectory.open(directory);
    const bytes = new Uint8Array(100_000).fill(7);
    const writers = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? store : other).putChunk(bytes));
    expect(new Set(await Promise.all(writers)).size).toBe(1);
    expect(files(directory)).toEqual([chunkIdOf(bytes)]);
    expect(await store.getChunk(chunkIdOf(bytes))).toEqual(bytes);
  });

  it('gives out no chunk that was altered at any byte, nor cut, and takes it again', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory, { trustedMs: 0 });
    const bytes = text('a chunk of a model');
    const [chunk, blob] = [chunkIdOf(bytes), await putBlob(store, bytes)];
    const path = pathOf(directory, chunk);
    const damages = [
      ...Array.from(bytes, (_, at) => () => writeFileSync(path, bytes.with(at, bytes[at]! ^ (1 << (at % 8))))),
      ...Array.from(bytes, (_, length) => () => truncateSync(path, length)),
      () => writeFileSync(path, text('a chunk of a model and more')),
      () => writeFileSync(path, new Uint8Array(chunkBytes + 1)),
    ];
    for (const damage of damages) {
      damage();
      await expect(store.getChunk(chunk)).rejects.toMatchObject({ code: 'transport.chunk-damaged' });
      expect(await store.hasChunk(chunk)).toBe(false);
      expect(await store.getManifest(blob)).toBeUndefined();
      await store.putChunk(bytes);
      expect(await getBlob(store, blob)).toEqual(bytes);
    }
  });

  it('looks at the bytes of a chunk again after a while, and after it is opened', async () => {
    const directory = freshDirectory();
    let nowMs = 1e12;
    const store = await ChunkDirectory.open(directory, { nowMs: () => nowMs });
    const chunk = await store.putChunk(text('abc'));
    writeFileSync(pathOf(directory, chunk), text('abd'));
    expect(await store.getChunk(chunk)).toEqual(text('abd'));
    const opened = await ChunkDirectory.open(directory, { nowMs: () => nowMs });
    expect(await opened.hasChunk(chunk)).toBe(false);
    writeFileSync(pathOf(directory, chunk), text('abd'));
    nowMs += 11 * 60_000;
    await expect(store.getChunk(chunk)).rejects.toMatchObject({ code: 'transport.chunk-damaged' });
  });

  it('writes new chunks over files of forgotten ones, but under nobody who reads them', async () => {
    const directory = freshDirectory();
    let store = await ChunkDirectory.open(directory);
    const bytesOf = (value: number) => new Uint8Array(chunkBytes).fill(value);
    const forget = async (value: number): Promise<ChunkId> => {
      const blob = await putBlob(store, bytesOf(value));
      await store.retain([blob], 'holder');
      const reading = store.getChunk(chunkIdOf(bytesOf(value)));
      await store.release('holder');
      await putBlob(store, bytesOf(value + 100));
      expect(Buffer.compare(await reading, bytesOf(value))).toBe(0);
      return chunkIdOf(bytesOf(value));
    };
    const spares = () => files(join(directory, 'spares'));
    await forget(1);
    await store.retain([await putBlob(store, bytesOf(2))], 'holder');
    await store.release('holder');
    expect(spares().length).toBeGreaterThan(0);
    for (const spare of spares()) truncateSync(join(directory, 'spares', spare), 7);
    const before = spares().length;
    const blob = await putBlob(store, bytesOf(3));
    expect(spares()).toHaveLength(before - 1);
    store = await ChunkDirectory.open(directory);
    expect(spares()).toEqual([]);
    expect(Buffer.compare(await getBlob(store, blob), bytesOf(3))).toBe(0);
  });

  it('gives spare files of the length that is wanted, and keeps so many bytes of them', async () => {
    const spares = new SpareFiles(join(freshDirectory(), 'spares'), 1000);
    await spares.open();
    const directory = freshDirectory();
    mkdirSync(directory);
    const keep = async (name: string, bytes: number) => {
      writeFileSync(join(directory, name), new Uint8Array(bytes));
      await spares.keep(join(directory, name), bytes);
    };
    for (const [name, bytes] of [
      ['a', 300],
      ['b', 400],
      ['c', 300],
      ['d', 300],
    ] as const)
      await keep(name, bytes);
    expect(readdirSync(directory)).toEqual([]);
    expect(spares.take(500)).toBeUndefined();
    const taken = [spares.take(300), spares.take(300), spares.take(300)];
    expect(taken.map((path) => path !== undefined && statSync(path).size)).toEqual([300, 300, false]);
    expect(spares.take(400)).toBeDefined();
    await spares.keep(join(directory, 'none'), 300);
    expect(spares.take(300)).toBeUndefined();
  });

  it('forgets a damaged manifest when it is opened', async () => {
    const directory = freshDirectory();
    const blob = await putBlob(await ChunkDirectory.open(directory), text('abc'));
    const path = join(directory, 'manifests', blob);
    const content = readFileSync(path, 'utf8');
    for (let length = 0; length < content.length; length++) {
      writeFileSync(path, content.slice(0, length));
      expect(await (await ChunkDirectory.open(directory)).getManifest(blob)).toBeUndefined();
    }
    expect(await putBlob(await ChunkDirectory.open(directory), text('abc'))).toBe(blob);
  });

  it('deletes with the last holder of a blob what only that blob had', async () => {
    const directory = freshDirectory();
    const shared = new Uint8Array(chunkBytes).fill(1);
    const bytesOf = (tail: string) => Buffer.concat([shared, text(tail)]);
    let store = await ChunkDirectory.open(directory);
    const [first, second] = [await putBlob(store, bytesOf('first')), await putBlob(store, bytesOf('second'))];
    await store.retain([first], 'job/1');
    await store.retain([first], 'job/2');
    await store.retain([second], 'job/2');
    await store.release('job/1');
    store = await ChunkDirectory.open(directory, inTwoDays);
    for (const blob of [first, second]) expect(await store.getManifest(blob)).toBeDefined();
    await store.retain([first], '../..');
    await store.release('job/2');
    expect(await store.getManifest(second)).toBeUndefined();
    expect(files(join(directory, 'chunks')).sort()).toEqual([chunkIdOf(shared), chunkIdOf(text('first'))].sort());
    expect(Buffer.compare(await getBlob(store, first), bytesOf('first'))).toBe(0);
    await store.release('../..');
    await store.release('unknown');
    await ChunkDirectory.open(directory);
    expect(files(directory)).toEqual([]);
  });

  it('keeps a chunk that was put for a blob still to come, though its last blob is released', async () => {
    const store = await ChunkDirectory.open(freshDirectory());
    await store.retain([await putBlob(store, text('same'))], 'old');
    const chunk = await store.putChunk(text('same'));
    await store.release('old');
    await store.putManifest({ bytes: 4, chunks: [chunk] });
    expect(await store.hasChunk(chunk)).toBe(true);
  });

  it('keeps a blob that is put anew before, while or after it is released, until that is retained and released', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory);
    const blob = await putBlob(store, text('again'));
    for (let turn = 0; turn < 20; turn++) {
      await store.retain([blob], 'holder');
      if (turn % 2 === 0) await putBlob(store, text('again'));
      await Promise.all([store.release('holder'), ...(turn % 2 === 0 ? [] : [putBlob(store, text('again'))])]);
      expect(await getBlob(await ChunkDirectory.open(directory), blob)).toEqual(text('again'));
    }
    await store.retain([blob], 'holder');
    await store.release('holder');
    expect(files(directory)).toEqual([]);
  });

  it('forgets at its opening what nobody retained for a day: blobs, chunks, drafts', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory);
    const retained = await putBlob(store, text('retained'));
    await store.retain([retained], 'job');
    const blob = await putBlob(store, text('blob'));
    const chunk = await store.putChunk(text('chunk'));
    writeFileSync(`${pathOf(directory, chunk)}.1.draft`, 'dra');
    writeFileSync(join(directory, 'manifests', `${blob}.1.draft`), 'dra');
    const before = files(directory).length;
    await ChunkDirectory.open(directory);
    expect(files(directory)).toHaveLength(before);
    const later = await ChunkDirectory.open(directory, inTwoDays);
    expect(files(directory).sort()).toEqual([retained, chunkIdOf(text('retained')), 'job'].sort());
    expect(await getBlob(later, retained)).toEqual(text('retained'));
  });

  it('knows after it was opened anew what was let go while its holder kept the rest', async () => {
    const directory = freshDirectory();
    const store = await ChunkDirectory.open(directory);
    const ids = await Promise.all(['one', 'two', 'three'].map((each) => putBlob(store, text(each))));
    const [one, two, three] = ids as [BlobId, BlobId, BlobId];
    await store.retain([one, two], 'job');
    await store.release('job', [two]);
    await store.retain([three], 'job');
    await store.retain([one, three], 'another');
    await store.release('job', [two]);
    const opened = await ChunkDirectory.open(directory);
    await opened.release('another');
    expect(await opened.getManifest(three)).toBeUndefined();
    expect(await opened.getManifest(two)).toBeDefined();
    await opened.release('job');
    expect(files(join(directory, 'chunks'))).toEqual([]);
  });

  it('hears of a holder also when it retains what it has', async () => {
    const path = freshDirectory();
    const store = await ChunkDirectory.open(path, { heldMs: dayMs });
    const id = await putBlob(store, text('kept'));
    await store.retain([id], 'job');
    utimesSync(join(path, 'holders', 'job'), 0, 0);
    await store.retain([id], 'job');
    await store.sweep();
    expect(await store.getManifest(id)).toBeDefined();
    utimesSync(join(path, 'holders', 'job'), 0, 0);
    await store.sweep();
    expect(await store.getManifest(id)).toBeUndefined();
  });

  it('lets go, if it is told to, what is held for somebody who is not heard of any more', async () => {
    let nowMs = Date.now();
    const path = freshDirectory();
    const open = (heldMs?: number) =>
      ChunkDirectory.open(path, { nowMs: () => nowMs, ...(heldMs === undefined ? {} : { heldMs }) });
    const store = await open(30 * dayMs);
    const [old, shared] = [await putBlob(store, text('old')), await putBlob(store, text('shared'))];
    for (const id of [old, shared]) await store.retain([id], 'a.job/train/0');
    nowMs += 20 * dayMs;
    await store.sweep();
    expect(await store.getManifest(old)).toBeDefined();
    await store.retain([shared], 'another');
    utimesSync(join(path, 'holders', 'another'), nowMs / 1000, nowMs / 1000);
    nowMs += 11 * dayMs;
    await open();
    expect(await store.getManifest(old)).toBeDefined();
    await store.sweep();
    expect(await store.getManifest(old)).toBeUndefined();
    expect(await store.getManifest(shared)).toBeDefined();
  });

  it('loses nothing that it had promised when its process is killed, over and over', async () => {
    const directory = freshDirectory();
    const kept = new Map<BlobId, number>();
    let next = 0;
    for (let life = 0; life < 6; life++) {
      const writer = fork(new URL('./chunk-writer.fixture.ts', import.meta.url), [directory, `${next}`], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const enough = next + 5 + 9 * life;
      await new Promise<void>((resolve, reject) => {
        writer.once('error', reject);
        writer.once('exit', () => resolve());
        writer.on('message', ({ blob, id }: { blob: number; id: BlobId }) => {
          if (blob % 2 === 0) kept.set(id, blob);
          next = blob + 1;
          if (blob >= enough) writer.kill('SIGKILL');
        });
      });
    }
    expect(kept.size).toBeGreaterThan(60);
    const store = await ChunkDirectory.open(directory, inTwoDays);
    expect(files(directory).filter((name) => name.endsWith('.draft'))).toEqual([]);
    for (const id of kept.keys()) await getBlob(store, id);
    for (const blob of kept.values()) await store.release(`holder ${blob}`);
    // What the last life had retained and not yet told of.
    const left = ['chunks', 'manifests', 'holders'].flatMap((part) => files(join(directory, part)));
    expect(left.length).toBeLessThanOrEqual(3 * 6);
  });

  it('that cannot be made says so', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(ChunkDirectory.open(join(root, 'file', 'store'))).rejects.toMatchObject({
      code: 'transport.not-writable',
    });
  });
});

/** The operations on files that can fail, those that do at once, and those on open files. */
const operations = ['open', 'rename', 'mkdir', 'unlink'] as const;
const operationsAtOnce = ['writeFileSync', 'appendFileSync', 'renameSync', 'unlinkSync', 'utimesSync'] as const;
const handleOperations = ['write', 'writeFile', 'truncate', 'datasync', 'sync', 'close'] as const;

describe('a chunk directory whose disk fails', () => {
  const originals = Object.fromEntries(operations.map((name) => [name, fs[name]]));
  const originalsAtOnce = Object.fromEntries(operationsAtOnce.map((name) => [name, fsAtOnce[name]]));
  const mend = () => {
    Object.assign(fs, originals);
    Object.assign(fsAtOnce, originalsAtOnce);
    syncBuiltinESMExports();
  };
  afterEach(mend);

  /** Makes the n-th operation, and only that, fail for lack of space. */
  function failAt(n: number): { readonly count: () => number } {
    let count = 0;
    const failing =
      (original: (...given: never[]) => Promise<unknown>, thisArg: unknown) =>
      async (...given: never[]) => {
        if (++count === n) {
          if (original.name === 'close') await original.apply(thisArg, given);
          throw Object.assign(new Error('injected'), { code: 'ENOSPC' });
        }
        return original.apply(thisArg, given);
      };
    for (const name of operations) {
      const wrapped = failing(originals[name] as never, fs);
      const replacement = async (...given: never[]) => {
        const result = (await wrapped(...given)) as Record<string, never>;
        if (name === 'open')
          for (const part of handleOperations) result[part] = failing(result[part]!, result) as never;
        return result;
      };
      Object.assign(fs, { [name]: replacement });
    }
    for (const name of operationsAtOnce) {
      const original = originalsAtOnce[name] as (...given: unknown[]) => unknown;
      const replacement = (path: string, content: unknown, ...rest: unknown[]): unknown => {
        if (++count !== n) return original(path, content, ...rest);
        // As a disk that fills up leaves it.
        if (typeof content === 'string' && /write|append/.test(name)) original(path, content.slice(0, 40), ...rest);
        throw Object.assign(new Error('injected'), { code: 'ENOSPC' });
      };
      Object.assign(fsAtOnce, { [name]: replacement });
    }
    syncBuiltinESMExports();
    return { count: () => count };
  }

  it('says that it is full, keeps what it had promised, and does the same again with success, at every operation', async () => {
    const old = Buffer.concat([text('old'), new Uint8Array(5000)]);
    let failed = 0;
    for (let n = 1; ; n++) {
      const directory = freshDirectory();
      const store = await ChunkDirectory.open(directory);
      await store.retain([await putBlob(store, text('kept'))], 'keeper');
      await store.retain([await putBlob(store, old)], 'old');
      const { count } = failAt(n);
      const work = async (target: ChunkDirectory) => {
        await target.retain([await putBlob(target, text('new'))], 'new');
        await target.release('old');
      };
      const outcome = await work(store).catch((error: unknown) => error);
      mend();
      if (outcome === undefined && count() < n) break;
      // Only closing or removing a draft may fail unnoticed.
      if (outcome !== undefined) expect(outcome).toMatchObject({ code: 'transport.disk-full' });
      failed += outcome === undefined ? 0 : 1;
      const reopened = await ChunkDirectory.open(directory);
      for (const target of [store, reopened]) {
        const kept = blobIdOf({ bytes: 4, chunks: [chunkIdOf(text('kept'))] });
        expect(await getBlob(target, kept)).toEqual(text('kept'));
        await work(target);
        expect(await getBlob(target, await putBlob(target, text('new')))).toEqual(text('new'));
      }
      expect(files((await ChunkDirectory.open(directory, inTwoDays)) && directory).sort()).toEqual(
        [
          ...['keeper', 'new'],
          ...[text('kept'), text('new')].flatMap((bytes) => {
            const chunk = chunkIdOf(bytes);
            return [chunk, blobIdOf({ bytes: bytes.length, chunks: [chunk] })];
          }),
        ].sort(),
      );
    }
    expect(failed).toBeGreaterThan(20);
  });
});
