import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Dataset, datasetOf, encodeNifti, formatPart10, parsePart10, toLabelMap } from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { Archive } from '../archive.ts';
import type { ArchiveEvent } from '../archive-events.ts';
import { archiveSettingsSchema } from '../archive-settings.ts';
import {
  here,
  killWhenItSpeaks,
  openToyArchive,
  ToyClock,
  ToyDirectory,
  toyImage,
  toySegmentation,
  toySeries,
} from '../toy-archive.fixture.ts';
import { toyZip } from './toy-zip.fixture.ts';

class ToyFolder extends ToyDirectory {
  write(files: Readonly<Record<string, Uint8Array | string>>): this {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), content);
    }
    return this;
  }
}

const image = toyImage({ seed: 3 });
const labels = toLabelMap({ geometry: image.geometry, voxels: Uint8Array.from(image.voxels, (_, at) => at % 3) });
/** A header that names the patient in every place that can. */
function namedNifti(volume: typeof image | typeof labels): Uint8Array {
  const bytes = Uint8Array.from(encodeNifti(volume, { description: 'Meyer^Hans 1950' }));
  const file = bytes[0] === 0x1f ? gunzipSync(bytes) : Buffer.from(bytes);
  for (const [offset, text] of [
    [14, 'Meyer db'],
    [228, 'Meyer aux'],
    [328, 'Meyer'],
  ] as const)
    file.write(text, offset, 'latin1');
  return file;
}
const study = (patient: string) =>
  Object.fromEntries(toySeries({ patient }).map((bytes, at) => [`${patient}/${at}`, bytes]));
