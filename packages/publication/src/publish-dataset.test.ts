import { generateKeyPairSync } from 'node:crypto';
import {
  decodeNifti,
  encodeNifti,
  inMemory,
  readDicomSegmentation,
  readDicomSeries,
  writeDicomSeries,
} from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { checkCrate } from './crate/crate-check.ts';
import type { DatasetCase } from './dataset/dataset-case.ts';
import { type DatasetForm, parseReleasePolicy } from './dataset/release-policy.ts';
import { MemorySink } from './memory-sink.fixture.ts';
import { publishDataset } from './publish-dataset.ts';
import { toyAbout } from './toy-about.fixture.ts';
import { markedDeidentified, toySeries } from './toy-series.fixture.ts';

const key = generateKeyPairSync('ed25519').privateKey;
const labelVoxels = Uint8Array.from({ length: 4 * 72 }, (_, index) => (index % 7 === 0 ? 5 : index % 11 === 0 ? 2 : 0));

function toyCase(index: number, { kind = 'dicom', mark = markedDeidentified } = {}): DatasetCase {
  const [image, meta] = toySeries(`1.2.${index}`, 4, `PSEUDONYM${9 - index}`);
  const label = encodeNifti({ geometry: image.geometry, voxels: labelVoxels });
  return {
    patientId: meta.patient.id,
    phase: 'nephrographic',
    part: index === 0 ? 'test' : 'train',
    spacingMm: image.geometry.spacingMm,
    image:
      kind === 'dicom'
        ? { kind: 'dicom', instances: writeDicomSeries(image, meta).map((bytes) => inMemory(mark(bytes))) }
        : { kind: 'nifti', source: inMemory(encodeNifti(image)) },
    label: {
      format: 'nifti',
      source: inMemory(label),
      // Numbers and names as a reader happened to choose them.
      segmentNames: { '2': 'Niere rechts', '5': 'RCC' },
      sha256: String(index).repeat(64),
      kind: 'semiautomatic',
      algorithm: 'a model',
      createdAt: '2026-11-01T00:00:00.000Z',
      volumesMl: { kidney: 100 + index },
    },
  };
}

async function published(form: DatasetForm, cases = [0, 1, 2, 3, 4].map((index) => toyCase(index)), policy = {}) {
  const sink = new MemorySink();
  const released: string[] = [];
  const { proof } = await publishDataset(
    sink,
    {
      ...{ about: toyAbout, cases, form, software: '0.1.0' },
      cohort: { name: 'renal', version: 2, query: 'modality = CT', excluded: { 'no-label': 3 } },
      policy: parseReleasePolicy({ allow: ['statistics', 'bids', 'nnunet', 'dicom'], ...policy }),
      onRelease: async () => {
        released.push(form);
      },
    },
    key,
  );
  return { sink, proof, released };
}

