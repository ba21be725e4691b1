import { appendFileSync, cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uidOf } from '@consilium/imaging';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openToyArchive, ToyDirectory, toySeries } from '../toy-archive.fixture.ts';
import { sha256Of } from './content-directory.ts';
import { IntakeJournal, type JournalRecord, recordsOf } from './intake-journal.ts';

const folder = { kind: 'folder' } as const;
const root = new ToyDirectory();
afterAll(() => root[Symbol.dispose]());
let directories = 0;

const nothing = (): void => {};

const recordOf = (index: number, sizeBytes: number): JournalRecord => {
  const bytes = new Uint8Array(sizeBytes).fill(index);
  return { facts: JSON.stringify({ index }), bytes, sha256: sha256Of(bytes) };
};

const factsIn = async (directory: string, settledGeneration: number): Promise<string[]> => {
  const found: string[] = [];
  for await (const { facts } of recordsOf(directory, { settledGeneration })) found.push(facts);
  return found;
};

/** A journal of two files of 4 KiB, and what was settled. */
function smallJournal() {
  const directory = join(root.path, `${directories++}`);
  const state = { generation: 0, settled: new Set<string>(), failures: 0 };
  const journal = new IntakeJournal({
    directory,
    settledGeneration: 0,
    segmentBytes: 4096,
    settle: async (contents, generation) => {
      if (state.failures-- > 0) throw new RangeError('full');
      for (const sha256 of contents) state.settled.add(sha256);
      state.generation = generation;
    },
  });
  return { directory, journal, state };
}

describe('the journal of what comes in', () => {
  it('holds all that was acknowledged and not settled, at every moment, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 8 }), { maxLength: 8 }),
        async (groups) => {
          const { directory, journal, state } = smallJournal();
          const acknowledged: JournalRecord[] = [];
          for (const sizes of groups) {
            const first = acknowledged.length + 1;
            await Promise.all(
              sizes.map(async (size, at) => {
                const record = recordOf(first + at, size);
                const applied = await journal.append(record, nothing);
                acknowledged.push(record);
                applied();
              }),
            );
            const held = await factsIn(directory, state.generation);
            const open = acknowledged.filter(({ sha256 }) => !state.settled.has(sha256)).map(({ facts }) => facts);
            expect(held.filter((facts) => open.includes(facts))).toEqual(open);
          }
          await journal.close();
          expect(acknowledged.filter(({ sha256 }) => !state.settled.has(sha256))).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does not begin a file again before what stands in it is applied', async () => {
    const { journal, state } = smallJournal();
    const first = await journal.append(recordOf(1, 3000), nothing);
    const second = await journal.append(recordOf(2, 3000), nothing);
    const third = journal.append(recordOf(3, 3000), nothing);
    let isDone = false;
    void third.then(() => (isDone = true));
    second();
    await new Promise((resolve) => setImmediate(resolve));
    expect([isDone, state.generation]).toEqual([false, 0]);
    first();
    (await third)();
    expect(state.generation).toBeGreaterThanOrEqual(1);
  });

  it('refuses while it cannot settle, and goes on when it can', async () => {
    const { directory, journal, state } = smallJournal();
    state.failures = 2;
    const write = async (index: number): Promise<void> => (await journal.append(recordOf(index, 3000), nothing))();
    await write(1);
    await write(2);
    await expect(write(3)).rejects.toThrow('full');
    expect(await factsIn(directory, state.generation)).toEqual(['{"index":1}', '{"index":2}']);
    await write(4);
    expect(await factsIn(directory, 1)).toEqual(['{"index":2}', '{"index":4}']);
  });

  it('refuses what could not be done meanwhile, and that only', async () => {
    const { directory, journal } = smallJournal();
    const failing = journal.append(recordOf(1, 10), () => {
      throw new RangeError('mine');
    });
    const settled = await Promise.allSettled([failing, journal.append(recordOf(2, 10), nothing)]);
    expect(settled).toMatchObject([{ status: 'rejected', reason: { message: 'mine' } }, { status: 'fulfilled' }]);
    expect(await factsIn(directory, 0)).toContain('{"index":2}');
  });

  it('that was torn by a power cut ends before the first record that is not whole', async () => {
    const { directory, journal } = smallJournal();
    for (const index of [1, 2, 3]) (await journal.append(recordOf(index, 300), nothing))();
    const path = join(directory, '0.segment');
    const whole = readFileSync(path);
    const recordBytes = whole.length / 3;
    const kept = async (bytes: Uint8Array): Promise<number> => {
      writeFileSync(path, bytes);
      return (await factsIn(directory, 0)).length;
    };
    for (let length = 0; length <= whole.length; length += 7) {
      expect(await kept(whole.subarray(0, length)), `of ${length} bytes`).toBe(Math.floor(length / recordBytes));
    }
    for (let at = 0; at < whole.length; at += 11) {
      const torn = Uint8Array.from(whole);
      torn[at]! ^= 0xff;
      expect(await kept(torn), `at byte ${at}`).toBe(Math.floor(at / recordBytes));
    }
    // Lengths that lie beyond the end take no memory.
    const lying = Uint8Array.from(whole);
    lying.fill(0xff, 4, 12);
    expect(await kept(lying)).toBe(0);
  });

  it('leaves no byte of what it held when it is emptied', async () => {
    const { directory, journal, state } = smallJournal();
    for (const index of [1, 2, 3]) (await journal.append(recordOf(index, 1800), nothing))();
    await journal.empty();
    expect(state.settled.size).toBe(3);
    expect(['0.segment', '1.segment'].map((name) => statSync(join(directory, name)).size)).toEqual([0, 0]);
    (await journal.append(recordOf(4, 10), nothing))();
    expect(await factsIn(directory, state.generation)).toEqual(['{"index":4}']);
  });
});

