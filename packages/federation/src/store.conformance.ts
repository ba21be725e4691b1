/** What every store must do. Each implementation's tests run this. */
import type { JobId, Json, Sha256 } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from './store.ts';

const jobId = 'job' as JobId;

/** `open` gives an empty store, and what ends it. */
export function testStore(name: string, open: () => { readonly store: Store; readonly close: () => void }): void {
  const withStore = async (use: (store: Store) => Promise<void>) => {
    const { store, close } = open();
    try {
      await use(store);
    } finally {
      close();
    }
  };

  describe(`${name} as a store`, () => {
    it('gives back every blob under the SHA-256 of its bytes', () =>
      withStore(async (store) => {
        const abc = await store.putBlob(new TextEncoder().encode('abc'));
        expect(abc).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
        await fc.assert(
          fc.asyncProperty(fc.uint8Array(), async (bytes) => {
            const sha256 = await store.putBlob(bytes);
            expect(await store.hasBlob(sha256)).toBe(true);
            expect(Uint8Array.from(await store.getBlob(sha256))).toEqual(bytes);
          }),
          { numRuns: 20 },
        );
      }));

    it('is indifferent to the same blob coming twice, even at once', () =>
      withStore(async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const names = await Promise.all([store.putBlob(bytes), store.putBlob(bytes), store.putBlob(bytes)]);
        expect(new Set([...names, await store.putBlob(bytes)]).size).toBe(1);
      }));

    it('is not changed by what happens to bytes that it was given or gave out', () =>
      withStore(async (store) => {
        const bytes = new Uint8Array([1, 2, 3]);
        const sha256 = await store.putBlob(bytes);
        bytes[0] = 9;
        (await store.getBlob(sha256))[1] = 9;
        expect([...(await store.getBlob(sha256))]).toEqual([1, 2, 3]);
      }));

    it('says with a coded error that it lacks a blob', () =>
      withStore(async (store) => {
        const sha256 = 'ab'.repeat(32) as Sha256;
        expect(await store.hasBlob(sha256)).toBe(false);
        await expect(store.getBlob(sha256)).rejects.toMatchObject({
          code: expect.stringMatching(/^(federation|coordinator)\.blob-missing$/),
        });
      }));

    it('recalls the entries of each job in the order they were recorded', () =>
      withStore(async (store) => {
        const entries: [string, Json][] = [
          ['z', { nested: [1, 'two', null, true] }],
          ['a', 0.1],
          ['round/1/train/site-1', 'text'],
        ];
        for (const [key, value] of entries) await store.record(jobId, key, value);
        await store.record('other' as JobId, 'z', 'of the other job');
        expect([...(await store.recall(jobId))]).toEqual(entries);
        expect(await store.recall('none' as JobId)).toEqual(new Map());
      }));

    it('takes the same entry twice as once, and refuses another under its key', () =>
      withStore(async (store) => {
        await store.record(jobId, 'key', { value: 1 });
        await store.record(jobId, 'key', { value: 1 });
        await expect(store.record(jobId, 'key', { value: 2 })).rejects.toMatchObject({
          code: 'federation.ledger-conflict',
        });
        expect((await store.recall(jobId)).get('key')).toEqual({ value: 1 });
      }));
  });
}
