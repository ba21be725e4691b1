/** Takes in all files of a tree that have not been taken in by the same import before. */
import { formatPart10, ImagingError, parsePart10, withStatedUids } from '@consilium/imaging';
import type { Admission, Door, Origin } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import type { Curation } from '../curation.ts';
import { ByteBudget } from '../dimse/byte-budget.ts';
import type { FileTree, TreeFile } from './file-tree.ts';
import { FolderGroups } from './folder-groups.ts';
import type { FileOutcome, ImportLedger } from './import-ledger.ts';
import { type IntakePlan, isLayoutText, type LoneLabel, type PlannedVolume, planIntake } from './intake-plan.ts';
import type { VolumeDoor } from './volume-door.ts';

export interface ImportRunParts {
  readonly door: Door;
  readonly volumes: VolumeDoor;
  readonly curation: Pick<Curation, 'findOfInstance'>;
  readonly ledger: ImportLedger;
  readonly labelNames: Readonly<Record<string, string>>;
  readonly bytesAtOnceMax: number;
}

export interface ImportRun {
  readonly importId: string;
  /** The folder or zip file. */
  readonly root: string;
  readonly tree: FileTree;
  /** Files that state no study and series are taken for one series a folder. */
  readonly oneSeriesAFolder?: boolean;
  readonly origin: Origin;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (done: number, total: number) => void;
}

/** Side by side, so that they share flushes of the disk. */
const filesAtOnce = 16;
/** Enough to tell whether a file is DICOM. */
const headBytes = 1024;

/**
 * Resolves when every file has an outcome, or when the signal aborts.
 * @throws ArchiveError `archive.disk-full`, `archive.not-writable`, `archive.zip-malformed`
 */
export async function runImport(parts: ImportRunParts, run: ImportRun): Promise<void> {
  const { tree, importId, signal } = run;
  const texts = new Map<string, string>();
  for (const file of tree.files.filter(isLayoutText)) {
    texts.set(file.path, Buffer.from(await tree.read(file)).toString('utf8'));
  }
  const plan = planIntake(tree.files, texts);
  const work = workOf(parts, run, plan);
  let done = tree.files.length - work.reduce((sum, { files }) => sum + files.length, 0);
  const budget = new ByteBudget({ bytesMax: parts.bytesAtOnceMax });
  const queue = work.values();
  const failed = new AbortController();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (signal?.aborted || failed.signal.aborted) return;
      const holder = {};
      await budget.take(
        holder,
        item.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      );
      try {
        await item.take();
      } catch (error) {
        failed.abort(error);
      } finally {
        budget.letGo(holder);
      }
      done += item.files.length;
      run.onProgress(done, tree.files.length);
    }
  };
  for (const { file, reason } of plan.ignored) {
    if (parts.ledger.outcomeOf(importId, file) !== undefined) continue;
    await parts.ledger.note(importId, file, { outcome: 'ignored', code: reason });
  }
  await Promise.all(Array.from({ length: filesAtOnce }, worker));
  failed.signal.throwIfAborted();
}

interface WorkItem {
  readonly files: readonly TreeFile[];
  readonly take: () => Promise<void>;
}

function workOf(parts: ImportRunParts, run: ImportRun, plan: IntakePlan): readonly WorkItem[] {
  const groups = run.oneSeriesAFolder === true ? new FolderGroups(run.tree, plan.others) : undefined;
  const isOpen = (file: TreeFile): boolean => parts.ledger.outcomeOf(run.importId, file) === undefined;
  const volumes = plan.volumes
    .map((volume) => ({ volume, files: [volume.image, ...(volume.label === undefined ? [] : [volume.label])] }))
    .filter(({ files }) => files.some(isOpen));
  return [
    ...volumes.map(({ volume, files }) => ({ files, take: () => takeVolume(parts, run, volume) })),
    ...plan.loneLabels
      .filter(({ file }) => isOpen(file) || parts.ledger.outcomeOf(run.importId, file)?.code === withoutImage)
      .map((label) => ({ files: [label.file], take: () => takeLoneLabel(parts, run, label) })),
    ...plan.others
      .filter(isOpen)
      .map((file) => ({ files: [file], take: () => takeDicom(parts, run, { file, groups }) })),
  ];
}

interface DicomWork {
  readonly file: TreeFile;
  readonly groups: FolderGroups | undefined;
}