describe('an archive after a power cut', () => {
  /** Loses all since `copy` but what was flushed before it was acknowledged: the journal, and who is whom. */
  const powerCut = (from: string, copy: string): void => {
    for (const name of ['journal', 'identity']) {
      rmSync(join(copy, name), { recursive: true, force: true });
      cpSync(join(from, name), join(copy, name), { recursive: true });
    }
  };

  it('has everything that was acknowledged', async () => {
    using directory = new ToyDirectory();
    using copy = new ToyDirectory();
    const [files, more] = [toySeries({ patient: 'P1' }), toySeries({ patient: 'P2', seed: 1 })];
    await using archive = await openToyArchive(directory.path);
    await archive.door.admit(files[0]!, folder);
    cpSync(directory.path, copy.path, { recursive: true });
    const rest = [...files.slice(1), ...more];
    for (const admission of await Promise.all(rest.map((bytes) => archive.door.admit(bytes, folder)))) {
      expect(admission.kind).toBe('stored');
    }
    powerCut(directory.path, copy.path);
    // Of the content that was there before, a part; of the journal, the beginning of a record nobody was told of.
    const [first] = archive.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', 'P1', 'study') });
    truncateSync(join(copy.path, 'instances', first!.sha256.slice(0, 2), first!.sha256), 100);
    const journal = join(copy.path, 'journal', '0.segment');
    appendFileSync(journal, readFileSync(journal).subarray(0, 1000));
    for (let life = 0; life < 2; life++) {
      await using restored = await openToyArchive(copy.path);
      for (const [patient, own] of [
        ['P1', files],
        ['P2', more],
      ] as const) {
        const listed = restored.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', patient, 'study') });
        const read = await Promise.all(listed.map((instance) => restored.catalogue.readInstance(instance)));
        expect(read.map((bytes) => Buffer.from(bytes))).toEqual(own.map((bytes) => Buffer.from(bytes)));
        expect(restored.catalogue.deidentificationOf(uidOf('toy', patient, 'study'))).toMatchObject([{ count: 4 }]);
        expect(restored.reidentify('subject', patient)).toHaveLength(1);
      }
      expect(restored.catalogue.count('"abdomen"').series).toBe(2);
      expect(await restored.door.admit(files[2]!, folder)).toMatchObject({ kind: 'duplicate' });
    }
  });

  it('decides as before between instances that contradict each other', async () => {
    using directory = new ToyDirectory();
    using copy = new ToyDirectory();
    const [file] = toySeries({ patient: 'P1' });
    const other = Uint8Array.from(file!);
    other[other.length - 2]! ^= 1;
    await using archive = await openToyArchive(directory.path);
    cpSync(directory.path, copy.path, { recursive: true });
    const admissions = await Promise.all([file!, other].map((bytes) => archive.door.admit(bytes, folder)));
    expect(admissions.map(({ kind }) => kind)).toEqual(['stored', 'refused']);
    powerCut(directory.path, copy.path);
    await using restored = await openToyArchive(copy.path);
    const [kept] = restored.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', 'P1', 'study') });
    expect(Buffer.from(await restored.catalogue.readInstance(kept!))).toEqual(Buffer.from(file!));
  });
});
