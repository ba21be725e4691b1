import { describe, expect, it } from 'vitest';
import type { TreeFile } from './file-tree.ts';
import { planIntake } from './intake-plan.ts';

const plan = (paths: readonly string[], texts: Record<string, string> = {}) => {
  const files = paths.map((path): TreeFile => ({ path, sizeBytes: 1, version: '1' }));
  const { volumes, loneLabels, others, ignored } = planIntake(files, new Map(Object.entries(texts)));
  return {
    volumes: volumes.map(({ image, label, subject, session, modality, segmentNames }) => ({
      ...{ image: image.path, label: label?.path, subject, session, modality, segmentNames },
    })),
    others: others.map(({ path }) => path),
    ignored: Object.fromEntries([
      ...ignored.map(({ file, reason }) => [file.path, reason]),
      ...loneLabels.map(({ file }) => [file.path, 'label-without-image']),
    ]),
  };
};

describe('a plan of what files are', () => {
  it('knows nnU-Net’s raw layout, with its channels and names of segments', () => {
    const paths = [
      'imagesTr/a_0000.nii.gz',
      'imagesTr/a_0001.nii.gz',
      'imagesTr/b_0000.nii.gz',
      'labelsTr/a.nii.gz',
      'labelsTr/c.nii.gz',
      'dataset.json',
    ];
    const dataset = { channel_names: { 0: 'CT', 1: 'T1' }, labels: { background: 0, kidney: 1, tumour: 2 } };
    const root = 'Dataset001_Kidney';
    const found = plan(
      paths.map((path) => `${root}/${path}`),
      { [`${root}/dataset.json`]: JSON.stringify(dataset) },
    );
    const segmentNames = { 1: 'kidney', 2: 'tumour' };
    expect(found.volumes).toEqual([
      {
        image: `${root}/imagesTr/a_0000.nii.gz`,
        label: `${root}/labelsTr/a.nii.gz`,
        subject: 'a',
        session: '',
        modality: 'CT',
        segmentNames,
      },
      {
        image: `${root}/imagesTr/a_0001.nii.gz`,
        label: undefined,
        subject: 'a',
        session: '',
        modality: 'MR',
        segmentNames,
      },
      {
        image: `${root}/imagesTr/b_0000.nii.gz`,
        label: undefined,
        subject: 'b',
        session: '',
        modality: 'CT',
        segmentNames,
      },
    ]);
    expect(found.ignored).toEqual({
      [`${root}/labelsTr/c.nii.gz`]: 'label-without-image',
      [`${root}/dataset.json`]: 'not-an-image',
    });
    const first = { labels: { 0: 'background', 1: 'kidney' }, modality: { 0: 'CT' } };
    expect(plan(['imagesTr/a_0000.nii.gz'], { 'dataset.json': JSON.stringify(first) }).volumes[0]).toMatchObject({
      segmentNames: { 1: 'kidney' },
    });
    expect(plan(['imagesTr/a_0000.nii.gz'], { 'dataset.json': 'no JSON' }).volumes[0]).toMatchObject({
      segmentNames: undefined,
      modality: 'CT',
    });
  });

  it('knows BIDS, with sessions and derivatives', () => {
    const found = plan([
      'dataset_description.json',
      'participants.tsv',
      'sub-01/ses-1/ct/sub-01_ses-1_ct.nii.gz',
      'sub-01/ses-2/ct/sub-01_ses-2_ct.nii.gz',
      'sub-02/anat/sub-02_T1w.nii.gz',
      'sub-02/anat/sub-02_T1w.json',
      'derivatives/manual/sub-01/ses-2/ct/sub-01_ses-2_desc-reader_dseg.nii.gz',
      'derivatives/manual/sub-02/anat/sub-02_dseg.nii.gz',
    ]);
    expect(
      found.volumes.map(({ image, label, subject, session, modality }) => [image, label, subject, session, modality]),
    ).toEqual([
      ['sub-01/ses-1/ct/sub-01_ses-1_ct.nii.gz', undefined, 'sub-01', 'ses-1', 'CT'],
      [
        'sub-01/ses-2/ct/sub-01_ses-2_ct.nii.gz',
        'derivatives/manual/sub-01/ses-2/ct/sub-01_ses-2_desc-reader_dseg.nii.gz',
        'sub-01',
        'ses-2',
        'CT',
      ],
      ['sub-02/anat/sub-02_T1w.nii.gz', 'derivatives/manual/sub-02/anat/sub-02_dseg.nii.gz', 'sub-02', '', 'MR'],
    ]);
  });

  it('knows a directory a case, and files beside each other', () => {
    const found = plan(
      [
        'x/image.nii.gz',
        'x/label.nii.gz',
        'x/reference.nii.gz',
        'x/case.json',
        'y/image.nii',
        'Meyer_1.nii',
        'Meyer_1_seg.nii.gz',
        'alone-mask.nii',
      ],
      { 'x/case.json': '{"patientId": "P7"}' },
    );
    expect(found.volumes.map(({ image, label, subject }) => [image, label, subject])).toEqual([
      ['x/image.nii.gz', 'x/label.nii.gz', 'P7'],
      ['y/image.nii', undefined, 'y'],
      ['Meyer_1.nii', 'Meyer_1_seg.nii.gz', 'Meyer_1'],
    ]);
    expect(found.ignored).toEqual({
      'x/reference.nii.gz': 'reference',
      'x/case.json': 'not-an-image',
      'alone-mask.nii': 'label-without-image',
    });
  });

  it('takes every other file for what may be DICOM, and names what it leaves out', () => {
    const found = plan([
      'a/IM1',
      'a/1.2.3.dcm',
      'DICOMDIR',
      '.DS_Store',
      '__MACOSX/a/IM1',
      'a/readme.txt',
      'more.zip',
      'archive.tar',
    ]);
    expect(found.others).toEqual(['a/IM1', 'a/1.2.3.dcm', 'archive.tar']);
    expect(found.ignored).toEqual({
      DICOMDIR: 'dicomdir',
      '.DS_Store': 'hidden',
      '__MACOSX/a/IM1': 'hidden',
      'a/readme.txt': 'not-an-image',
      'more.zip': 'zip',
    });
  });
});
