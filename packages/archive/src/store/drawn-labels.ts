/**
 * The way into the archive for segmentations that were drawn here, on series of the archive: de-identified already, so not
 * through the door. From here on they are labels like any other.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ArchiveEvents } from '../archive-events.ts';
import type { CommitGroup } from './commit-group.ts';
import { type ContentDirectory, sha256Of } from './content-directory.ts';
import { readInstanceHeader } from './instance-header.ts';
import type { InstanceRecorder } from './instance-recorder.ts';
import { type LabelProvenance, type LabelSegment, upsertLabel } from './label-store.ts';

export interface DrawnLabelsParts {
  readonly database: DatabaseSync;
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  readonly recorder: InstanceRecorder;
  readonly commits: CommitGroup;
  readonly events: ArchiveEvents;
  readonly clock: ArchiveClock;
}

/** A label for a series that came as NIfTI or NRRD, and has no DICOM to refer to. */
export interface DrawnNifti {
  readonly bytes: Uint8Array;
  readonly provenance: LabelProvenance;
  readonly segments: readonly LabelSegment[];
}

export class DrawnLabels {
  readonly #parts: DrawnLabelsParts;

  constructor(parts: DrawnLabelsParts) {
    this.#parts = parts;
  }

  /**
   * Durable when resolved; the series is looked at again then. The same file twice is one label.
   * @param bytes a DICOM SEG that refers to a series here, by UIDs as the archive has them.
   * @returns the SHA-256 of the file.
   * @throws ArchiveError `archive.subject-erased`, `archive.instance-misplaced`, `archive.disk-full`
   */
  async keepSegmentation(bytes: Uint8Array): Promise<string> {
    const { instances, recorder, commits, events, clock } = this.#parts;
    const header = readInstanceHeader(bytes);
    const sha256 = await instances.put(bytes);
    const nowMs = clock.nowMs();
    const source = Buffer.from(sha256, 'hex');
    const record = { header, format: 'dicom', sha256, source, sizeBytes: bytes.length, nowMs, changes: [] } as const;
    const { kind } = await commits.run(() => recorder.record(record));
    if (kind === 'stored') {
      const stated = (keyword: string): string => header.attributes.get(keyword)![0]!;
      const [studyInstanceUid, seriesInstanceUid] = [stated('StudyInstanceUID'), stated('SeriesInstanceUID')];
      events.tell({ kind: 'stored', studyInstanceUid, seriesInstanceUid });
    }
    if (kind === 'stored' || kind === 'duplicate') return sha256;
    await instances.remove(sha256);
    if (kind === 'erased') throw erased();
    const message = 'Another instance goes under the UIDs of the segmentation already.';
    throw new ArchiveError('archive.instance-misplaced', message);
  }

  /** As `keepSegmentation`. @throws ArchiveError `archive.series-unknown`, `archive.disk-full` */
  async keepNifti(seriesInstanceUid: string, { bytes, provenance, segments }: DrawnNifti): Promise<string> {
    const { database, labels, commits, clock } = this.#parts;
    const sha256 = sha256Of(bytes);
    await labels.put(bytes, sha256);
    const createdMs = clock.nowMs();
    await commits.run(() => {
      const row = database.prepare('SELECT id FROM series WHERE SeriesInstanceUID = ?').get(seriesInstanceUid);
      if (row === undefined)
        throw new ArchiveError('archive.series-unknown', 'There is no such series in the archive.');
      upsertLabel(database, Number(row['id']), {
        ...{ format: 'nifti', sha256, provenance, segments, createdMs },
        ...{ isOnGrid: true, volumeMl: undefined, tumourMl: undefined },
      });
      database.prepare("UPDATE series SET state = 'settled' WHERE id = ?").run(row['id']!);
    });
    return sha256;
  }
}

function erased(): ArchiveError {
  return new ArchiveError(
    'archive.subject-erased',
    'The subject was erased from this archive and may not come in again.',
  );
}
