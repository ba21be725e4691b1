/**
 * A data set's crate: images with segmentations in the form that the site allows, or numbers alone; where labels come from,
 * the proof that identity was removed, data sheet and Croissant metadata. Read and written case by case.
 */
import type { KeyObject } from 'node:crypto';
import { type CroissantTable, croissant } from './cards/croissant.ts';
import { dataSheet } from './cards/data-sheet.ts';
import type { About } from './crate/about.ts';
import { CrateWriter } from './crate/crate-writer.ts';
import type { SignedManifest } from './crate/signed-manifest.ts';
import { cohortStatistics } from './dataset/cohort-statistics.ts';
import { classTable, type DatasetCase, loadCase } from './dataset/dataset-case.ts';
import { layoutOf, type NumberedCase, tsv } from './dataset/dataset-layout.ts';
import { DeidentificationCheck, type DeidentificationProof } from './dataset/deidentification-proof.ts';
import { checkRelease, type DatasetForm, type ReleasePolicy } from './dataset/release-policy.ts';
import { type FileSink, jsonBytes, utf8 } from './file-tree.ts';

export interface DatasetPublication {
  readonly about: About;
  readonly form: DatasetForm;
  readonly policy: ReleasePolicy;
  readonly cohort: {
    readonly name: string;
    readonly version: number;
    readonly query: string;
    /** Reason to how many series. */
    readonly excluded: Readonly<Record<string, number>>;
  };
  readonly cases: readonly DatasetCase[];
  /** Version of Consilium. */
  readonly software: string;
  /** The site lets it out: awaited before anything is read. */
  readonly onRelease: () => Promise<void>;
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * @throws PublicationError `publication.release-forbidden`, `publication.too-few-patients`, `publication.not-deidentified`;
 *   ImagingError of a case that cannot be read
 */
export async function publishDataset(
  sink: FileSink,
  publication: DatasetPublication,
  key: KeyObject,
): Promise<{ readonly manifest: SignedManifest; readonly proof: DeidentificationProof | null }> {
  const { about, cases, cohort, form, policy, software } = publication;
  const patients = new Set(cases.map(({ patientId }) => patientId)).size;
  checkRelease(policy, { form, cohort: cohort.name, patients });
  await publication.onRelease();
  const writer = new CrateWriter(sink);
  const proof = form === 'statistics' ? null : await writeCases(writer, { ...publication, form });
  const statistics = cohortStatistics(cases, policy.minimumPatients);
  await writer.add({ path: 'statistics.json', name: 'The cohort in numbers', bytes: jsonBytes(statistics) });
  if (proof !== null) {
    await writer.add({
      path: 'deidentification.json',
      name: 'What was found in the files of their de-identification',
      bytes: jsonBytes(proof),
    });
  }
  const known = {
    Composition: [
      `${patients} patients, ${cases.length} images; ${cases.filter(({ label }) => label !== undefined).length} with a segmentation.`,
      `Cohort ${cohort.name}, version ${cohort.version}: ${cohort.query === '' ? 'all series' : `\`${cohort.query}\``}.`,
      ...Object.entries(cohort.excluded).map(([reason, count]) => `Excluded as ${reason}: ${count} series.`),
    ],
    'Preprocessing and labelling': [
      ...(proof === null ? ['Images and segmentations are not in it.'] : []),
      ...(proof === null || proof.instances === 0
        ? []
        : [`All ${proof.instances} DICOM instances say that identity was removed; methods: deidentification.json.`]),
    ],
    Distribution: [`Licence: ${about.licence}.`],
  };
  await writer.add({ path: 'data-sheet.md', name: 'Data sheet', bytes: utf8(dataSheet(about, { known })) });
  const tables = proof === null ? [] : [casesTable];
  await writer.add({
    path: 'croissant.json',
    name: 'Croissant metadata',
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    bytes: jsonBytes(croissant(about, writer.files, tables)),
  });
  const keywords = ['computed tomography', 'segmentation', ...classTable(cases).map(({ name }) => name)];
  const made = { software: { consilium: software } };
  return { manifest: await writer.finish({ about, keywords, made }, key), proof };
}

async function writeCases(
  writer: CrateWriter,
  publication: DatasetPublication & { readonly form: Exclude<DatasetForm, 'statistics'> },
): Promise<DeidentificationProof> {
  const { about, form, software, onProgress, signal } = publication;
  const classes = classTable(publication.cases);
  const cases = numbered(publication.cases);
  const layout = layoutOf(form, { about, classes, software });
  const check = new DeidentificationCheck();
  for (const [index, one] of cases.entries()) {
    signal?.throwIfAborted();
    await checkHeaders(one, check);
    const loaded = await loadCase(one.files, classes);
    for (const file of await layout.caseFiles(one, loaded)) await writer.add(file);
    onProgress?.(index + 1, cases.length);
  }
  for (const file of layout.commonFiles(cases)) await writer.add(file);
  const rows = cases.map((one) => {
    const { label, part, phase } = one.files;
    return [
      ...[`sub-${String(one.patient).padStart(3, '0')}`, layout.imagePath(one), phase ?? 'n/a', part ?? 'n/a'],
      ...[label?.kind ?? 'n/a', label?.algorithm ?? 'n/a', label?.createdAt ?? 'n/a', label?.sha256 ?? 'n/a'],
    ];
  });
  await writer.add({
    path: casesTable.path,
    name: casesTable.description,
    bytes: utf8(tsv([casesTable.columns.map(({ name }) => name), ...rows])),
  });
  return check.proof;
}

async function checkHeaders({ files: { image } }: NumberedCase, check: DeidentificationCheck): Promise<void> {
  if (image.kind === 'nifti') return check.addImageWithoutHeader();
  for (const source of image.instances) check.addInstance(await source.read());
}

const column = (name: string, description: string) => ({ name, type: 'Text', description }) as const;

const casesTable: CroissantTable = {
  path: 'cases.tsv',
  name: 'cases',
  description: 'Images with their segmentations and where these come from',
  columns: [
    column('patient', 'Running number of the patient'),
    column('image', 'File or folder of the image'),
    column('phase', 'Phase of contrast enhancement'),
    column('part', 'Part of the split'),
    column('label_kind', 'manual, semiautomatic, automatic or unknown'),
    column('label_tool', 'Program that drew the segmentation, or helped'),
    column('label_created', 'When that version came to be'),
    column('label_sha256', 'Names the version of the segmentation in the archive'),
  ],
};

/** In order of pseudonyms, which say nothing of the order in which patients came. */
function numbered(cases: readonly DatasetCase[]): NumberedCase[] {
  const patients = [...new Set(cases.map(({ patientId }) => patientId))].sort();
  const runs = new Map<string, number>();
  return cases
    .toSorted((one, other) => (one.patientId < other.patientId ? -1 : one.patientId > other.patientId ? 1 : 0))
    .map((files) => {
      const run = (runs.get(files.patientId) ?? 0) + 1;
      runs.set(files.patientId, run);
      return { files, patient: patients.indexOf(files.patientId) + 1, run };
    });
}
