/** A study as files: NIfTI or DICOM, and `case.json`; each says that it is synthetic. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeNifti } from '@consilium/imaging';
import { PhantomError } from './phantom-error.ts';
import type { PhantomStudy } from './study.ts';

/** In every NIfTI header and every `case.json`. */
const niftiDescription = 'SYNTHETIC phantom';

/**
 * `image.nii.gz`, `label.nii.gz`, `reference.nii.gz`, `case.json`; or `ct/*.dcm`, `seg.dcm`, `reference.seg.dcm`,
 * `case.json`. Makes the directory; `case.json` comes last, so that its presence says that the study is whole.
 */
export async function writeStudy(study: PhantomStudy, directory: string, format: 'nifti' | 'dicom'): Promise<void> {
  const files = format === 'nifti' ? niftiFiles(study) : niftiFiles(study);
  files.push(['case.json', new TextEncoder().encode(`${JSON.stringify(study.info, null, 2)}\n`)]);
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, bytes] of files) await writeFile(join(directory, name), bytes);
  } catch (cause) {
    throw new PhantomError('phantom.study-not-written', `study ${study.info.patientId} could not be written`, {
      detail: directory,
      cause,
    });
  }
}

function niftiFiles({ image, label, reference }: PhantomStudy): [name: string, bytes: Uint8Array][] {
  const description = niftiDescription;
  return [
    ['image.nii.gz', encodeNifti(image, { description })],
    ['label.nii.gz', encodeNifti(label, { description })],
    ['reference.nii.gz', encodeNifti(reference, { description })],
  ];
}
