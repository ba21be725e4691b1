/**
 * What the files of a tree are: volumes in NIfTI or NRRD with their segmentations, as they lie in nnU-Net's raw layout, in BIDS, in
 * a directory a case, or beside each other; and files that may be DICOM. A pure function of names, sizes and a few small
 * texts.
 */
import type { TreeFile } from './file-tree.ts';

export interface PlannedVolume {
  readonly image: TreeFile;
  readonly label: TreeFile | undefined;
  /** Who it is of, by whatever name the layout gives: identified. */
  readonly subject: string;
  /** BIDS's session; one study each. */
  readonly session: string;
  /** The volume's own name in its subject and session. */
  readonly name: string;
  readonly modality: string;
  /** Segment's number to its name, where the layout says it. */
  readonly segmentNames: Readonly<Record<string, string>> | undefined;
  /** What its path has in common with its segmentation's. */
  readonly group: string;
  readonly key: string;
  /** `case.json`, or nnU-Net's `dataset.json`, says `"synthetic": true`. */
  readonly isSynthetic: boolean;
}

/** A segmentation whose image is not there; it may have been, before. */
export interface LoneLabel extends Pick<PlannedVolume, 'group' | 'key' | 'segmentNames'> {
  readonly file: TreeFile;
}

type IgnoredReason =
  | 'dicomdir'
  | 'hidden'
  | 'zip'
  /** `reference.nii.gz`: a truth to be scored against, not to be trained on. */
  | 'reference'
  /** A second segmentation of the same image. */
  | 'label-beside-another'
  | 'not-an-image';

export interface IntakePlan {
  readonly volumes: readonly PlannedVolume[];
  readonly loneLabels: readonly LoneLabel[];
  /** May be DICOM: their beginning tells. */
  readonly others: readonly TreeFile[];
  readonly ignored: readonly { readonly file: TreeFile; readonly reason: IgnoredReason }[];
}

/** Small texts that say what the files are: `dataset.json` and `case.json`, by path. */
export type LayoutTexts = ReadonlyMap<string, string>;

/** Which files `planIntake` wants the text of. */
export function isLayoutText({ path, sizeBytes }: TreeFile): boolean {
  return /(?:^|\/)(?:dataset|case)\.json$/.test(path) && sizeBytes < 1_000_000;
}

/** NIfTI or NRRD. */
const volumeName = /\.(?:nii(?:\.gz)?|(?:seg\.)?nrrd)$/i;
const notImages =
  /\.(?:json|tsv|csv|txt|md|pdf|docx?|xlsx?|html?|xml|jpe?g|png|gif|mp4|bval|bvec|py|yaml|yml|log|exe)$/i;
const bidsLabelSuffix = /_(?:dseg|mask|probseg|seg|label)$/;
const labelSuffix = /[_-](?:seg|segmentation|label|labels|mask)$/i;

export function planIntake(files: readonly TreeFile[], texts: LayoutTexts): IntakePlan {
  const ignored: { file: TreeFile; reason: IgnoredReason }[] = [];
  const volumeFiles: TreeFile[] = [];
  const others: TreeFile[] = [];
  for (const file of files) {
    const name = nameOf(file.path);
    const reason = reasonToIgnore(file.path, name);
    if (reason !== undefined) ignored.push({ file, reason });
    else if (volumeName.test(name)) volumeFiles.push(file);
    else others.push(file);
  }
  const placed = volumeFiles.map((file) => placeOf(file, texts));
  const images = placed.filter((place): place is Place & { role: 'image' } => place.role === 'image');
  const labelOf = new Map<Place, TreeFile>();
  const loneLabels: LoneLabel[] = [];
  for (const place of placed) {
    if (place.role === 'reference') ignored.push({ file: place.file, reason: 'reference' });
    if (place.role !== 'label') continue;
    const image = imageFor(place, images);
    if (image === undefined) loneLabels.push(place);
    else if (labelOf.has(image)) ignored.push({ file: place.file, reason: 'label-beside-another' });
    else labelOf.set(image, place.file);
  }
  const volumes = images.map((place): PlannedVolume => {
    const { file: image, role: _, ...rest } = place;
    return { ...rest, image, label: labelOf.get(place) };
  });
  return { volumes, loneLabels, others, ignored };
}

/** What the path of a volume's file says of it. Labels have the `group` and a `key` that their image's `key` begins with. */
interface Place {
  readonly file: TreeFile;
  readonly role: 'image' | 'label' | 'reference';
  readonly group: string;
  readonly key: string;
  readonly subject: string;
  readonly session: string;
  readonly name: string;
  readonly modality: string;
  readonly segmentNames: Readonly<Record<string, string>> | undefined;
  readonly isSynthetic: boolean;
}

function placeOf(file: TreeFile, texts: LayoutTexts): Place {
  const stem = nameOf(file.path).replace(volumeName, '');
  const folder = folderOf(file.path);
  return (
    nnunetPlace(file, { stem, folder, texts }) ??
    bidsPlace(file, stem) ??
    casePlace(file, { stem, folder, texts }) ??
    siblingPlace(file, { stem, folder })
  );
}

interface PathParts {
  readonly stem: string;
  readonly folder: string;
  readonly texts: LayoutTexts;
}

