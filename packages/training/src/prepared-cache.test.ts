import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheFiles, nodeCacheFiles } from './cache-files.ts';
import { ballCase, smallPlan } from './case.fixture.ts';
import type { CaseSource } from './case.ts';
import { PreparedCache } from './prepared-cache.ts';
import { preprocess } from './preprocess.ts';

let directory: string;
let loads: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prepared-'));
  loads = 0;
});
afterEach(() => rm(directory, { recursive: true }));

const source = (contentSha256 = 'aa', id = 'one'): CaseSource => ({
  id,
  contentSha256: async () => contentSha256,
  load: async () => {
    loads += 1;
    return ballCase({ id });
  },
});

describe('the cache of prepared cases', () => {
  it('prepares a case once and gives back every bit', async () => {
    const made = await new PreparedCache(directory).get(source(), smallPlan);
    const kept = await new PreparedCache(directory).get(source(), smallPlan);
    expect(kept).toEqual(made);
    expect(kept).toEqual(preprocess(ballCase({ id: 'one' }), smallPlan));
    expect(loads).toBe(1);
  });

  it('prepares again when the content or what matters of the plan changes, and only then', async () => {
    const cache = new PreparedCache(directory);
    await cache.get(source(), smallPlan);
    await cache.get(source(), { ...smallPlan, learningRate: 3 } as typeof smallPlan);
    expect(loads).toBe(1);
    await cache.get(source('bb'), smallPlan);
    await cache.get(source(), { ...smallPlan, spacingMm: [4, 4, 5] });
    await cache.get(source(), { ...smallPlan, normalisation: { ...smallPlan.normalisation, mean: 99 } });
    await cache.get(source(), { ...smallPlan, classes: [...smallPlan.classes, { name: 'stone', value: 4 }] });
    expect(loads).toBe(5);
  });

  it('makes an entry again that was damaged anywhere or cut short', async () => {
    const cache = new PreparedCache(directory);
    const made = await cache.get(source(), smallPlan);
    const [name] = await readdir(directory);
    const path = join(directory, name!);
    const whole = await readFile(path);
    for (const position of [0, 31, 32, 40, 200, whole.length >> 1, whole.length - 1]) {
      const damaged = Uint8Array.from(whole);
      damaged[position]! ^= 1;
      await writeFile(path, damaged);
      expect(await cache.get(source(), smallPlan)).toEqual(made);
      expect(await readFile(path)).toEqual(whole);
    }
    for (const length of [0, 10, 32, 33, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      expect(await cache.get(source(), smallPlan)).toEqual(made);
    }
    expect(loads).toBe(13);
  });

  it('leaves nothing half-written behind', async () => {
    await new PreparedCache(directory).get(source(), smallPlan);
    expect(await readdir(directory)).toHaveLength(1);
  });

  it.each([
    ['ENOSPC', 'training.disk-full'],
    ['EDQUOT', 'training.disk-full'],
    ['EACCES', 'training.cache-not-writable'],
  ])('says what to do when writing fails with %s', async (reason, code) => {
    const failing: CacheFiles = {
      ...nodeCacheFiles,
      writeWhole: async () => {
        throw Object.assign(new Error('write failed'), { code: reason });
      },
    };
    const refused = new PreparedCache(directory, failing).get(source(), smallPlan);
    await expect(refused).rejects.toMatchObject({ code, detail: expect.stringContaining(directory) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(directory) });
  });

  it('says so when its directory cannot be made', async () => {
    await writeFile(join(directory, 'file'), '');
    const cache = new PreparedCache(join(directory, 'file', 'below'));
    await expect(cache.get(source(), smallPlan)).rejects.toMatchObject({ code: 'training.cache-not-writable' });
  });
});
