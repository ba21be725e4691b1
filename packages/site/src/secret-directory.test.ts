import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { SecretDirectory } from './secret-directory.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const jobId = 'job' as JobId;

describe('what a site keeps of secure sums', () => {
  it('is written once, is there in the next life, and is for its owner alone', async () => {
    using directory = new ToyDirectory();
    {
      using secrets = await SecretDirectory.open(directory.path);
      await secrets.record(jobId, 'session/1.1/keys', { seed: 'a' });
      await secrets.record(jobId, 'session/1.1/keys', { seed: 'a' });
    }
    using secrets = await SecretDirectory.open(directory.path);
    await expect(secrets.record(jobId, 'session/1.1/keys', { seed: 'b' })).rejects.toMatchObject({
      code: 'federation.ledger-conflict',
    });
    expect(await secrets.entry(jobId, 'session/1.1/keys')).toEqual({ seed: 'a' });
    expect(await secrets.entry('other' as JobId, 'session/1.1/keys')).toBeUndefined();
    expect(statSync(join(directory.path, 'secrets.sqlite')).mode & 0o77).toBe(0);
  });

  it('is gone from the file once it was erased, with all that begins so and nothing else', async () => {
    using directory = new ToyDirectory();
    using secrets = await SecretDirectory.open(directory.path);
    for (const session of ['1.1', '1.10']) await secrets.record(jobId, `session/${session}/keys`, `seed of ${session}`);
    await secrets.record('other' as JobId, 'session/1.1/keys', 'another');
    const file = () => readFileSync(join(directory.path, 'secrets.sqlite'), 'latin1');
    expect(file()).toContain('seed of 1.1"');
    await secrets.erase(jobId, 'session/1.1/');
    expect([...(await secrets.recall(jobId)).keys()]).toEqual(['session/1.10/keys']);
    expect(file()).not.toContain('seed of 1.1"');
    expect(await secrets.entry('other' as JobId, 'session/1.1/keys')).toBe('another');
  });

  it('is not begun anew where the file is damaged', async () => {
    using directory = new ToyDirectory();
    using secrets = await SecretDirectory.open(directory.path);
    await secrets.record(jobId, 'a', 'x'.repeat(20_000));
    const path = join(directory.path, 'secrets.sqlite');
    truncateSync(path, 3000);
    writeFileSync(path, 'no database', { flag: 'r+' });
    await expect(SecretDirectory.open(directory.path)).rejects.toMatchObject({ code: 'site.secrets-failed' });
  });
});