async function* chunks(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const instances = (archive: Archive): number => archive.catalogue.count('').instances;
const zipOf = (files: Readonly<Record<string, Uint8Array | string>>): Uint8Array =>
  toyZip(Object.entries(files).map(([name, content]) => ({ name, bytes: Buffer.from(content as string) })));

describe('a folder that is taken in', () => {
  it('gives each of its files an outcome, and is not taken in twice', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    folder.write({
      ...study('A'),
      'copy/again.bin': toySeries({ patient: 'A' })[1]!,
      'B/deep/er/seg.dcm': await toySegmentation({ patient: 'A' }),
      DICOMDIR: 'index',
      'notes.txt': 'Meyer',
      'A/broken.dcm': Buffer.concat([Buffer.alloc(128), Buffer.from('DICM garbage')]),
      unknown: 'something else',
    });
    await using archive = await openToyArchive(directory.path);
    const told: ArchiveEvent[] = [];
    using _listening = archive.events.listen((event) => event.kind === 'import' && told.push(event));
    const report = await archive.intake.importFolder(folder.path);
    expect(report).toMatchObject({ state: 'finished', counts: { stored: 5, duplicate: 1, refused: 1, ignored: 3 } });
    expect(report.exceptions).toMatchObject([
      { path: 'A/broken.dcm', outcome: 'refused', code: expect.stringMatching(/^imaging\./) },
      { path: 'DICOMDIR', code: 'dicomdir' },
      { path: 'notes.txt', code: 'not-an-image' },
      { path: 'unknown', code: 'not-an-image' },
    ]);
    expect(told.at(-1)).toMatchObject({ done: 10, total: 10, state: 'finished' });
    const again = await archive.intake.importFolder(folder.path);
    expect(again.counts).toMatchObject({ stored: 0, duplicate: 6 });
    expect(
      archive.intake
        .reports()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([report.id, again.id].sort());
    expect(() => archive.intake.report('none')).toThrow(expect.objectContaining({ code: 'archive.import-unknown' }));
  });

  it('that does not exist is an error without its name', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    await expect(archive.intake.importFolder('/no/such/Meyer')).rejects.toMatchObject({
      code: 'archive.folder-unreadable',
      message: expect.not.stringContaining('Meyer'),
    });
    expect(archive.intake.reports()).toMatchObject([{ state: 'failed', code: 'archive.folder-unreadable' }]);
  });

  it('with NIfTI gives series with segmentations, and no name is kept in clear', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    folder.write({
      'Meyer/imagesTr/Meyer_0000.nii': namedNifti(image),
      'Meyer/labelsTr/Meyer.nii': namedNifti(labels),
      'Meyer/imagesTr/Huber_0000.nii.gz': encodeNifti(toyImage({ seed: 4 })),
      'Meyer/labelsTr/Huber.nii.gz': encodeNifti(toyImage({ seed: 4 })),
      'Meyer/imagesTr/cut_0000.nii': namedNifti(image).subarray(0, 500),
      'Meyer/dataset.json': JSON.stringify({
        labels: { background: 0, kidney: 1, tumor: 2 },
        channel_names: { 0: 'CT' },
      }),
    });
    await using archive = await openToyArchive(directory.path);
    const report = await archive.intake.importFolder(folder.path);
    expect(report.counts).toEqual({ stored: 3, duplicate: 0, refused: 2, ignored: 1 });
    expect(report.exceptions.map(({ path, code }) => [path.slice(6), code])).toEqual([
      ['dataset.json', 'not-an-image'],
      ['imagesTr/cut_0000.nii', 'imaging.nifti-truncated'],
      ['labelsTr/Huber.nii.gz', 'imaging.label-not-a-class'],
    ]);
    await archive.series.settle();
    const [labelled] = archive.catalogue.search('labelled = yes').series;
    expect(labelled).toMatchObject({
      format: 'file',
      state: 'described',
      modality: 'CT',
      geometry: { size: [4, 6, 8] },
    });
    const details = archive.catalogue.seriesDetails(labelled!.seriesInstanceUid);
    expect(details.labels[0]).toMatchObject({
      format: 'nifti',
      isOnGrid: true,
      segments: [
        { number: 1, name: 'kidney' },
        { number: 2, name: 'tumor' },
      ],
    });
    expect(archive.reidentify('subject', labelled!.patientId)).toEqual([{ Name: 'Meyer' }]);
    expect(archive.catalogue.find({ level: 'series', matches: [] }).matches).toEqual([]);
    expect((await archive.intake.importFolder(folder.path)).counts).toMatchObject({ stored: 0, duplicate: 3 });
    expect(archive.quarantine.list()).toEqual([]);
    for (const name of globSync('**/*', { cwd: directory.path })) {
      const path = join(directory.path, name);
      if (!statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      for (const word of ['Meyer', 'Huber']) expect(plain.includes(word), `${name} has ${word}`).toBe(false);
    }
  });

  it('with NRRD gives the same as with NIfTI, and knows 3D Slicer’s names of segments', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    const nrrd = (type: string, voxels: ArrayBufferView, ...lines: string[]): Uint8Array =>
      Buffer.concat([
        Buffer.from(
          [
            ...['NRRD0005', `type: ${type}`, 'dimension: 3', 'sizes: 8 6 4', 'encoding: raw', 'endian: little'],
            ...['space: LPS', 'space directions: (0.75,0,0) (0,0.75,0) (0,0,2.5)', 'space origin: (-20,10,-300)'],
            ...[...lines, '', ''],
          ].join('\n'),
        ),
        new Uint8Array(voxels.buffer as ArrayBuffer, voxels.byteOffset, voxels.byteLength),
      ]);
    folder.write({
      'Meyer.nrrd': nrrd('short', image.voxels, 'content: Meyer'),
      'Meyer.seg.nrrd': nrrd('uchar', labels.voxels, 'Segment0_Name:=Kidney', 'Segment0_LabelValue:=1'),
      'cut.nrrd': nrrd('short', image.voxels).subarray(0, 300),
    });
    await using archive = await openToyArchive(directory.path);
    const report = await archive.intake.importFolder(folder.path);
    expect(report.counts).toEqual({ stored: 2, duplicate: 0, refused: 1, ignored: 0 });
    expect(report.exceptions).toMatchObject([{ path: 'cut.nrrd', code: 'archive.nrrd-unreadable' }]);
    await archive.series.settle();
    const [series] = archive.catalogue.search('segment = Kidney').series;
    expect(series).toMatchObject({ labelCount: 1, geometry: { spacingMm: [2.5, 0.75, 0.75] } });
    expect(archive.catalogue.seriesDetails(series!.seriesInstanceUid).labels[0]!.isOnGrid).toBe(true);
  });

  it('goes on where it was when the process was killed, over and over', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    for (const patient of ['A', 'B', 'C', 'D', 'E', 'F']) folder.write(study(patient));
    for (let life = 0; life < 2; life++) {
      const args = [directory.path, folder.path, String(4 + 6 * life)];
      await killWhenItSpeaks(new URL('./importing.fixture.ts', import.meta.url), args);
    }
    await using archive = await openToyArchive(directory.path);
    const [unfinished] = archive.intake.reports();
    expect(unfinished).toMatchObject({ state: 'running' });
    const [report] = await archive.intake.resume();
    expect(report).toMatchObject({ id: unfinished!.id, state: 'finished' });
    expect(report!.counts.stored + report!.counts.duplicate).toBe(24);
    expect(instances(archive)).toBe(24);
    expect(archive.intake.reports()).toHaveLength(1);
  });
});

