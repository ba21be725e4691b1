import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodeNifti,
  readDicomSeries,
  renalSegments,
  uidOf,
  writeDicomSegmentation,
  writeDicomSeries,
} from '@consilium/imaging';
import { describe, expect, it } from 'vitest';
import { findCases } from './case-finder.ts';
import { caseSource } from './case-reader.ts';
import { ToyDirectory, toyVolume } from './toy-hospital.fixture.ts';

const image = toyVolume((index) => (index % 300) - 100);
const labels = toyVolume((index) => (index >> 6) % 4);
const labelMap = { geometry: labels.geometry, voxels: Uint8Array.from(labels.voxels) };

async function writeDicom(directory: ToyDirectory, patientId: string): Promise<void> {
  const acquisition = {
    manufacturer: '',
    model: '',
    kvp: 120,
    kernel: undefined,
    sliceThicknessMm: 2,
    contrastAgent: undefined,
    comments: undefined,
  };
  const study = {
    instanceUid: uidOf('study'),
    id: '1',
    date: '',
    time: '',
    accessionNumber: '',
    referringPhysician: '',
    description: '',
  };
  const files = writeDicomSeries(image, {
    seriesInstanceUid: uidOf('series'),
    frameOfReferenceUid: uidOf('frame'),
    patient: { id: patientId, name: 'TOY', birthDate: '', sex: '' },
    study,
    acquisition,
  });
  for (const [z, bytes] of files.entries()) directory.file(`scan/ct/${(z * 7) % 8}.dcm`, bytes);
  const { series } = await readDicomSeries(files);
  const segmentation = writeDicomSegmentation(labelMap, renalSegments({ algorithmType: 'MANUAL' }), series, {
    seriesInstanceUid: uidOf('segmentation'),
    sopInstanceUid: uidOf('segmentation', 1),
    contentDate: '20260101',
    contentTime: '120000',
  });
  directory.file('scan/seg.dcm', segmentation);
  directory.file('scan/reference.seg.dcm', segmentation);
}

describe('a case', () => {
  it('is the same read from DICOM as from NIfTI', async () => {
    using directory = new ToyDirectory();
    await writeDicom(directory, 'P1');
    directory.file('volume/image.nii.gz', encodeNifti(image));
    directory.file('volume/label.nii.gz', encodeNifti(labels));
    directory.file('volume/reference.nii.gz', encodeNifti(labels));
    const [dicom, nifti] = await Promise.all(
      (await findCases({ directory: directory.path })).map((found) => caseSource(found).load()),
    );
    expect(dicom!.label).toEqual(nifti!.label);
    expect(dicom!.reference!.voxels).toEqual(nifti!.reference!.voxels);
    expect(dicom!.image).toEqual(nifti!.image);
  });

  it('belongs to the patient that its DICOM series names', async () => {
    using directory = new ToyDirectory();
    await writeDicom(directory, 'P1');
    expect(await findCases({ directory: directory.path })).toMatchObject([{ name: 'scan', patientId: 'P1' }]);
  });

  it('of which a DICOM slice is missing or cut off cannot be used; the file is named in the detail only', async () => {
    using directory = new ToyDirectory();
    await writeDicom(directory, 'P1');
    const slice = join(directory.path, 'scan/ct/3.dcm');
    directory.file('scan/ct/3.dcm', readFileSync(slice).subarray(0, 300));
    const [found] = await findCases({ directory: directory.path });
    const error = await caseSource(found!)
      .load()
      .catch((caught: Error) => caught);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^imaging\./),
      cause: { message: expect.stringContaining('scan/ct') },
    });
    expect((error as Error).message).not.toContain('scan');
  });

  it('has another hash when any byte of its files changes', async () => {
    using directory = new ToyDirectory();
    directory.toyCase('a', { reference: true });
    const hash = async () => caseSource((await findCases({ directory: directory.path }))[0]!).contentSha256();
    const first = await hash();
    expect(await hash()).toBe(first);
    directory.file('a/reference.nii.gz', 'other');
    expect(await hash()).not.toBe(first);
  });
});
