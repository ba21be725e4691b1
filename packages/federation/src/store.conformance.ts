/** What every store must do. Each implementation's tests run this. */
import { type ChunkId, chunkBytes, type JobId, type Json } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobWriter, blobIdOf, chunkIdOf, getBlob, putBlob } from './blob.ts';
import type { BlobStore, Store } from './store.ts';

const jobId = 'job' as JobId;

type Opened<S> = { readonly store: S; readonly close: () => void | Promise<void> };
/** Gives an empty store, and what ends it. */
type Open<S> = () => Opened<S> | Promise<Opened<S>>;

async function withStore<S>(open: Open<S>, use: (store: S) => Promise<void>): Promise<void> {
  const { store, close } = await open();
  try {
    await use(store);
  } finally {
    await close();
  }
}

const missing = { code: expect.stringMatching(/^[a-z]+\.chunk-missing$/) };

export function testBlobStore(name: string, open: Open<BlobStore>): void {
  describe(`${name} as a store of blobs`, () => {
    it('gives back every chunk under the SHA-256 of its bytes', () =>
      withStore(open, async (store) => {
        const abc = await store.putChunk(new TextEncoder().encode('abc'));
        expect(abc).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
        await fc.assert(
          fc.asyncProperty(fc.uint8Array({ minLength: 1 }), async (bytes) => {
            const id = await store.putChunk(bytes);
            expect(await store.hasChunk(id)).toBe(true);
            expect(Uint8Array.from(await store.getChunk(id))).toEqual(bytes);
          }),
          { numRuns: 20 },
        );
      }));

    it('gives back any part of a chunk', () =>
      withStore(open, async (store) => {
        const bytes = Uint8Array.from({ length: 50 }, (_, index) => index);
        const id = await store.putChunk(bytes);
        const places = fc.nat(55);
        await fc.assert(
          fc.asyncProperty(places, places, async (begin, length) => {
            const part = await store.getPart(id, begin, new Uint8Array(length));
            expect([...part]).toEqual([...bytes.subarray(begin, begin + length)]);
          }),
          { numRuns: 50 },
        );
        await expect(store.getPart('ab'.repeat(32) as ChunkId, 0, new Uint8Array(1))).rejects.toMatchObject(missing);
      }));

    it('gives back blobs of any size, however they were written', () =>
      withStore(open, async (store) => {
        for (const size of [0, 1, 1000, chunkBytes, chunkBytes + 1]) {
          const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31) % 251);
          const id = await putBlob(store, bytes);
          const writer = new BlobWriter(store);
          for (let at = 0; at < size; at += 3_000_001) await writer.write(bytes.subarray(at, at + 3_000_001));
          expect(await writer.finish()).toBe(id);
          expect(Buffer.compare(await getBlob(store, id), bytes)).toBe(0);
        }
      }));

    it('is indifferent to the same chunk coming twice, even at once', () =>
      withStore(open, async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const names = await Promise.all([store.putChunk(bytes), store.putChunk(bytes), store.putChunk(bytes)]);
        expect(new Set([...names, await store.putChunk(bytes)]).size).toBe(1);
      }));

    it('is not changed by what happens to bytes that it was given or gave out', () =>
      withStore(open, async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const id = await store.putChunk(bytes);
        bytes[0] = 9;
        (await store.getChunk(id))[1] = 9;
        expect([...(await store.getChunk(id))]).toEqual([1, 2, 3]);
      }));

    it('says what it lacks, and names no blob before all its chunks are there', () =>
      withStore(open, async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const manifest = { bytes: 3, chunks: [chunkIdOf(bytes)] };
        expect(await store.hasChunk('ab'.repeat(32) as ChunkId)).toBe(false);
        await expect(store.getChunk('ab'.repeat(32) as ChunkId)).rejects.toMatchObject(missing);
        expect(await store.getManifest(blobIdOf(manifest))).toBeUndefined();
        await expect(store.putManifest(manifest)).rejects.toMatchObject(missing);
        expect(await store.getManifest(blobIdOf(manifest))).toBeUndefined();
        await store.putChunk(bytes);
        expect(await store.putManifest(manifest)).toBe(blobIdOf(manifest));
        expect(await store.getManifest(blobIdOf(manifest))).toEqual(manifest);
      }));

    it('forgets a blob when its last holder lets go, and of its chunks those that no other blob has', () =>
      withStore(open, async (store) => {
        const [shared, own] = [
          await store.putChunk(new Uint8Array(chunkBytes)),
          await store.putChunk(new Uint8Array([7])),
        ];
        const [long, short] = [
          await store.putManifest({ bytes: chunkBytes + 1, chunks: [shared, own] }),
          await store.putManifest({ bytes: chunkBytes, chunks: [shared] }),
        ];
        await store.retain([long], 'one');
        await store.retain([long], 'two');
        await store.retain([short], 'two/half');
        await store.release('one');
        expect(await store.hasChunk(own)).toBe(true);
        await store.release('nobody');
        await store.release('two');
        expect(await store.getManifest(long)).toBeUndefined();
        expect([await store.hasChunk(own), await store.hasChunk(shared)]).toEqual([false, true]);
        await store.release('two/half');
        expect([await store.getManifest(short), await store.hasChunk(shared)]).toEqual([undefined, false]);
        await store.release('two/half');
      }));

    it('lets go of what a holder has, but for some, and of those when it lets go of all', () =>
      withStore(open, async (store) => {
        const ids = await Promise.all([1, 2, 3].map((byte) => putBlob(store, new Uint8Array([byte]))));
        const present = async () => (await Promise.all(ids.map((id) => store.getManifest(id)))).map(Boolean);
        await store.retain(ids, 'one');
        await store.retain([], 'nobody');
        await store.retain([ids[1]!, ids[1]!], 'two');
        await store.release('one', [ids[0]!, ids[1]!]);
        expect(await present()).toEqual([true, true, false]);
        await store.release('one', [ids[0]!]);
        expect(await present()).toEqual([true, true, false]);
        await store.release('two', [ids[0]!]);
        expect(await present()).toEqual([true, false, false]);
        await store.release('one');
        expect(await present()).toEqual([false, false, false]);
      }));

    it('leaves alone what was put once more, until whoever put it has retained it', () =>
      withStore(open, async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const id = await putBlob(store, bytes);
        await store.retain([id], 'one');
        const chunk = await store.putChunk(bytes);
        await store.putManifest({ bytes: 3, chunks: [chunk] });
        await store.release('one');
        expect(await getBlob(store, id)).toEqual(bytes);
        await store.retain([id], 'two');
        await store.putChunk(bytes);
        await store.release('two');
        expect([await store.getManifest(id), await store.hasChunk(chunk)]).toEqual([undefined, true]);
        expect(await store.putManifest({ bytes: 3, chunks: [chunk] })).toBe(id);
      }));
  });
}

