/** A study as files: NIfTI or DICOM, and `case.json`; each says that it is synthetic. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeNifti } from '@consilium/imaging';
import { dicomFiles, type StudyFile } from './dicom-study.ts';
import { PhantomError } from './phantom-error.ts';
import type { PhantomStudy } from './study.ts';

/** Description in every NIfTI header. */
const niftiDescription = 'SYNTHETIC phantom';

/**
 * `image.nii.gz`, `label.nii.gz`, `reference.nii.gz`, `case.json`; or `ct/*.dcm`, `seg.dcm`, `reference.seg.dcm`,
 * `case.json`. Makes the directory; `case.json` comes last, so that its presence says that the study is whole.
 *
 * @throws PhantomError `phantom.study-not-written`
 */
export async function writeStudy(study: PhantomStudy, directory: string, format: 'nifti' | 'dicom'): Promise<void> {
  const files = format === 'nifti' ? niftiFiles(study) : dicomFiles(study);
  const info = new TextEncoder().encode(`${JSON.stringify(study.info, null, 2)}\n`);
  try {
    for (const [path, bytes] of [...files, ['case.json', info] as const]) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes);
    }
  } catch (cause) {
    throw new PhantomError('phantom.study-not-written', `study ${study.info.patientId} could not be written`, {
      detail: directory,
      cause,
    });
  }
}

function niftiFiles({ image, label, reference }: PhantomStudy): StudyFile[] {
  const description = niftiDescription;
  return [
    ['image.nii.gz', encodeNifti(image, { description })],
    ['label.nii.gz', encodeNifti(label, { description })],
    ['reference.nii.gz', encodeNifti(reference, { description })],
  ];
}
