/** The archive with real files, de-identified for real. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadVolume, parsePart10, readVolumes } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './archive.ts';
import { archiveSettingsSchema } from './archive-settings.ts';
import type { ImportReport } from './intake/import-ledger.ts';
import { ToyDirectory } from './toy-archive.fixture.ts';

const data = process.env['CONSILIUM_TEST_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const isThere = existsSync(join(data, 'ct'));
if (!isThere) console.log('Tests of the archive with real files are skipped: there is no ../shared/data.');

describe.skipIf(!isThere)('an archive of real files', () => {
  let directory: ToyDirectory;
  let archive: Archive;
  let report: ImportReport;
  beforeAll(async () => {
    directory = new ToyDirectory();
    // TotalSegmentator's classes.
    const labelNames = { 1: 'spleen', 2: 'right kidney', 3: 'left kidney' };
    archive = await Archive.open(directory.path, archiveSettingsSchema.parse({ labelNames }));
    const folder = join(directory.path, 'incoming');
    mkdirSync(join(folder, 'case'), { recursive: true });
    for (const name of globSync('ct/ge_gantry_tilt/*', { cwd: data })) {
      copyFileSync(join(data, name), join(folder, name.slice(-6)));
    }
    copyFileSync(join(data, 'ct/totalsegmentator/example_ct_sm.nii.gz'), join(folder, 'case/image.nii.gz'));
    copyFileSync(join(data, 'ct/totalsegmentator/example_seg.nii.gz'), join(folder, 'case/label.nii.gz'));
    report = await archive.intake.importFolder(folder);
    await archive.intake.importFolder(join(data, 'dicom/seg/highdicom'));
    await archive.series.settle();
  });
  afterAll(async () => {
    await archive[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  it('holds every file, and knows series and volumes', () => {
    expect(report.counts).toEqual({ stored: 30, duplicate: 0, refused: 0, ignored: 0 });
    const tilted = archive.catalogue.search('finding = volume.gantry-tilt').series;
    expect(tilted.length).toBeGreaterThan(0);
    expect(tilted[0]).toMatchObject({ vendor: 'GE', modality: 'CT', geometry: { size: [14, 512, 512] } });
  });

  it('makes a labelled case of slices without UIDs and a mask beside them', async () => {
    const slices = join(data, 'ct/totalsegmentator/example_ct_dicom');
    const taken = await archive.intake.importFolder(slices, { oneSeriesAFolder: true });
    expect(taken.counts).toMatchObject({ stored: 20, refused: 0 });
    await archive.series.settle();
    const [series] = archive.catalogue.search('finding = volume.grouped-by-folder').series;
    expect(series).toMatchObject({
      instances: 20,
      state: 'described',
      vendor: 'Siemens',
      geometry: { size: [20, 512, 512] },
    });
    const mask = readFileSync(join(data, 'ct/totalsegmentator/example_seg_dicom.nii.gz'));
    const names = { 1: 'spleen', 5: 'liver' };
    await archive.labels.import(series!.seriesInstanceUid, mask, { kind: 'automatic', algorithm: 'T', names });
    await archive.series.settle();
    await archive.cohorts.freeze('stripped', 'finding = volume.grouped-by-folder');
    const [one] = archive.cohorts.casesOf({ name: 'stripped' });
    expect(one).toMatchObject({ image: { kind: 'dicom' }, label: { format: 'nifti', segmentNames: names } });
    const { labels } = archive.catalogue.seriesDetails(series!.seriesInstanceUid);
    expect(labels[0]!.segments.find(({ name }) => name === 'spleen')!.volumeMl).toBeCloseTo(249.2, 0);
  });

  it('tells an unenhanced CT by the brightness of its kidneys', () => {
    const [series] = archive.catalogue.search('segment = "left kidney"').series;
    expect(series).toMatchObject({ phase: 'unenhanced', phaseSource: 'labels', labelCount: 1 });
    const { labels } = archive.catalogue.seriesDetails(series!.seriesInstanceUid);
    expect(labels[0]!.isOnGrid).toBe(true);
    const kidneyMl = labels[0]!.segments.find(({ number }) => number === 3)!.volumeMl;
    expect(kidneyMl).toBeGreaterThan(50);
    expect(kidneyMl).toBeLessThan(400);
  });

  it('joins DICOM segmentations to their series though all UIDs have changed', () => {
    const [series] = archive.catalogue.search('modality = CT and labelled = yes and format = dicom').series;
    const { labels } = archive.catalogue.seriesDetails(series!.seriesInstanceUid);
    expect(labels.length).toBeGreaterThan(0);
    for (const label of labels) expect(label).toMatchObject({ format: 'dicom-seg', isOnGrid: true });
  });

  it('holds no name, id or UID of the originals in clear, but knows them when asked', async () => {
    const [file] = globSync('ct/ge_gantry_tilt/*', { cwd: data });
    const original = parsePart10(readFileSync(join(data, file!))).data;
    const words = ['PatientID', 'StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'] as const;
    const secrets = words.flatMap((keyword) => original.texts(keyword));
    expect(secrets.length).toBeGreaterThan(2);
    for (const name of globSync('**/*', { cwd: directory.path, exclude: ['incoming/**'] })) {
      const path = join(directory.path, name);
      if (name.startsWith('incoming') || !statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      for (const secret of secrets) expect(plain.includes(secret), name).toBe(false);
    }
    const [series] = archive.catalogue.search('finding = volume.gantry-tilt').series;
    const known = archive.reidentify('subject', series!.patientId);
    expect(JSON.stringify(known)).toContain(original.text('PatientID'));
    expect(archive.catalogue.deidentificationOf(series!.studyInstanceUid).length).toBeGreaterThan(10);
  });

  it('gives the volumes that the originals hold', async () => {
    const [series] = archive.catalogue.search('finding = volume.gantry-tilt').series;
    const instances = archive.catalogue.instancesOf(series!);
    const stored = await Promise.all(instances.map((instance) => archive.catalogue.readInstance(instance)));
    const originals = globSync('ct/ge_gantry_tilt/*', { cwd: data }).map((name) => readFileSync(join(data, name)));
    const [kept, expected] = await Promise.all([stored, originals].map(voxelDigests));
    expect(kept).toHaveLength(2);
    expect(kept).toEqual(expected);
  });
});

async function voxelDigests(files: readonly Uint8Array[]): Promise<string[]> {
  const sources = files.map((bytes) => ({ byteLength: bytes.length, read: () => bytes }));
  const { volumes } = await readVolumes(sources);
  const loaded = await Promise.all(volumes.map((volume) => loadVolume(volume, sources)));
  return loaded.map(({ image }) => createHash('sha256').update(Buffer.from(image.voxels.buffer)).digest('hex')).sort();
}
