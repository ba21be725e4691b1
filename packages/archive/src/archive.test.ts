import { fork } from 'node:child_process';
import { chmodSync, existsSync, globSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dataset, datasetOf, formatPart10, parsePart10, uidOf } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import type { Archive } from './archive.ts';
import { openArchiveForReading } from './archive-reader.ts';
import { openToyArchive, passing, ToyDirectory, toySeries } from './toy-archive.fixture.ts';

const folder = { kind: 'folder' } as const;

const admitAll = (archive: Archive, files: readonly Uint8Array[]) =>
  Promise.all(files.map((bytes) => archive.door.admit(bytes, folder)));

const filesIn = (directory: string): string[] =>
  globSync('**/*', { cwd: directory, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));

/** Another instance with the same UIDs. */
const altered = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 2]! ^= 1;
  return copy;
};

const inSyntax = (bytes: Uint8Array, transferSyntaxUid: string): Uint8Array => {
  const file = parsePart10(bytes);
  const uid = datasetOf({ TransferSyntaxUID: transferSyntaxUid }).elements[0]!;
  const elements = file.meta!.elements.map((element) => (element.tag === uid.tag ? uid : element));
  return formatPart10({ ...file, meta: new Dataset(elements), transferSyntaxUid });
};

describe('an archive', () => {
  it('gives an instance back as it was stored, after it is closed and opened again', async () => {
    using directory = new ToyDirectory();
    const files = toySeries({ patient: 'P1' });
    {
      await using archive = await openToyArchive(directory.path);
      const admissions = await admitAll(archive, files);
      expect(admissions.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'stored', 'stored']);
    }
    await using archive = await openToyArchive(directory.path);
    const studyInstanceUid = uidOf('toy', 'P1', 'study');
    const instances = archive.catalogue.instancesOf({ studyInstanceUid });
    const read = await Promise.all(instances.map((instance) => archive.catalogue.readInstance(instance)));
    expect(read.map((bytes) => Buffer.from(bytes))).toEqual(files.map((bytes) => Buffer.from(bytes)));
  });

  it('stores the same instance once, however often and however simultaneously it comes', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const files = toySeries({ patient: 'P1' });
    const admissions = await admitAll(archive, [...files, ...files, ...files]);
    expect(admissions.filter(({ kind }) => kind === 'stored')).toHaveLength(4);
    expect(admissions.filter(({ kind }) => kind === 'duplicate')).toHaveLength(8);
    expect(archive.catalogue.count('')).toEqual({ subjects: 1, studies: 1, series: 1, instances: 4 });
    expect(filesIn(join(directory.path, 'instances'))).toHaveLength(4);
  });

  it('keeps the first of two instances with one UID, and the other aside', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const [first] = toySeries({ patient: 'P1' });
    await archive.door.admit(first!, folder);
    const other = altered(first!);
    const admission = await archive.door.admit(other, folder);
    expect(admission).toMatchObject({ kind: 'refused', code: 'archive.instance-conflict' });
    const [stored] = archive.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', 'P1', 'study') });
    expect(Buffer.from(await archive.catalogue.readInstance(stored!))).toEqual(Buffer.from(first!));
    expect(archive.catalogue.seriesDetails(stored!.seriesInstanceUid).findings).toMatchObject([
      { code: 'archive.instance-conflict', severity: 'warning', source: 'door' },
    ]);
    const [kept] = archive.quarantine.list();
    expect(Buffer.from((await archive.quarantine.read(kept!.id)).bytes)).toEqual(Buffer.from(other));
    expect(filesIn(join(directory.path, 'instances'))).toHaveLength(1);
  });

  it('knows an instance again that comes in another transfer syntax', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const [first, second] = toySeries({ patient: 'P1' });
    await archive.door.admit(first!, folder);
    for (const syntax of ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.2']) {
      expect(await archive.door.admit(inSyntax(first!, syntax), folder), syntax).toMatchObject({ kind: 'duplicate' });
      const other = inSyntax(altered(first!), syntax);
      expect(await archive.door.admit(other, folder)).toMatchObject({ code: 'archive.instance-conflict' });
    }
    await archive.door.admit(inSyntax(second!, '1.2.840.10008.1.2.1.99'), folder);
    expect(await archive.door.admit(second!, folder)).toMatchObject({ kind: 'duplicate' });
  });

  it('refuses a study that belongs to another patient already', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const files = toySeries({ patient: 'P1' });
    await archive.door.admit(files[0]!, folder);
    const text = Buffer.from(files[1]!).toString('latin1').replaceAll('P1', 'P2');
    const admission = await archive.door.admit(Buffer.from(text, 'latin1'), folder);
    expect(admission).toMatchObject({ kind: 'refused', code: 'archive.instance-misplaced' });
    expect(archive.catalogue.count('')).toEqual({ subjects: 1, studies: 1, series: 1, instances: 1 });
    expect(filesIn(join(directory.path, 'instances'))).toHaveLength(1);
  });

  it('puts what is no DICOM, too large, or incomplete into quarantine, and says why', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path, { limits: { instanceBytesMax: 5000 } });
    const [whole] = toySeries({ patient: 'P1' });
    const withoutSeries = Buffer.from(
      Buffer.from(whole!).toString('latin1').replace('\x20\x00\x0e\x00UI', '\x20\x00\x0f\x00UI'),
      'latin1',
    );
    const nothing = { kind: 'deidentified', changes: [], subject: '' } as const;
    const refused = [];
    for (const bytes of [Buffer.from('no DICOM at all'), new Uint8Array(5001)]) {
      refused.push(await archive.door.admit(bytes, folder));
    }
    expect(refused).toMatchObject([
      { kind: 'refused', code: 'imaging.dicom-not-dicom' },
      { kind: 'refused', code: 'archive.instance-too-large' },
    ]);
    using second = new ToyDirectory();
    const blind = (): ReturnType<typeof passing> => (bytes) => ({
      ...(passing()(whole!) as Extract<Awaited<ReturnType<ReturnType<typeof passing>>>, { kind: 'deidentified' }>),
      ...nothing,
      bytes,
    });
    await using blindArchive = await openToyArchive(second.path, {}, { deidentify: blind });
    expect(await blindArchive.door.admit(withoutSeries, folder)).toMatchObject({
      code: 'archive.instance-incomplete',
      message: expect.stringContaining('SeriesInstanceUID'),
    });
  });

  it('releases from quarantine what the rules let in by now, and deletes what is not wanted', async () => {
    using directory = new ToyDirectory();
    const files = toySeries({ patient: 'Meyer' });
    const reason = { code: 'imaging.dicom-damaged', message: 'Refused.', detail: 'Meyer' } as const;
    {
      await using archive = await openToyArchive(
        directory.path,
        {},
        { deidentify: () => () => ({ kind: 'refused', reason }) },
      );
      await admitAll(archive, [...files, ...files]);
      expect(archive.quarantine.list()).toHaveLength(4);
      // Nobody who fetches a study needs to fetch these again.
      const uids = files.map((file) => parsePart10(file).data.text('SOPInstanceUID')!);
      expect(archive.heldOf([...uids, '1.2.3'])).toEqual(new Set(uids));
      const [first] = archive.quarantine.list();
      expect(first).toMatchObject({ code: reason.code, message: 'Refused.', origin: folder });
      expect(archive.quarantine.detail(first!.id)).toBe('Meyer');
      expect(await archive.door.release(first!.id)).toMatchObject({ kind: 'refused', quarantineId: first!.id });
      await archive.quarantine.delete(first!.id);
      expect(archive.heldOf(uids).size).toBe(uids.length - 1);
      await expect(archive.quarantine.delete(first!.id)).rejects.toMatchObject({ code: 'archive.quarantine-unknown' });
      await expect(archive.door.release('../secret')).rejects.toMatchObject({ code: 'archive.quarantine-unknown' });
    }
    await using archive = await openToyArchive(directory.path);
    for (const { id } of archive.quarantine.list()) {
      expect(await archive.door.release(id)).toMatchObject({ kind: 'stored' });
    }
    expect(archive.catalogue.count('').instances).toBe(3);
    expect(readdirSync(join(directory.path, 'quarantine'))).toEqual([]);
  });

  it('says what was removed from a study, summed over its instances', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const files = toySeries({ patient: 'P1' });
    await admitAll(archive, [...files, ...files]);
    expect(archive.catalogue.deidentificationOf(uidOf('toy', 'P1', 'study'))).toEqual([
      { tag: '00100010', action: 'replaced', reason: 'basic profile Z', count: 4 },
    ]);
  });
});