async function takeDicom(parts: ImportRunParts, run: ImportRun, work: DicomWork): Promise<void> {
  const { file } = work;
  const note = (outcome: FileOutcome): Promise<void> => parts.ledger.note(run.importId, file, outcome);
  if (!looksLikeDicom(await run.tree.read(file, { bytesMax: headBytes }))) {
    return note({ outcome: 'ignored', code: 'not-an-image' });
  }
  const admission = await admitted(parts, run, work);
  const code = admission.kind === 'refused' ? admission.code : undefined;
  await note({ outcome: admission.kind, code });
}

async function admitted(
  { door, curation }: ImportRunParts,
  { origin, tree }: ImportRun,
  { file, groups }: DicomWork,
): Promise<Admission> {
  const bytes = await tree.read(file);
  if (groups === undefined || !isUngrouped(bytes)) return door.admit(bytes, origin);
  const stated = formatPart10(withStatedUids(parsePart10(bytes), await groups.groupOf(file)));
  const admission = await door.admit(stated, origin);
  if (admission.kind === 'stored') await curation.findOfInstance(admission.sopInstanceUid, grouped);
  return admission;
}

const grouped = {
  code: 'volume.grouped-by-folder',
  severity: 'note',
  message: 'Its files state no study and series; they were taken for one because they lay in one folder.',
  source: 'door',
} as const;

function isUngrouped(bytes: Uint8Array): boolean {
  try {
    const { data } = parsePart10(bytes, { beforePixels: true });
    return [data.text('StudyInstanceUID'), data.text('SeriesInstanceUID')].some((uid) => (uid ?? '') === '');
  } catch (error) {
    if (error instanceof ImagingError) return false;
    throw error;
  }
}

const withoutImage = 'label-without-image';

async function takeVolume(parts: ImportRunParts, run: ImportRun, volume: PlannedVolume): Promise<void> {
  const { ledger, volumes } = parts;
  const { image, label, group, key } = volume;
  const admission = await volumes.admit(await run.tree.read(image), volume);
  const refusal = admission.kind === 'refused' ? admission.code : undefined;
  await ledger.note(run.importId, image, { outcome: admission.kind, code: refusal });
  if (admission.kind !== 'refused')
    await ledger.noteVolume({ root: run.root, group, key }, admission.seriesInstanceUid);
  if (label === undefined) return;
  if (admission.kind === 'refused') {
    return ledger.note(run.importId, label, { outcome: 'ignored', code: withoutImage });
  }
  await takeLabel(parts, run, { ...volume, file: label, seriesInstanceUid: admission.seriesInstanceUid });
}

/** Its image may have been taken in before, and moved away. */
async function takeLoneLabel(parts: ImportRunParts, run: ImportRun, label: LoneLabel): Promise<void> {
  const seriesInstanceUid = parts.ledger.volumeAt({ ...label, root: run.root });
  if (seriesInstanceUid !== undefined) return takeLabel(parts, run, { ...label, seriesInstanceUid });
  await parts.ledger.note(run.importId, label.file, { outcome: 'ignored', code: withoutImage });
}

async function takeLabel(
  { ledger, volumes, labelNames }: ImportRunParts,
  run: ImportRun,
  label: Pick<LoneLabel, 'file' | 'segmentNames'> & { readonly seriesInstanceUid: string },
): Promise<void> {
  const { file, seriesInstanceUid, segmentNames = labelNames } = label;
  const labelled = await volumes.admitLabel(await run.tree.read(file), { seriesInstanceUid, segmentNames });
  const code = labelled.kind === 'refused' ? labelled.code : undefined;
  await ledger.note(run.importId, file, { outcome: labelled.kind, code });
}

/** With a preamble, or beginning with a tag of group 0002 or 0008 as old archives export. */
function looksLikeDicom(head: Uint8Array): boolean {
  if (head.length >= 132 && Buffer.from(head.subarray(128, 132)).toString('latin1') === 'DICM') return true;
  const [group, element] = head.length < 8 ? [0, 0] : [head[0]! | (head[1]! << 8), head[2]! | (head[3]! << 8)];
  return (group === 0x0008 || group === 0x0002) && element <= 0x0100;
}

/** Ours and lasting: what a file is to blame for is an outcome, not an error. */
export function codeOfFailure(error: unknown): string {
  return error instanceof ArchiveError ? error.code : 'archive.import-failed';
}
