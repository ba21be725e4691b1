import { describe, expect, it } from 'vitest';
import { findCases } from './case-finder.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const nifti = (image: string, label: string, reference?: string) => ({
  kind: 'labelled',
  image: { kind: 'nifti', path: image },
  label: { format: 'nifti', path: label },
  ...(reference === undefined ? {} : { reference: { format: 'nifti', path: reference } }),
});
const dicom = (slices: string[], label: string, reference?: string) => ({
  kind: 'labelled',
  image: { kind: 'dicom', slices },
  label: { format: 'dicom-seg', path: label },
  ...(reference === undefined ? {} : { reference: { format: 'dicom-seg', path: reference } }),
});

const found = async (directory: ToyDirectory) =>
  (await findCases({ directory: directory.path })).map(({ name, patientId, files }) => [
    name,
    patientId,
    JSON.parse(JSON.stringify(files).replaceAll(`${directory.path}/`, '')),
  ]);

describe('cases are found', () => {
  it('in directories with NIfTI images and labels, in order of names', async () => {
    using directory = new ToyDirectory();
    for (const name of [
      'b/image.nii.gz',
      'b/segmentation.nii',
      'a/image.nii',
      'a/label.nii.gz',
      'a/reference.nii.gz',
    ]) {
      directory.file(name);
    }
    directory.file('a/case.json', '{"patientId": "P1"}');
    directory.file('b/case.json', 'not JSON');
    directory.file('c/image.nii');
    directory.file('c/label.nii');
    directory.file('c/case.json', '{"phase": "excretory", "patientId": 3}');
    expect((await findCases({ directory: directory.path })).map(({ phase }) => phase)).toEqual([
      ...[undefined, undefined, 'excretory'],
    ]);
    expect(await found(directory)).toEqual([
      ['a', 'P1', nifti('a/image.nii', 'a/label.nii.gz', 'a/reference.nii.gz')],
      ['b', 'b', nifti('b/image.nii.gz', 'b/segmentation.nii')],
      ['c', 'c', nifti('c/image.nii', 'c/label.nii')],
    ]);
  });

  it('in directories with a DICOM series and segmentation', async () => {
    using directory = new ToyDirectory();
    for (const name of ['a/ct/2.dcm', 'a/ct/1.dcm', 'a/seg.dcm', 'a/reference.seg.dcm', 'b/IM1.dcm', 'b/seg.dcm']) {
      directory.file(name);
    }
    const slices = ['a/ct/1.dcm', 'a/ct/2.dcm'];
    expect(await found(directory)).toEqual([
      ['a', 'a', dicom(slices, 'a/seg.dcm', 'a/reference.seg.dcm')],
      ['b', 'b', dicom(['b/IM1.dcm'], 'b/seg.dcm')],
    ]);
  });

  it('as pairs in images and labels, also as nnU-Net names them', async () => {
    using directory = new ToyDirectory();
    for (const name of ['images/x.nii.gz', 'labels/x.nii.gz', 'imagesTr/y_0000.nii.gz', 'labelsTr/y.nii.gz']) {
      directory.file(name);
    }
    expect(await found(directory)).toEqual([
      ['x', 'x', nifti('images/x.nii.gz', 'labels/x.nii.gz')],
      ['y', 'y', nifti('imagesTr/y_0000.nii.gz', 'labelsTr/y.nii.gz')],
    ]);
  });

  it('without a segmentation too, so that they are not passed over in silence', async () => {
    using directory = new ToyDirectory();
    for (const name of ['a/image.nii.gz', 'b/ct/1.dcm', 'images/c.nii.gz']) directory.file(name);
    expect(await found(directory)).toEqual(['a', 'b', 'c'].map((name) => [name, name, { kind: 'unlabelled' }]));
  });

  it('but not in hidden, unfinished or unrelated directories', async () => {
    using directory = new ToyDirectory();
    for (const name of ['.a/image.nii.gz', 'b.draft/image.nii.gz', 'notes/readme.txt', 'image.nii.gz']) {
      directory.file(name);
    }
    expect(await found(directory)).toEqual([]);
  });

  it('nowhere in a directory that cannot be read, and the public message does not name it', async () => {
    await expect(findCases({ directory: '/no/such/hospital' })).rejects.toMatchObject({
      code: 'site.data-unreadable',
      message: expect.not.stringContaining('hospital'),
      detail: expect.stringContaining('/no/such/hospital'),
    });
  });
});