describe('who a pseudonym is', () => {
  it('is told when asked, and stands nowhere in clear', async () => {
    using directory = new ToyDirectory();
    {
      await using archive = await openToyArchive(directory.path);
      await admitAll(archive, toySeries({ patient: 'P1' }));
      expect(archive.reidentify('subject', 'P1')).toEqual([{ PatientName: 'Secret^P1' }]);
      expect(archive.reidentify('study', uidOf('toy', 'P1', 'study'))).toEqual([{ AccessionNumber: 'A-1' }]);
      expect(archive.reidentify('subject', 'nobody')).toEqual([]);
    }
    for (const path of globSync('**/*', { cwd: directory.path }).map((name) => join(directory.path, name))) {
      if (statSync(path).isFile()) expect(readFileSync(path).includes('Secret'), path).toBe(false);
    }
    for (const name of ['secret', 'identity.key'])
      expect(statSync(join(directory.path, name)).mode & 0o777).toBe(0o600);
  });

  it('is not told with another key, and an archive does not go on without its keys', async () => {
    using directory = new ToyDirectory();
    {
      await using archive = await openToyArchive(directory.path);
      await admitAll(archive, toySeries({ patient: 'P1' }));
    }
    using kept = new ToyDirectory();
    await (await openToyArchive(kept.path, {}, { identityKey: new Uint8Array(32) }))[Symbol.asyncDispose]();
    await expect(openToyArchive(kept.path)).rejects.toMatchObject({ code: 'archive.key-missing' });
    expect(existsSync(join(kept.path, 'identity.key'))).toBe(false);
    const another = openToyArchive(directory.path, {}, { identityKey: new Uint8Array(32) });
    await expect(another).rejects.toMatchObject({ code: 'archive.key-wrong' });
    const key = join(directory.path, 'identity.key');
    const text = readFileSync(key, 'utf8');
    writeFileSync(key, 'no key');
    await expect(openToyArchive(directory.path)).rejects.toMatchObject({ code: 'archive.key-malformed' });
    writeFileSync(key, text);
    chmodSync(key, 0o644);
    await expect(openToyArchive(directory.path)).rejects.toMatchObject({ code: 'archive.key-exposed' });
    chmodSync(key, 0o600);
    const identityKeyFile = join(directory.path, 'elsewhere');
    await expect(openToyArchive(directory.path, { identityKeyFile })).rejects.toMatchObject({
      code: 'archive.key-missing',
    });
    expect(existsSync(identityKeyFile)).toBe(false);
    await using archive = await openToyArchive(directory.path);
    expect(archive.reidentify('subject', 'P1')).toHaveLength(1);
  });
});

