/**
 * What is said of the patients of cases: in the identity map of the archive they lie in; or, of cases in a directory, in
 * `case.json` (`patientId`, `issuer`, `name`, `birthDate`, `sex`) and the first slice. The name of a directory is nothing
 * that another hospital would know.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArchiveError, readIdentities } from '@consilium/archive';
import { type Keyword, parsePart10 } from '@consilium/imaging';
import { z } from 'zod';
import type { CaseFiles, FoundCase, ImageFiles } from './found-case.ts';
import type { PatientFacts } from './patient-identifier.ts';
import type { CaseDirectory } from './settings.ts';
import { SiteError } from './site-error.ts';

export interface FactsReading<T> {
  /** Of the archive's identity map, where it is not in the archive. */
  readonly identityKeyFile: string | undefined;
  /** What is wanted of the facts; the facts themselves go no further. */
  readonly digest: (facts: PatientFacts) => T;
}

/**
 * By the case's `patientId`.
 * @throws SiteError `site.identities-unreadable`
 */
export async function digestsOfPatients<T>(
  { directory, cohort }: CaseDirectory,
  cases: readonly FoundCase[],
  { identityKeyFile, digest }: FactsReading<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  if (cohort === undefined) return digestsOfFiles(cases, digest);
  const subjects = new Set(cases.map(({ patientId }) => patientId));
  try {
    return await readIdentities(directory, subjects, { keyFile: identityKeyFile, digest });
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const message = 'The identity map of the site’s archive cannot be read.';
    throw new SiteError('site.identities-unreadable', message, {
      lasting: true,
      detail: `${directory}: ${error.code}: ${error.message}`,
    });
  }
}

async function digestsOfFiles<T>(
  cases: readonly FoundCase[],
  digest: (facts: PatientFacts) => T,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const digests = new Map<string, T[]>();
  for (const { patientId, files } of cases) {
    const said = [...(await factsOfSlice(files)), ...(await factsOfNote(files))];
    digests.set(patientId, [...(digests.get(patientId) ?? []), ...said.map(digest)]);
  }
  return digests;
}

const keywords: readonly Keyword[] = [
  'PatientID',
  'IssuerOfPatientID',
  'PatientName',
  'PatientBirthDate',
  'PatientSex',
];

async function factsOfSlice(files: CaseFiles): Promise<PatientFacts[]> {
  if (files.kind !== 'labelled' || files.image.kind !== 'dicom') return [];
  try {
    const { data } = parsePart10(await readFile(files.image.slices[0]!));
    return [Object.fromEntries(keywords.map((keyword) => [keyword, data.text(keyword) ?? '']))];
  } catch {
    return []; // what is wrong with the series is found out when it is used
  }
}

const text = z.string().default('');
const noteSchema = z
  .object({ patientId: text, issuer: text, name: text, birthDate: text, sex: text })
  .transform(({ patientId, issuer, name, birthDate, sex }) => ({
    PatientID: patientId,
    IssuerOfPatientID: issuer,
    PatientName: name,
    PatientBirthDate: birthDate,
    PatientSex: sex,
  }));

async function factsOfNote(files: CaseFiles): Promise<PatientFacts[]> {
  if (files.kind !== 'labelled') return [];
  for (const place of notesOf(files.image)) {
    try {
      return [noteSchema.parse(JSON.parse(await readFile(place, 'utf8')))];
    } catch {
      // Not there, or not to be read: then it says nothing.
    }
  }
  return [];
}

/** Beside the image; above the directory of slices. `images/` holds many patients' and has none. */
export function notesOf(image: ImageFiles): string[] {
  const path = image.kind === 'nifti' ? image.path : image.slices[0]!;
  if (image.kind === 'nifti' && !basename(path).startsWith('image.nii')) return [];
  const directories = image.kind === 'nifti' ? [dirname(path)] : [dirname(path), dirname(dirname(path))];
  return directories.map((directory) => join(directory, 'case.json'));
}
