import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openToyArchive, ToyDirectory, toySegmentation, toySeries } from '../toy-archive.fixture.ts';
import { ThreadDescriber } from './describer.ts';
import { lookAt } from './series-work.ts';

const directory = new ToyDirectory();
afterAll(() => directory[Symbol.dispose]());

function written(name: string, files: readonly Uint8Array[]): string[] {
  return files.map((bytes, at) => {
    const path = join(directory.path, `${name}${at}`);
    writeFileSync(path, bytes);
    return path;
  });
}

describe('a thread that looks at series', () => {
  it('sees what would be seen without it, again after it has rested', async () => {
    const paths = written('a', toySeries({ patient: 'A' }));
    const work = { format: 'dicom', modality: 'CT', paths, labels: [] } as const;
    const describer = new ThreadDescriber();
    const here = await lookAt(work);
    expect(here).toMatchObject({ kind: 'volume', description: { geometry: { size: [4, 6, 8] } } });
    expect(await describer.describe(work)).toEqual(structuredClone(here));
    await describer.rest();
    expect(await describer.describe({ ...work, paths: ['/none'] })).toMatchObject({
      ...{ kind: 'unreadable', finding: { code: 'archive.instance-damaged' } },
    });
    await describer.rest();
  });

  it('is begun again once where it ends, and then gives that series up and goes on', async () => {
    const describer = new ThreadDescriber(new URL('./crashing-describer.fixture.ts', import.meta.url));
    const look = (modality: string) =>
      describer.describe({ format: 'dicom', modality, paths: [join(directory.path, modality)], labels: [] });
    expect(await look('ONCE')).toEqual({ kind: 'no-volume' });
    for (const modality of ['EXITS', 'THROWS']) {
      const seen = await look(modality);
      expect(seen).toMatchObject({ kind: 'unreadable', finding: { code: 'archive.description-crashed' } });
      expect(JSON.stringify(seen)).not.toContain('Meyer');
      expect(await look('OK')).toEqual({ kind: 'no-volume' });
    }
    await describer.rest();
  });

  it('is where an archive looks at its series, labels and all', async () => {
    using archiveDirectory = new ToyDirectory();
    await using archive = await openToyArchive(archiveDirectory.path, {}, { describer: new ThreadDescriber() });
    for (const bytes of [...toySeries({ patient: 'A' }), await toySegmentation({ patient: 'A' })]) {
      await archive.door.admit(bytes, { kind: 'folder' });
    }
    await archive.series.settle();
    expect(archive.catalogue.count('labelled = yes and segment = Tumour').series).toBe(1);
  });
});