describe('an archive’s directory', () => {
  it('is open in one process at a time', async () => {
    using directory = new ToyDirectory();
    await using _archive = await openToyArchive(directory.path);
    await expect(openToyArchive(directory.path)).rejects.toMatchObject({ code: 'archive.in-use' });
  });

  it('is read by other processes meanwhile', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    using reader = openArchiveForReading(directory.path);
    await admitAll(archive, toySeries({ patient: 'P1' }));
    await archive.series.settle();
    await archive.cohorts.freeze('all', '', { requireLabel: false });
    expect(reader.catalogue.count('subject = P1').instances).toBe(4);
    expect(reader.cohorts.casesOf({ name: 'all' })).toMatchObject([{ patientId: 'P1', image: { kind: 'dicom' } }]);
    expect(() => openArchiveForReading(join(directory.path, 'none'))).toThrow(
      expect.objectContaining({ code: 'archive.not-writable' }),
    );
  });

  it('that cannot be written to, or is a file, is said to be so', async () => {
    using directory = new ToyDirectory();
    const path = join(directory.path, 'file');
    writeFileSync(path, '');
    const error = await openToyArchive(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'archive.not-writable', message: expect.not.stringContaining(path) });
  });

  it('with a damaged catalogue, or one of another version, is not touched', async () => {
    using directory = new ToyDirectory();
    const path = join(directory.path, 'archive.sqlite');
    writeFileSync(path, Buffer.alloc(4096, 1));
    await expect(openToyArchive(directory.path)).rejects.toMatchObject({ code: 'archive.catalogue-damaged' });
    writeFileSync(path, '');
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expect(openToyArchive(directory.path)).rejects.toMatchObject({ code: 'archive.catalogue-version' });
  });

  it('whose file was altered gives an error instead of it', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    await admitAll(archive, toySeries({ patient: 'P1' }).slice(0, 1));
    const [instance] = archive.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', 'P1', 'study') });
    writeFileSync(join(directory.path, 'instances', instance!.sha256.slice(0, 2), instance!.sha256), 'other');
    await expect(archive.catalogue.readInstance(instance!)).rejects.toMatchObject({ code: 'archive.instance-damaged' });
  });

  it('loses nothing acknowledged when the process is killed, over and over', async () => {
    using directory = new ToyDirectory();
    const acknowledged = new Set<string>();
    for (let life = 0; life < 5; life++) {
      const writer = fork(new URL('./door-writer.fixture.ts', import.meta.url), [directory.path, String(life * 1000)], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const enough = acknowledged.size + 3 + 5 * life;
      await new Promise<void>((resolve, reject) => {
        writer.once('error', reject);
        writer.once('exit', () => resolve());
        writer.on('message', (uid) => {
          acknowledged.add(String(uid));
          if (acknowledged.size >= enough) writer.kill('SIGKILL');
        });
      });
      await using archive = await openToyArchive(directory.path);
      const { matches } = archive.catalogue.find({ level: 'instance', matches: [] });
      const listed = new Set(matches.map(({ SOPInstanceUID }) => String(SOPInstanceUID![0])));
      expect([...acknowledged].filter((uid) => !listed.has(uid))).toEqual([]);
      for (const { StudyInstanceUID } of matches) {
        for (const instance of archive.catalogue.instancesOf({ studyInstanceUid: String(StudyInstanceUID![0]) })) {
          await archive.catalogue.readInstance(instance);
        }
      }
      expect(filesIn(join(directory.path, 'instances'))).toHaveLength(listed.size);
    }
  });
});
