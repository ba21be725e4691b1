import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openToyArchive, ToyDirectory, toySeries } from '../toy-archive.fixture.ts';
import { readIdentities } from './identity-reader.ts';

const names = (facts: Readonly<Record<string, string>>) => facts['PatientName'] ?? '';

describe('who the subjects of an archive are', () => {
  it('is given as its digest, while the archive is open, and for nobody it does not know', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    for (const patient of ['P1', 'P2']) await archive.door.admit(toySeries({ patient })[0]!, { kind: 'folder' });
    const read = await readIdentities(directory.path, ['P1', 'P3'], { digest: names });
    expect([...read]).toEqual([
      ['P1', ['Secret^P1']],
      ['P3', []],
    ]);
  });

  it('is given to nobody without the key, or with another one', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    await archive.door.admit(toySeries({ patient: 'P1' })[0]!, { kind: 'folder' });
    const keyFile = join(directory.path, 'other.key');
    const read = () => readIdentities(directory.path, ['P1'], { keyFile, digest: names });
    await expect(read()).rejects.toMatchObject({ code: 'archive.key-missing' });
    writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
    await expect(read()).rejects.toMatchObject({ code: 'archive.key-wrong' });
  });
});
