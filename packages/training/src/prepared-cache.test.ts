import { createHash } from 'node:crypto';
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

  const phases = { nephrographic: { mean: 160, std: 40 } };
  const byPhase = { ...smallPlan, normalisation: { ...smallPlan.normalisation, phases } };

  it('prepares a case by its phase where the plan says so, and never otherwise', async () => {
    const cache = new PreparedCache(directory);
    const plain = await cache.get(source(), smallPlan);
    expect(await cache.get({ ...source(), phase: 'nephrographic' }, smallPlan)).toEqual(plain);
    expect(await cache.get({ ...source(), phase: 'excretory' }, byPhase)).toEqual(plain);
    expect(await cache.get(source(), byPhase)).toEqual(plain);
    expect(loads).toBe(1);
    const made = await cache.get({ ...source(), phase: 'nephrographic' }, byPhase);
    expect(loads).toBe(2);
    expect(made).toEqual(preprocess({ ...ballCase({ id: 'one' }), phase: 'nephrographic' }, byPhase));
    const [before, after] = [plain, made].map(({ image, outside }) => [outside, Math.max(...image)] as const);
    for (const at of [0, 1] as const) expect(after![at]).toBeCloseTo((before![at] * 50 + 100 - 160) / 40, 5);
    expect(await cache.get({ ...source(), phase: 'nephrographic' }, byPhase)).toEqual(made);
    expect(loads).toBe(2);
  });

  it('keeps what was prepared before plans knew of phases, under its name and to the bit', async () => {
    const cache = new PreparedCache(directory);
    await cache.get(source('ab', 'ball'), smallPlan);
    const [name] = await readdir(directory);
    expect(name).toBe('b1283108a097b3d17efde6c28a1f532019a20f12e06003077402a25a06961763.prepared');
    const bytes = await readFile(join(directory, name!));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '4ca21a034d3f78fb2cfc70fe0aa928ff26f13a5024e48112c0c946ed0ffb5bdb',
    );
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
