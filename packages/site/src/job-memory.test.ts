import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, type Weights } from '@consilium/numerics';
import type { JobId } from '@consilium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { JobMemory } from './job-memory.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-memory-'));
afterAll(() => rmSync(root, { recursive: true }));

const of = (value: number): Weights => new Map([['layer.weight', tensor('float32', [1], new Float32Array([value]))]]);
const none: Weights = new Map();
const empty = { kept: none, control: none, personal: none, residual: none, clip: none };

describe('what a site keeps of a job', () => {
  it('is nothing at first, and leaves no file where there is nothing to keep', async () => {
    const memory = new JobMemory(join(root, 'plain'), 'job' as JobId);
    expect(await memory.recall(1)).toEqual(empty);
    await memory.keep(1, empty);
    expect(readdirSync(root)).toEqual([]);
  });

  it('is for each round what the newest round before it left, so that a round can be done again', async () => {
    const memory = new JobMemory(join(root, 'site'), 'job' as JobId);
    await memory.keep(1, { ...empty, control: of(1), kept: of(10) });
    await memory.keep(4, { ...empty, control: of(4) });
    expect(await memory.recall(4)).toEqual({ ...empty, control: of(1), kept: of(10) });
    await memory.keep(4, { ...empty, control: of(4), residual: of(0.5) });
    expect(await memory.recall(4)).toMatchObject({ control: of(1) });
    expect(await memory.recall(7)).toEqual({ ...empty, control: of(4), residual: of(0.5) });
    expect(await memory.recall()).toEqual(await memory.recall(7));
    await memory.keep(7, { ...empty, control: of(7) });
    expect(readdirSync(join(root, 'site/jobs/job')).sort()).toEqual(['4.safetensors', '7.safetensors']);
  });

  it('is of that job alone', async () => {
    await new JobMemory(join(root, 'two'), 'one' as JobId).keep(1, { ...empty, personal: of(2) });
    expect(await new JobMemory(join(root, 'two'), 'other' as JobId).recall()).toEqual(empty);
  });
});