describe('a zip file that is uploaded', () => {
  it('is taken in as a folder would be, and nothing of it stays behind', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const files = {
      ...study('A'),
      'case/image.nii': namedNifti(image),
      'case/label.nii': namedNifti(labels),
      'readme.txt': 'x',
    };
    const report = await archive.intake.importZip(chunks(zipOf(files)));
    expect(report).toMatchObject({ kind: 'zip', state: 'finished', counts: { stored: 6, ignored: 1 } });
    expect(readdirSync(join(directory.path, 'uploads'))).toEqual([]);
    await archive.series.settle();
    expect(archive.catalogue.count('labelled = yes').series).toBe(1);
  });

  it.each<[string, string, Uint8Array]>([
    ['archive.zip-path', 'names that lead outside', toyZip([{ name: '../../etc/passwd', bytes: Buffer.from('x') }])],
    ['archive.zip-path', 'absolute names', toyZip([{ name: '/etc/passwd', bytes: Buffer.from('x') }])],
    [
      'archive.zip-too-large',
      'too many entries',
      toyZip(Array.from({ length: 60 }, (_, at) => ({ name: `${at}`, bytes: Buffer.from('x') }))),
    ],
    [
      'archive.zip-too-large',
      'too much in it',
      toyZip([1, 2, 3].map((at) => ({ name: `${at}`, bytes: Buffer.alloc(10), statedBytes: 500_000 }))),
    ],
    ['archive.zip-too-large', 'a bomb', toyZip([{ name: 'zeros', bytes: Buffer.alloc(900_000) }])],
    ['archive.zip-too-large', 'too long a file', Buffer.alloc(300_000)],
    ['archive.zip-encrypted', 'encrypted entries', toyZip([{ name: 'a', bytes: Buffer.from('x'), encrypted: true }])],
    ['archive.zip-malformed', 'no zip', Buffer.from('this is no zip')],
    ['archive.zip-malformed', 'half a zip', zipOf(study('A')).subarray(0, 3000)],
    [
      'archive.zip-malformed',
      'more than it states',
      toyZip([{ name: 'image.dcm', bytes: toySeries({ patient: 'A' })[0]!, statedBytes: 300 }]),
    ],
  ])('is refused as %s with %s', async (code, _, zip) => {
    using directory = new ToyDirectory();
    const limits = { zipEntriesMax: 50, unpackedBytesMax: 1_000_000, zipRatioMax: 100, zipBytesMax: 200_000 };
    await using archive = await openToyArchive(directory.path, { limits });
    await expect(archive.intake.importZip(chunks(zip))).rejects.toMatchObject({ code });
    expect(instances(archive)).toBe(0);
    expect(readdirSync(join(directory.path, 'uploads'))).toEqual([]);
  });

  it('is read side by side, of many files only the beginning', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const noise = Buffer.from(Uint32Array.from({ length: 60_000 }, (_, at) => Math.imul(at, 2_654_435_761)).buffer);
    const files = Array.from({ length: 48 }, (_, at) => ({
      name: `${at}`,
      bytes: Buffer.concat([Buffer.from('xxxxxxxx'), noise]),
    }));
    const report = await archive.intake.importZip(chunks(toyZip(files), 1_000_000));
    expect(report).toMatchObject({ state: 'finished', counts: { ignored: 48 } });
  });

  it('that was cut off, or stopped, leaves nothing, or goes on', async () => {
    using directory = new ToyDirectory();
    const whole = zipOf({ ...study('A'), ...study('B') });
    {
      await using archive = await openToyArchive(directory.path);
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield whole.subarray(0, 500);
        throw new Error('connection lost');
      };
      await expect(archive.intake.importZip(broken())).rejects.toThrow('connection lost');
      expect(readdirSync(join(directory.path, 'uploads'))).toEqual([]);
      const stopped = await archive.intake.importZip(chunks(whole), { signal: AbortSignal.abort() });
      expect(stopped).toMatchObject({ state: 'running', counts: { stored: 0 } });
    }
    await using archive = await openToyArchive(directory.path);
    expect(await archive.intake.resume()).toMatchObject([{ state: 'finished', counts: { stored: 8 } }]);
    expect(readdirSync(join(directory.path, 'uploads'))).toEqual([]);
  });
});