describe('a data set', () => {
  it('in BIDS has images, segmentations in one numbering and nothing of the pseudonyms', async () => {
    const { sink, released } = await published('bids');
    expect((await checkCrate(sink.tree)).faults).toEqual([]);
    expect(released).toEqual(['bids']);
    const labels = decodeNifti(sink.files.get('derivatives/segmentations/sub-001/ct/sub-001_run-1_dseg.nii.gz')!);
    expect(labels.voxels).toEqual(labelVoxels.map((number) => ({ 5: 2, 2: 1 })[number] ?? 0));
    expect(sink.text('derivatives/segmentations/dseg.tsv')).toBe('index\tname\n1\tkidney\n2\ttumour\n');
    expect(decodeNifti(sink.files.get('sub-001/ct/sub-001_run-1_ct.nii.gz')!).geometry.size).toEqual([4, 8, 9]);
    for (const path of sink.files.keys()) expect(sink.text(path), path).not.toContain('PSEUDONYM');
  });

  it('in nnU-Net’s layout has test patients apart', async () => {
    const { sink } = await published('nnunet');
    expect([...sink.files.keys()].filter((path) => path.includes('Ts/'))).toEqual([
      'imagesTs/case_005_1_0000.nii.gz',
      'labelsTs/case_005_1.nii.gz',
    ]);
    expect(sink.json('dataset.json')).toMatchObject({
      channel_names: { '0': 'CT' },
      labels: { background: 0, kidney: 1, tumour: 2 },
      numTraining: 4,
    });
  });

  it('in DICOM has the instances as they are, with a segmentation that lies on them', async () => {
    const { sink, proof } = await published('dicom');
    const instances = [1, 2, 3, 4].map((slice) => sink.files.get(`sub-001/run-1/ct/000${slice}.dcm`)!);
    const { image } = await readDicomSeries(instances.map((bytes) => inMemory(bytes)));
    const { labels, segments } = await readDicomSegmentation(sink.files.get('sub-001/run-1/seg.dcm')!, image.geometry);
    expect(labels.voxels).toEqual(labelVoxels.map((number) => ({ 5: 2, 2: 1 })[number] ?? 0));
    expect(segments.map(({ label, algorithmType }) => [label, algorithmType])).toEqual([
      ['kidney', 'SEMIAUTOMATIC'],
      ['tumour', 'SEMIAUTOMATIC'],
    ]);
    expect(proof).toMatchObject({
      instances: 20,
      identityRemoved: 20,
      methods: { 'DCM 113100 Basic Application Confidentiality Profile': 20 },
    });
  });

  it('of NIfTI says of each segmentation where it comes from', async () => {
    const { sink, proof } = await published(
      'bids',
      [0, 1, 2, 3, 4].map((index) => toyCase(index, { kind: 'nifti' })),
    );
    expect(proof).toMatchObject({ instances: 0, withoutHeaders: 5 });
    const [, first] = sink.text('cases.tsv').split('\n');
    expect(first).toBe(
      `sub-001\tsub-001/ct/sub-001_run-1_ct.nii.gz\tnephrographic\ttrain\tsemiautomatic\ta model\t2026-11-01T00:00:00.000Z\t${'4'.repeat(64)}`,
    );
  });

  it('of statistics has no image, and no number of few patients', async () => {
    const { sink, proof } = await published('statistics');
    expect(proof).toBeNull();
    expect([...sink.files.keys()].filter((path) => /\.(?:nii|dcm)/.test(path))).toEqual([]);
    expect(sink.json('statistics.json')).toMatchObject({
      patients: 5,
      parts: { test: 'few', train: 'few' },
      phases: { nephrographic: 5 },
      structures: { kidney: { patients: 5, volumeMl: [101, 102, 103] } },
    });
  });

  it('hides beside a small group the one that would tell it', async () => {
    const cases = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => toyCase(index));
    const { sink } = await published('statistics', cases);
    expect(sink.json('statistics.json')).toMatchObject({ patients: 8, parts: { test: 'few', train: 'few' } });
  });

  it.each([
    ['in a form that the site does not allow', { allow: ['statistics'] }, 'publication.release-forbidden'],
    ['of a cohort that the site does not allow', { cohorts: ['other'] }, 'publication.release-forbidden'],
    ['of too few patients', { minimumPatients: 6 }, 'publication.too-few-patients'],
  ])('%s is not written', async (_, policy, code) => {
    await expect(published('bids', undefined, policy)).rejects.toMatchObject({ code });
  });

  it.each([
    ['does not say that it was de-identified', (bytes: Uint8Array) => bytes],
    ['says that text is burned in', (bytes: Uint8Array) => markedDeidentified(bytes, 'YES')],
  ])('with an instance that %s is not written', async (_, mark) => {
    const cases = [0, 1, 2, 3].map((index) => toyCase(index));
    await expect(published('bids', [...cases, toyCase(4, { mark })])).rejects.toMatchObject({
      code: 'publication.not-deidentified',
    });
  });

  it('is not written by a policy that cannot be read', () => {
    expect(() => parseReleasePolicy({ allow: ['everything'] })).toThrow(
      expect.objectContaining({ code: 'publication.policy-malformed' }),
    );
  });
});