/** `imagesTr/CASE_0000.nii.gz` with `labelsTr/CASE.nii.gz`, and `dataset.json` beside the two. Also `images`, `labels`. */
function nnunetPlace(file: TreeFile, { stem, folder, texts }: PathParts): Place | undefined {
  const match = /^(images|labels|references)(Tr|Ts|Val)?$/.exec(nameOf(folder));
  if (match === null) return undefined;
  const role = { images: 'image', labels: 'label', references: 'reference' }[match[1]!] as Place['role'];
  const channel = role === 'image' ? /^(.+)_(\d{4})$/.exec(stem) : null;
  const subject = channel?.[1] ?? stem;
  const dataset = jsonOf(texts.get(joined(folderOf(folder), 'dataset.json')));
  const channels = objectOf(dataset['channel_names'] ?? dataset['modality']);
  const modality = modalityOf(channels[String(Number(channel?.[2] ?? 0))]);
  return {
    ...{
      file,
      role,
      group: `${folderOf(folder)} ${match[2] ?? ''}`,
      key: subject,
      subject,
      session: '',
      name: stem,
      modality,
    },
    segmentNames: segmentNamesOf(dataset['labels']),
    isSynthetic: dataset['synthetic'] === true,
  };
}

/** `sub-01/ses-1/anat/sub-01_ses-1_ct.nii.gz`; segmentations under `derivatives/`, or by their suffix. */
function bidsPlace(file: TreeFile, stem: string): Place | undefined {
  const match = /(?:^|\/)(sub-[A-Za-z0-9]+)\/(?:(ses-[A-Za-z0-9]+)\/)?/.exec(file.path);
  if (match === null || !stem.startsWith(`${match[1]}_`)) return undefined;
  const isLabel = bidsLabelSuffix.test(stem) || /(?:^|\/)derivatives\//.test(file.path);
  const suffix = stem.slice(stem.lastIndexOf('_') + 1);
  const [subject, session] = [match[1]!, match[2] ?? ''];
  const key = stem.replace(/_(?:desc|label|space)-[A-Za-z0-9]+/g, '').replace(/_[A-Za-z0-9]+$/, '');
  return {
    ...{ file, role: isLabel ? 'label' : 'image', group: `${subject} ${session}`, key, subject, session, name: stem },
    ...{ modality: suffix.toLowerCase() === 'ct' ? 'CT' : 'MR', segmentNames: undefined, isSynthetic: false },
  };
}

/** `CASE/image.nii.gz` with `label.nii.gz` or `segmentation.nii.gz`; `case.json` may say whose it is. */
function casePlace(file: TreeFile, { stem, folder, texts }: PathParts): Place | undefined {
  const roles = {
    image: 'image',
    imaging: 'image',
    label: 'label',
    segmentation: 'label',
    reference: 'reference',
  } as const;
  const role = roles[stem as keyof typeof roles];
  if (role === undefined || folder === '') return undefined;
  const { patientId, synthetic } = jsonOf(texts.get(`${folder}/case.json`));
  const subject = typeof patientId === 'string' && patientId !== '' ? patientId : nameOf(folder);
  return {
    ...{ file, role, group: folder, key: '', subject, session: '', name: folder, modality: 'CT' },
    ...{ segmentNames: undefined, isSynthetic: synthetic === true },
  };
}

/** `X.nii.gz` with `X_seg.nii.gz`. */
function siblingPlace(file: TreeFile, { stem, folder }: Omit<PathParts, 'texts'>): Place {
  const isLabel = labelSuffix.test(stem) || /\.seg\.nrrd$/i.test(file.path);
  const subject = isLabel ? stem.replace(labelSuffix, '') : stem;
  return {
    ...{ file, role: isLabel ? 'label' : 'image', group: folder, key: subject, subject, session: '', name: stem },
    ...{ modality: 'CT', segmentNames: undefined, isSynthetic: false },
  };
}

/** The same key, else the only image of the group whose key the label's continues or begins. */
function imageFor<Image extends Place>(label: Place, images: readonly Image[]): Image | undefined {
  const inGroup = images.filter(({ group }) => group === label.group);
  const same = inGroup.find(({ key }) => key === label.key);
  if (same !== undefined) return same;
  const alike = inGroup.filter(({ key }) => key.startsWith(label.key) || label.key.startsWith(key));
  return alike.length === 1 && label.group.startsWith('sub-') ? alike[0] : undefined;
}

function reasonToIgnore(path: string, name: string): IgnoredReason | undefined {
  if (/(?:^|\/)(?:\.|__MACOSX\/)/.test(path)) return 'hidden';
  if (/^DICOMDIR$/i.test(name)) return 'dicomdir';
  if (/\.zip$/i.test(name)) return 'zip';
  return notImages.test(name) ? 'not-an-image' : undefined;
}

/** nnU-Net 2 has names to numbers, nnU-Net 1 numbers to names. Background is no segment. */
function segmentNamesOf(labels: unknown): Readonly<Record<string, string>> | undefined {
  const names = Object.entries(objectOf(labels)).flatMap(([key, value]): [string, string][] => {
    if (/^\d+$/.test(key) && typeof value === 'string') return [[key, value]];
    return typeof value === 'number' ? [[String(value), key]] : [];
  });
  const segments = names.filter(([number]) => number !== '0');
  return segments.length === 0 ? undefined : Object.fromEntries(segments);
}

function modalityOf(channel: unknown): string {
  return channel === undefined || /^ct$/i.test(String(channel)) ? 'CT' : 'MR';
}

function jsonOf(text: string | undefined): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