describe('a folder of files that were stripped of their UIDs', () => {
  /** Everything empty but the file meta information, as some data sets are published. */
  const stripped = (patient: string): Record<string, Uint8Array> =>
    Object.fromEntries(
      toySeries({ patient }).map((bytes, at) => {
        const file = parsePart10(bytes);
        const empty = datasetOf({
          ...{ SOPClassUID: '', SOPInstanceUID: '', StudyInstanceUID: '', SeriesInstanceUID: '', PatientID: '' },
          PatientName: '',
        }).elements;
        const tags = new Set(empty.map(({ tag }) => tag));
        const others = file.data.elements.filter(({ tag }) => !tags.has(tag));
        const elements = [...others, ...empty].sort((a, b) => a.tag - b.tag);
        const { explicit, littleEndian } = file.data;
        return [`${patient}/${at}`, formatPart10({ ...file, data: new Dataset(elements, { explicit, littleEndian }) })];
      }),
    );

  it('is refused with the reason, and taken for one series a folder if asked to, the same wherever it lies', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    folder.write({ ...stripped('A'), ...stripped('B') });
    await using archive = await Archive.open(directory.path, archiveSettingsSchema.parse({}), {
      ...{ clock: new ToyClock(), describer: here },
    });
    const refused = await archive.intake.importFolder(folder.path);
    expect(refused.counts).toMatchObject({ stored: 0, refused: 8 });
    expect(new Set(refused.exceptions.map(({ code }) => code))).toEqual(new Set(['imaging.dicom-ungrouped']));
    const taken = await archive.intake.importFolder(folder.path, { oneSeriesAFolder: true });
    expect(taken.counts).toMatchObject({ stored: 8, refused: 0 });
    await archive.series.settle();
    expect(archive.catalogue.count('')).toEqual({ subjects: 2, studies: 2, series: 2, instances: 8 });
    expect(archive.catalogue.count('finding = volume.grouped-by-folder and slices = 4').series).toBe(2);
    using elsewhere = new ToyFolder();
    elsewhere.write(
      Object.fromEntries(Object.entries(stripped('A')).map(([name, bytes]) => [`other/x${name}`, bytes])),
    );
    const again = await archive.intake.importFolder(elsewhere.path, { oneSeriesAFolder: true });
    expect(again.counts).toMatchObject({ stored: 0, duplicate: 4 });
  });
});

describe('a volume that was made artificially', () => {
  it('is found as such, by case.json, its own header, or DICOM’s attribute', async () => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    const other = (seed: number) => toyImage({ seed });
    folder.write({
      'a/image.nii.gz': encodeNifti(image),
      'a/case.json': '{ "synthetic": true }',
      'b/image.nii.gz': encodeNifti(other(1), { description: 'SYNTHETIC phantom' }),
      'c/image.nii.gz': encodeNifti(other(2), { description: 'photosynthetic' }),
      'd/image.nii.gz': encodeNifti(other(4)),
    });
    await using archive = await openToyArchive(directory.path);
    expect(archive.catalogue.hasSynthetic()).toBe(false);
    await archive.intake.importFolder(folder.path);
    expect(archive.catalogue.search('synthetic = yes').series).toHaveLength(2);
    expect(archive.catalogue.count('synthetic = yes and tag = synthetic').series).toBe(2);
    expect(archive.catalogue.hasSynthetic()).toBe(true);
    const [slice] = toySeries({ patient: 'S' });
    const file = parsePart10(slice!);
    const marked = datasetOf({ SyntheticData: 'YES' }).elements;
    const elements = [...file.data.elements, ...marked].sort((x, y) => x.tag - y.tag);
    const { explicit, littleEndian } = file.data;
    await archive.door.admit(formatPart10({ ...file, data: new Dataset(elements, { explicit, littleEndian }) }), {
      kind: 'folder',
    });
    expect(archive.catalogue.count('synthetic = yes and format = dicom').series).toBe(1);
    expect(archive.catalogue.count('synthetic = no').series).toBe(2);
  });
});

