import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzzer.ts';
import { fuzzers } from './fuzzers.ts';

const fixedSeeds = 6;
/** Seeds that failed once. */
const knownSeeds = [
  [
    'buffered',
    1581531175,
    'a job has ended whose contributions are, to the byte, those of one that failed and may go on',
  ],
  ['twins', 1133347798, 'one job lets go of blobs between the arrival of the same for another and their admission'],
  ['storm', 1356923432, 'the ledger holds that a failed job is resumed, although the disk said that the write failed'],
] as const;
const freshMs = 1000;

describe('a simulated project', () => {
  it.each(fuzzers)('keeps every invariant, whatever befalls it: $name', async (fuzzer) => {
    for (let seed = 1; seed <= fixedSeeds; seed++)
      expect((await fuzz(fuzzer, seed)).faults, `seed ${seed}`).toEqual([]);
    const endMs = performance.now() + freshMs;
    for (let seed = randomInt(2 ** 31); performance.now() < endMs; seed++) {
      const { faults } = await fuzz(fuzzer, seed);
      expect(faults, `npm run fuzz -- --only ${fuzzer.name} --seed ${seed}`).toEqual([]);
    }
  });

  it.each(knownSeeds)('keeps every invariant: %s, seed %i: %s', async (name, seed) => {
    const fuzzer = fuzzers.find((each) => each.name === name)!;
    expect((await fuzz(fuzzer, seed)).faults).toEqual([]);
  });

  it('happens the same way, to the millisecond, with the same seed', async () => {
    const storm = fuzzers.find(({ name }) => name === 'storm')!;
    for (const seed of [3, 4]) {
      const [one, other] = [await fuzz(storm, seed), await fuzz(storm, seed)];
      expect(other.digest).toBe(one.digest);
      expect(one.trace.length).toBeGreaterThan(50);
    }
  });

  it('is one in which all that can go wrong does, over a few seeds', async () => {
    const storm = fuzzers.find(({ name }) => name === 'storm')!;
    const traces: string[] = [];
    for (let seed = 1; seed <= 25; seed++) traces.push((await fuzz(storm, seed)).trace.join('\n'));
    const all = traces.join('\n');
    for (const sign of [
      'is killed at step',
      'freezes for',
      '"kind":"partition"',
      '"kind":"disk-full"',
      '"kind":"writes-fail"',
      '"kind":"condemn"',
      'hears not-asked',
      'hears blobs-wanted',
      'hears closed',
      'hears refused',
      'site-left-out',
      'site-lost',
      'is paused',
      'is aborted',
      'is completed',
      'is failed',
    ]) {
      expect(all, sign).toContain(sign);
    }
  });
});