export function testStore(name: string, open: Open<Store>): void {
  testBlobStore(name, open);

  describe(`${name} as a ledger`, () => {
    it('recalls the entries of each job in the order they were recorded, and which jobs there are', () =>
      withStore(open, async (store) => {
        const entries: [string, Json][] = [
          ['z', { nested: [1, 'two', null, true] }],
          ['a', 0.1],
          ['round/1/train/site-1', 'text'],
        ];
        for (const [key, value] of entries) await store.record(jobId, key, value);
        await store.record('another' as JobId, 'z', 'of the other job');
        expect([...(await store.recall(jobId))]).toEqual(entries);
        expect(await store.recall('none' as JobId)).toEqual(new Map());
        for (const [key, value] of entries) expect(await store.entry(jobId, key)).toEqual(value);
        for (const [key] of entries) expect(await store.has(jobId, key)).toBe(true);
        expect(await store.has('another' as JobId, 'a')).toBe(false);
        expect(await store.entry('another' as JobId, 'a')).toBeUndefined();
        expect(await store.entry('none' as JobId, 'a')).toBeUndefined();
        expect(await store.jobIds()).toEqual(['job', 'another']);
      }));

    it('takes what is recorded at the same time, and refuses of it only what contradicts', () =>
      withStore(open, async (store) => {
        const entries: [string, Json][] = [
          ['a', 1],
          ['b', 2],
          ['a', 3],
          ['a', 1],
        ];
        const outcomes = await Promise.allSettled(entries.map(([key, value]) => store.record(jobId, key, value)));
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
        expect([...(await store.recall(jobId))]).toEqual(entries.slice(0, 2));
      }));

    it('takes the same entry twice as once, and refuses another under its key', () =>
      withStore(open, async (store) => {
        await store.record(jobId, 'key', { value: 1 });
        await store.record(jobId, 'key', { value: 1 });
        await expect(store.record(jobId, 'key', { value: 2 })).rejects.toMatchObject({
          code: 'federation.ledger-conflict',
        });
        expect((await store.recall(jobId)).get('key')).toEqual({ value: 1 });
      }));
  });
}
