/** STOW-RS (PS3.18 10.5): instances in, and for each of them what became of it. */
import { ImagingError, parsePart10 } from '@consilium/imaging';
import type { Admission, Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import type { JsonDataset } from './dicom-json.ts';
import type { Part } from './multipart-reader.ts';

export interface StoredItem {
  /** As it came; undefined if it could not be read. */
  readonly sopClassUid: string | undefined;
  readonly sopInstanceUid: string | undefined;
  readonly outcome: Admission | { readonly kind: 'failed'; readonly reason: number };
}

/** Failure Reason (0008,1197) and Warning Reason (0008,1196): PS3.18 I.2. */
const stowReasons = {
  processingFailure: 0x0110,
  notAuthorized: 0x0124,
  outOfResources: 0xa700,
  /** Of another study than the address names. */
  otherStudy: 0xa900,
  /** In quarantine: it need not be sent again. */
  quarantined: 0xb007,
} as const;

/** @param options.studyInstanceUid all instances have to be of this study, if given. */
export async function storePart(
  part: Part,
  options: { door: Door; peer: string; studyInstanceUid: string | undefined },
): Promise<StoredItem> {
  const bytes = part.takeBytes();
  const { sopClassUid, sopInstanceUid, studyInstanceUid } = uidsOf(bytes);
  const item = { sopClassUid, sopInstanceUid };
  if (options.studyInstanceUid !== undefined && studyInstanceUid !== options.studyInstanceUid) {
    return { ...item, outcome: { kind: 'failed', reason: stowReasons.otherStudy } };
  }
  try {
    const outcome = await options.door.admit(bytes, { kind: 'dicomweb', peer: options.peer });
    const isKept = outcome.kind !== 'refused' || outcome.quarantineId !== undefined;
    return { ...item, outcome: isKept ? outcome : { kind: 'failed', reason: stowReasons.notAuthorized } };
  } catch (error) {
    const reason = error instanceof ArchiveError ? stowReasons.outOfResources : stowReasons.processingFailure;
    return { ...item, outcome: { kind: 'failed', reason } };
  }
}

/** The data set of the answer, and its status (PS3.18 tables 10.5.3-1 and 10.5.3-2). */
export function stowAnswer(items: readonly StoredItem[]): { status: 200 | 202 | 409; body: JsonDataset } {
  const failed = items.filter(({ outcome }) => outcome.kind === 'failed');
  const stored = items.filter(({ outcome }) => outcome.kind !== 'failed');
  const hasWarning = stored.some(({ outcome }) => outcome.kind === 'refused');
  const body: Record<string, JsonDataset[string]> = {};
  // An empty Retrieve URL: the UIDs under which the archive gives instances out are others than those they came with.
  if (failed.length > 0) {
    body['00081198'] = sequence(failed, ({ outcome }) => ({
      '00081197': { vr: 'US', Value: [outcome.kind === 'failed' ? outcome.reason : 0] },
    }));
  }
  if (stored.length > 0) {
    body['00081199'] = sequence(stored, ({ outcome }) =>
      outcome.kind === 'refused' ? { '00081196': { vr: 'US', Value: [stowReasons.quarantined] } } : {},
    );
  }
  const status = stored.length === 0 ? 409 : failed.length > 0 || hasWarning ? 202 : 200;
  return { status, body };
}

function sequence(items: readonly StoredItem[], more: (item: StoredItem) => JsonDataset): JsonDataset[string] {
  return {
    vr: 'SQ',
    Value: items.map((item) => ({
      '00081150': { vr: 'UI', ...(item.sopClassUid === undefined ? {} : { Value: [item.sopClassUid] }) },
      '00081155': { vr: 'UI', ...(item.sopInstanceUid === undefined ? {} : { Value: [item.sopInstanceUid] }) },
      ...more(item),
    })),
  };
}

function uidsOf(bytes: Uint8Array) {
  try {
    const { data, meta } = parsePart10(bytes, { beforePixels: true });
    return {
      sopClassUid: data.text('SOPClassUID') ?? meta?.text('MediaStorageSOPClassUID'),
      sopInstanceUid: data.text('SOPInstanceUID') ?? meta?.text('MediaStorageSOPInstanceUID'),
      studyInstanceUid: data.text('StudyInstanceUID'),
    };
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
    // The door puts it in quarantine.
    return { sopClassUid: undefined, sopInstanceUid: undefined, studyInstanceUid: undefined };
  }
}