describe('a watched folder', () => {
  const watching = async (
    afterwards: 'move' | 'delete',
    work: (parts: { archive: Archive; folder: ToyFolder; looks: (count: number) => Promise<void> }) => Promise<void>,
  ) => {
    using directory = new ToyDirectory();
    using folder = new ToyFolder();
    const clock = new ToyClock();
    const turn = { wanted: 0, done: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() };
    clock.sleep = async (ms) => {
      clock.timeMs += ms;
      if (--turn.wanted > 0) return;
      turn.done.resolve();
      await turn.go.promise;
    };
    const looks = async (count: number): Promise<void> => {
      Object.assign(turn, { wanted: count, done: Promise.withResolvers<void>() });
      turn.go.resolve();
      turn.go = Promise.withResolvers<void>();
      await turn.done.promise;
    };
    const watch = [{ directory: folder.path, afterwards, quietMs: 10_000, everyMs: 5000 }];
    await using archive = await openToyArchive(directory.path, { watch }, { clock });
    const over = new AbortController();
    turn.wanted = 1;
    const { promise } = turn.done;
    const running = archive.intake.watch(over.signal);
    await promise;
    await work({ archive, folder, looks });
    over.abort();
    turn.go.resolve();
    await running;
  };
  const left = (folder: ToyFolder): string[] =>
    globSync('**/*', { cwd: folder.path })
      .filter((name) => statSync(join(folder.path, name)).isFile())
      .sort();

  it('gives up files that have stopped growing, and moves them away', async () => {
    await watching('move', async ({ archive, folder, looks }) => {
      folder.write({ ...study('A'), 'readme.txt': 'x' });
      await looks(2);
      expect(instances(archive)).toBe(0);
      // It grows again.
      utimesSync(join(folder.path, 'A/0'), 1, 1);
      await looks(1);
      expect(instances(archive)).toBe(3);
      await looks(2);
      expect(instances(archive)).toBe(4);
      expect(left(folder)).toEqual(['done/A/0', 'done/A/1', 'done/A/2', 'done/A/3', 'refused/readme.txt']);
    });
  });

  it('tells a segmentation that comes late to its image, though that was moved away', async () => {
    await watching('move', async ({ archive, folder, looks }) => {
      folder.write({ 'a/image.nii': namedNifti(image), 'a/case.json': '{ "patientId": "Meyer" }' });
      await looks(4);
      folder.write({ 'a/label.nii': namedNifti(labels), 'b/label.nii': namedNifti(labels) });
      await looks(4);
      expect(left(folder)).toEqual(['b/label.nii', 'done/a/image.nii', 'done/a/label.nii', 'refused/a/case.json']);
      await archive.series.settle();
      expect(archive.catalogue.count('labelled = yes').series).toBe(1);
    });
  });

  it('deletes what was taken in, if told to, and nothing else', async () => {
    await watching('delete', async ({ archive, folder, looks }) => {
      const broken = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM garbage')]);
      folder.write({
        ...study('A'),
        broken,
        'cut/image.nii': namedNifti(image).subarray(0, 400),
        'c_seg.nii': namedNifti(labels),
        'all.zip': zipOf(study('B')),
        'no.zip': 'x',
      });
      await looks(4);
      expect(instances(archive)).toBe(8);
      expect(left(folder)).toEqual(['c_seg.nii', 'refused/broken', 'refused/cut/image.nii', 'refused/no.zip']);
      folder.write({ 'c.nii': namedNifti(image) });
      await looks(4);
      expect(left(folder)).toEqual(['refused/broken', 'refused/cut/image.nii', 'refused/no.zip']);
      await archive.series.settle();
      expect(archive.catalogue.count('labelled = yes').series).toBe(1);
      expect(existsSync(join(folder.path, 'done'))).toBe(false);
    });
  });
});
