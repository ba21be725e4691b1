/**
 * Finds the cases in a hospital's directory. Understood are
 *  - `<case>/image.nii.gz` with `label.nii.gz` or `segmentation.nii.gz`, and `reference.nii.gz` where there is one;
 *  - `<case>/ct/` or `<case>/` with a DICOM series, `seg.dcm`, and `reference.seg.dcm` where there is one;
 *  - `images/X.nii.gz` with `labels/X.nii.gz` (and `references/X.nii.gz`), also as nnU-Net names them: `imagesTr/X_0000`.
 * `.nii` is as good as `.nii.gz`. Who the patient is says `case.json` in the case's directory, `{ "patientId": "..." }`,
 * else the series' PatientID, else the case's name. `"phase"` there, one of unenhanced, corticomedullary, nephrographic and
 * excretory, says in which phase of contrast enhancement it was taken.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDicomSeries } from '@consilium/imaging';
import { type ContrastPhase, contrastPhases } from '@consilium/training';
import { casesOfArchive, shareOf } from './archive-cases.ts';
import type { CaseFiles, FoundCase, SegmentationFile } from './found-case.ts';
import type { CaseDirectory } from './settings.ts';
import { SiteError } from './site-error.ts';

const imagesName = /^images(?:Tr)?$/;

/**
 * The cases of a source in order of their names.
 * @throws SiteError `site.data-unreadable`, `site.cohort-unreadable`, `site.split-unusable`
 */
export async function findCases({ directory, cohort, share }: CaseDirectory): Promise<FoundCase[]> {
  const found = cohort === undefined ? await casesIn(directory) : casesOfArchive(directory, cohort);
  const mine = share === undefined ? found : shareOf(found, share);
  return mine.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function casesIn(directory: string): Promise<FoundCase[]> {
  const entries = await listing(directory);
  const found: FoundCase[] = [];
  for (const { name, isDirectory } of entries) {
    if (!isDirectory) continue;
    if (imagesName.test(name)) found.push(...(await pairsIn(directory, name)));
    else found.push(...(await caseIn(join(directory, name), name)));
  }
  return found;
}

interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** In order of names; hidden entries and unfinished ones (`.draft`) left out. */
async function listing(directory: string): Promise<Entry[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith('.') && !name.endsWith('.draft'))
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() || entry.isSymbolicLink() }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    throw new SiteError('site.data-unreadable', 'The site’s data directory cannot be read.', {
      lasting: true,
      detail: `${directory}: ${(error as Error).message}`,
    });
  }
}

/** One case, or none if the directory holds nothing that looks like an image. */
async function caseIn(directory: string, name: string): Promise<FoundCase[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names = entries.map((entry) => entry.name).sort();
  const files = niftiFiles(directory, names) ?? (await dicomFiles(directory, names));
  if (files === null) return [];
  const stated = await statedFacts(directory, names);
  const patientId = stated.patientId ?? (await patientOfSeries(files)) ?? name;
  return [{ name, patientId, files, ...(stated.phase === undefined ? {} : { phase: stated.phase }) }];
}

function niftiFiles(directory: string, names: readonly string[]): CaseFiles | null {
  const file = (stem: string) => names.find((name) => name === `${stem}.nii.gz` || name === `${stem}.nii`);
  const image = file('image');
  if (image === undefined) return null;
  const label = file('label') ?? file('segmentation');
  if (label === undefined) return { kind: 'unlabelled' };
  const reference = file('reference');
  const paths = { image: join(directory, image), label: join(directory, label) };
  return niftiCase(reference === undefined ? paths : { ...paths, reference: join(directory, reference) });
}

async function dicomFiles(directory: string, names: readonly string[]): Promise<CaseFiles | null> {
  const segmentation = names.find((name) => /^seg(?:mentation)?\.dcm$/i.test(name));
  const reference = names.find((name) => /^reference(?:\.seg)?\.dcm$/i.test(name));
  const isSlice = (name: string) => /\.dcm$/i.test(name) && name !== segmentation && name !== reference;
  const slices = names.includes('ct')
    ? (await listing(join(directory, 'ct'))).filter((entry) => !entry.isDirectory).map(({ name }) => join('ct', name))
    : names.filter(isSlice);
  if (slices.length === 0) return null;
  if (segmentation === undefined) return { kind: 'unlabelled' };
  const segmentationFile = (name: string): SegmentationFile => ({ format: 'dicom-seg', path: join(directory, name) });
  return {
    kind: 'labelled',
    image: { kind: 'dicom', slices: slices.map((name) => join(directory, name)) },
    label: segmentationFile(segmentation),
    ...(reference === undefined ? {} : { reference: segmentationFile(reference) }),
  };
}

function niftiCase({ image, label, reference }: { image: string; label: string; reference?: string }): CaseFiles {
  return {
    kind: 'labelled',
    image: { kind: 'nifti', path: image },
    label: { format: 'nifti', path: label },
    ...(reference === undefined ? {} : { reference: { format: 'nifti', path: reference } }),
  };
}

/** What `case.json` says; of what it says wrongly, nothing. */
async function statedFacts(
  directory: string,
  names: readonly string[],
): Promise<{ readonly patientId?: string | undefined; readonly phase?: ContrastPhase | undefined }> {
  if (!names.includes('case.json')) return {};
  try {
    const stated = JSON.parse(await readFile(join(directory, 'case.json'), 'utf8')) as Record<string, unknown>;
    const { patientId, phase } = stated;
    return {
      patientId: typeof patientId === 'string' && patientId !== '' ? patientId : undefined,
      phase: contrastPhases.find((known) => known === phase),
    };
  } catch {
    return {};
  }
}

/** From the first slice alone; a series that cannot be read is found out later. */
async function patientOfSeries(files: CaseFiles): Promise<string | undefined> {
  if (files.kind !== 'labelled' || files.image.kind !== 'dicom') return undefined;
  try {
    const { series } = await readDicomSeries([await readFile(files.image.slices[0]!)]);
    return series.patient.id === '' ? undefined : series.patient.id;
  } catch {
    return undefined;
  }
}

async function pairsIn(directory: string, imagesDirectory: string): Promise<FoundCase[]> {
  const suffix = imagesDirectory.slice('images'.length);
  const stemOf = (name: string) => name.replace(/\.nii(?:\.gz)?$/, '').replace(/_0000$/, '');
  const filesIn = async (folder: string): Promise<Map<string, string>> => {
    const names = await readdir(join(directory, folder)).catch(() => []);
    return new Map(
      names
        .filter((name) => /\.nii(?:\.gz)?$/.test(name) && !name.startsWith('.'))
        .map((name) => [stemOf(name), join(directory, folder, name)]),
    );
  };
  const images = await filesIn(imagesDirectory);
  const labels = await filesIn(`labels${suffix}`);
  const references = await filesIn(`references${suffix}`);
  return [...images].map(([name, image]) => {
    const label = labels.get(name);
    const reference = references.get(name);
    if (label === undefined) return { name, patientId: name, files: { kind: 'unlabelled' } };
    const files = niftiCase(reference === undefined ? { image, label } : { image, label, reference });
    return { name, patientId: name, files };
  });
}
