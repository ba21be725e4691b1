/** Where files of a case lie in each layout, and what each layout wants beside them. */
import { encodeNifti, segmentNamed, uidOf, writeDicomSegmentation } from '@consilium/imaging';
import type { About } from '../crate/about.ts';
import type { CrateFile } from '../crate/crate-file.ts';
import { jsonBytes, utf8 } from '../file-tree.ts';
import type { ClassTable, DatasetCase, LoadedCase } from './dataset-case.ts';
import type { DatasetForm } from './release-policy.ts';

/** A case with its place in the data set. */
export interface NumberedCase {
  readonly files: DatasetCase;
  /** From 1, in order of pseudonyms. */
  readonly patient: number;
  /** From 1 within the patient. */
  readonly run: number;
}

export interface Layout {
  /** Names the image in tables. */
  readonly imagePath: (one: NumberedCase) => string;
  readonly caseFiles: (one: NumberedCase, loaded: LoadedCase) => Promise<readonly CrateFile[]>;
  readonly commonFiles: (cases: readonly NumberedCase[]) => readonly CrateFile[];
}

export interface LayoutContext {
  readonly about: About;
  readonly classes: ClassTable;
  readonly software: string;
}

export function layoutOf(form: Exclude<DatasetForm, 'statistics'>, context: LayoutContext): Layout {
  if (form === 'bids') return bids(context);
  return form === 'nnunet' ? nnUnet(context) : dicom(context);
}

const padded = (value: number) => String(value).padStart(3, '0');
const subjectOf = ({ patient }: NumberedCase) => `sub-${padded(patient)}`;

/**
 * After BIDS 1.10 (https://bids-specification.readthedocs.io), which has no CT yet: `sub-001/ct/sub-001_run-1_ct.nii.gz`, and
 * segmentations as a derivative (`dseg`, with a table of its numbers).
 */
function bids({ about, classes, software }: LayoutContext): Layout {
  const stem = (one: NumberedCase) => `${subjectOf(one)}_run-${one.run}`;
  const imagePath = (one: NumberedCase) => `${subjectOf(one)}/ct/${stem(one)}_ct.nii.gz`;
  const authors = about.authors.map(({ name }) => name);
  const described = { BIDSVersion: '1.10.0', License: about.licence, Authors: authors };
  const generated = [{ Name: 'Consilium', Version: software }];
  return {
    imagePath,
    caseFiles: async (one, { image, labels }) => {
      const sidecar = { Modality: 'CT', Units: 'HU', ContrastPhase: one.files.phase ?? 'n/a' };
      const files: CrateFile[] = [
        { path: imagePath(one), name: `CT of ${stem(one)}`, bytes: encodeNifti(image) },
        { path: imagePath(one).replace('.nii.gz', '.json'), name: `About ${stem(one)}`, bytes: jsonBytes(sidecar) },
      ];
      if (labels === undefined) return files;
      const path = `derivatives/segmentations/${subjectOf(one)}/ct/${stem(one)}_dseg.nii.gz`;
      return [...files, { path, name: `Segmentation of ${stem(one)}`, bytes: encodeNifti(labels) }];
    },
    commonFiles: (cases) => [
      {
        path: 'dataset_description.json',
        name: 'BIDS: about the data set',
        bytes: jsonBytes({ Name: about.title, DatasetType: 'raw', ...described, GeneratedBy: generated }),
      },
      {
        path: 'derivatives/segmentations/dataset_description.json',
        name: 'BIDS: about the segmentations',
        bytes: jsonBytes({
          Name: `${about.title}: segmentations`,
          DatasetType: 'derivative',
          ...described,
          GeneratedBy: generated,
        }),
      },
      {
        path: 'derivatives/segmentations/dseg.tsv',
        name: 'BIDS: what the numbers in segmentations mean',
        bytes: utf8(tsv([['index', 'name'], ...classes.map(({ value, name }) => [String(value), name])])),
      },
      {
        path: 'participants.tsv',
        name: 'BIDS: patients',
        bytes: utf8(tsv([['participant_id'], ...[...new Set(cases.map(subjectOf))].map((name) => [name])])),
      },
    ],
  };
}

/** nnU-Net's raw data (https://github.com/MIC-DKFZ/nnUNet, dataset_format.md): test patients of the split apart. */
function nnUnet({ about, classes }: LayoutContext): Layout {
  const stem = ({ patient, run }: NumberedCase) => `case_${padded(patient)}_${run}`;
  const suffix = ({ files: { part } }: NumberedCase) => (part === 'test' ? 'Ts' : 'Tr');
  const imagePath = (one: NumberedCase) => `images${suffix(one)}/${stem(one)}_0000.nii.gz`;
  return {
    imagePath,
    caseFiles: async (one, { image, labels }) => {
      const files = [{ path: imagePath(one), name: `CT of ${stem(one)}`, bytes: encodeNifti(image) }];
      if (labels === undefined) return files;
      const path = `labels${suffix(one)}/${stem(one)}.nii.gz`;
      return [...files, { path, name: `Segmentation of ${stem(one)}`, bytes: encodeNifti(labels) }];
    },
    commonFiles: (cases) => [
      {
        path: 'dataset.json',
        name: 'nnU-Net: about the data set',
        bytes: jsonBytes({
          channel_names: { '0': 'CT' },
          labels: Object.fromEntries([['background', 0], ...classes.map(({ name, value }) => [name, value])]),
          numTraining: cases.filter(({ files: { part, label } }) => part !== 'test' && label !== undefined).length,
          file_ending: '.nii.gz',
          name: about.title,
          description: about.description,
          licence: about.licence,
        }),
      },
    ],
  };
}

/** The instances as they lie in the archive, with their pseudonyms, and a DICOM Segmentation beside them. */
function dicom({ classes, about, software }: LayoutContext): Layout {
  const folder = (one: NumberedCase) => `${subjectOf(one)}/run-${one.run}`;
  return {
    imagePath: (one) => `${folder(one)}/ct/`,
    caseFiles: async (one, { labels, series }) => {
      const { image, label } = one.files;
      if (image.kind !== 'dicom' || series === undefined) {
        return [{ path: `${folder(one)}/image.nii.gz`, name: `CT of ${folder(one)}`, bytes: await imageBytes(image) }];
      }
      const files: CrateFile[] = [];
      for (const [index, source] of image.instances.entries()) {
        const path = `${folder(one)}/ct/${String(index + 1).padStart(4, '0')}.dcm`;
        files.push({ path, name: `CT of ${folder(one)}, instance ${index + 1}`, bytes: await source.read() });
      }
      if (labels === undefined || label === undefined) return files;
      const algorithmType =
        label.kind === 'automatic' ? 'AUTOMATIC' : label.kind === 'semiautomatic' ? 'SEMIAUTOMATIC' : 'MANUAL';
      const drawnBy =
        algorithmType === 'MANUAL' ? { algorithmType } : { algorithmType, algorithmName: label.algorithm ?? 'unknown' };
      const segments = classes.map(({ name, value }) =>
        segmentNamed(name, { number: value, ...(drawnBy as { algorithmType: 'MANUAL' }) }),
      );
      const bytes = writeDicomSegmentation(labels, segments, series, {
        seriesInstanceUid: uidOf('published label series', series.instanceUid, label.sha256, about.version),
        sopInstanceUid: uidOf('published label', series.instanceUid, label.sha256, about.version),
        seriesDescription: 'Segmentation',
        contentDate: label.createdAt.slice(0, 10).replaceAll('-', ''),
        contentTime: label.createdAt.slice(11, 19).replaceAll(':', ''),
        manufacturer: 'Consilium',
        softwareVersion: software,
      });
      return [...files, { path: `${folder(one)}/seg.dcm`, name: `Segmentation of ${folder(one)}`, bytes }];
    },
    commonFiles: () => [],
  };
}

async function imageBytes(image: DatasetCase['image']): Promise<Uint8Array> {
  return image.kind === 'nifti' ? image.source.read() : new Uint8Array();
}

export function tsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.join('\t')}\n`).join('');
}
