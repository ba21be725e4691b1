/**
 * Looks at series once nothing has been added to them for a while, or when asked: reads the volume and its segmentations
 * and writes down what they are. What waits is a state in the catalogue, so it goes on after a kill.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ArchiveEvents } from '../archive-events.ts';
import type { Annotations } from '../store/annotations.ts';
import type { CommitGroup } from '../store/commit-group.ts';
import type { ContentDirectory } from '../store/content-directory.ts';
import { type KeptLabel, segmentationsOf, upsertLabel } from '../store/label-store.ts';
import type { Describer } from './describer.ts';
import type { LabelDescription } from './label-description.ts';
import { type Phase, phaseVerdict } from './phase-guess.ts';
import type { SeriesDescription, VolumeFinding } from './series-description.ts';
import type { SeenSeries } from './series-work.ts';
import { correlationOf } from './volume-signature.ts';

/** From it on two volumes on one grid show the same. */
const duplicateCorrelationMin = 0.998;
const lookAgainMsMax = 5000;

export interface SeriesQueueParts {
  readonly database: DatabaseSync;
  readonly commits: CommitGroup;
  readonly annotations: Annotations;
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  readonly events: ArchiveEvents;
  readonly clock: ArchiveClock;
  readonly describer: Describer;
  readonly settleMs: number;
}

interface WaitingSeries {
  readonly id: number;
  readonly uid: string;
  readonly modality: string;
  readonly format: 'dicom' | 'file';
  readonly instanceCount: number;
  readonly subjectId: number;
  readonly phase: Phase | undefined;
  readonly phaseSource: string | undefined;
}

interface SeenLabel extends KeptLabel {
  readonly description: LabelDescription | undefined;
}

export class SeriesQueue {
  readonly #parts: SeriesQueueParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: SeriesQueueParts) {
    this.#parts = parts;
  }

  /** Looks at series as they settle, until the signal aborts. While the disk is full or not writable, it tries again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, settleMs } = this.#parts;
    while (!signal.aborted) {
      await this.#inTurn(() => this.#drain(signal)).catch((error: unknown) => {
        if (!(error instanceof ArchiveError)) throw error;
      });
      await clock.sleep(Math.min(lookAgainMsMax, Math.max(50, settleMs / 4)), signal);
    }
  }

  /**
   * Looks at a series now, also once more; or at all that have not been looked at. Resolves when none waits any longer.
   * @throws ArchiveError `archive.series-unknown`
   */
  async settle(seriesInstanceUid?: string): Promise<void> {
    const { database, commits } = this.#parts;
    const { changes } = await commits.run(() =>
      database
        .prepare(
          `UPDATE series SET state = 'settled'
           WHERE SeriesInstanceUID = ifnull(?1, SeriesInstanceUID) AND (?1 IS NOT NULL OR state = 'arriving')`,
        )
        .run(seriesInstanceUid ?? null),
    );
    if (seriesInstanceUid !== undefined && changes === 0) {
      throw new ArchiveError('archive.series-unknown', 'There is no such series in the archive.');
    }
    await this.#inTurn(() => this.#drain(undefined));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #drain(signal: AbortSignal | undefined): Promise<void> {
    let next = this.#next();
    if (next === undefined) return;
    for (; next !== undefined && !signal?.aborted; next = this.#next()) await this.#look(next);
    await this.#parts.describer.rest();
  }

  #next(): WaitingSeries | undefined {
    const row = this.#parts.database
      .prepare(
        `SELECT series.id AS id, SeriesInstanceUID, Modality, format, instance_count, subject_id, phase, phase_source
         FROM series JOIN study ON study.id = study_id
         WHERE state = 'settled' OR (state = 'arriving' AND arrived_ms <= ?) ORDER BY series.id LIMIT 1`,
      )
      .get(this.#parts.clock.nowMs() - this.#parts.settleMs);
    return (
      row && {
        id: Number(row['id']),
        uid: String(row['SeriesInstanceUID']),
        modality: String(row['Modality'] ?? ''),
        format: row['format'] === 'file' ? 'file' : 'dicom',
        instanceCount: Number(row['instance_count']),
        subjectId: Number(row['subject_id']),
        phase: row['phase'] === null ? undefined : (String(row['phase']) as Phase),
        phaseSource: row['phase_source'] === null ? undefined : String(row['phase_source']),
      }
    );
  }

  async #look(series: WaitingSeries): Promise<void> {
    const { database, commits, instances, labels, describer, events, clock } = this.#parts;
    const paths = database
      .prepare('SELECT lower(hex(sha256)) AS sha256 FROM instance WHERE series_id = ? ORDER BY InstanceNumber, id')
      .all(series.id)
      .map(({ sha256 }) => instances.pathOf(String(sha256)));
    const { format, modality } = series;
    const kept = segmentationsOf(database, series.id);
    const described = await describer.describe({
      ...{ format, modality, paths },
      labels: kept.map(({ format: labelFormat, provenance, sha256 }) => ({
        directory: (labelFormat === 'dicom-seg' ? instances : labels).path,
        ...{ sha256, format: labelFormat, names: provenance.segmentNames ?? {} },
      })),
    });
    const nowMs = clock.nowMs();
    await commits.run(() => {
      // What came meanwhile makes it wait again.
      const row = database.prepare('SELECT instance_count FROM series WHERE id = ?').get(series.id);
      if (Number(row?.['instance_count']) === series.instanceCount) this.#write(series, { described, kept, nowMs });
    });
    const code = described.kind === 'unreadable' ? described.finding.code : undefined;
    events.tell({ kind: 'described', seriesInstanceUid: series.uid, code, waiting: this.#waiting() });
  }

  #waiting(): number {
    const row = this.#parts.database
      .prepare("SELECT count(*) AS waiting FROM series WHERE state IN ('arriving', 'settled')")
      .get();
    return Number(row!['waiting']);
  }

  /** Within a transaction. */
  #write(
    series: WaitingSeries,
    { described, kept, nowMs }: { described: SeenSeries; kept: readonly KeptLabel[]; nowMs: number },
  ): void {
    const { database, annotations } = this.#parts;
    const find = (source: string, finding: VolumeFinding): void => {
      annotations.find(series.id, { ...finding, source, createdMs: nowMs });
    };
    for (const source of ['volume', 'label']) annotations.forget(series.id, { source });
    database
      .prepare(
        `UPDATE series SET state = ?, state_code = ?, duplicate_of = NULL, geometry = NULL, pixel_digest = NULL
         WHERE id = ?`,
      )
      .run(
        described.kind === 'unreadable' ? 'unreadable' : 'described',
        described.kind === 'unreadable' ? described.finding.code : null,
        series.id,
      );
    database.prepare('DELETE FROM series_picture WHERE series_id = ?').run(series.id);
    if (described.kind === 'unreadable') find('volume', described.finding);
    if (described.kind === 'volume') {
      for (const finding of described.description.findings) find('volume', finding);
      this.#writeVolume(series, described.description);
      const labels = kept.map((label, index) => seenLabel(label, described.labels[index]));
      for (const label of labels) this.#writeLabel(series.id, label, find);
      this.#writePhase(series, labels, find);
      this.#writeDuplicate(series, described.description, nowMs);
    }
    annotations.refreshText(series.id);
  }

  #writeVolume({ id }: WaitingSeries, description: SeriesDescription): void {
    const { geometry, coverageMm, pixelDigest, signature, thumbnail } = description;
    const { size, spacingMm } = geometry;
    this.#parts.database
      .prepare(
        `UPDATE series SET slices = ?, "rows" = ?, "columns" = ?, slice_spacing_mm = ?, pixel_spacing_mm = ?,
           slice_thickness_mm = ifnull(slice_thickness_mm, ?), coverage_mm = ?, geometry = ?, pixel_digest = ?
         WHERE id = ?`,
      )
      .run(
        ...[...size, spacingMm[0], Math.max(spacingMm[1], spacingMm[2]), spacingMm[0], coverageMm],
        ...[JSON.stringify(geometry), pixelDigest, id],
      );
    this.#parts.database
      .prepare('INSERT INTO series_picture VALUES (?, ?, ?)')
      .run(id, new Uint8Array(signature.buffer), thumbnail);
  }

  #writeLabel(seriesId: number, label: SeenLabel, find: (source: string, finding: VolumeFinding) => void): void {
    const { description, ...rest } = label;
    upsertLabel(this.#parts.database, seriesId, {
      ...rest,
      segments: description?.segments ?? [],
      isOnGrid: description?.isOnGrid ?? false,
      volumeMl: description?.volumeMl,
      tumourMl: description?.tumourMl,
    });
    if (description === undefined) find('label', findings.unreadable);
    else if (!description.isOnGrid) find('label', findings.offGrid);
    else if (description.volumeMl === 0) find('label', findings.empty);
  }

  #writePhase(
    series: WaitingSeries,
    labels: readonly SeenLabel[],
    find: (source: string, finding: VolumeFinding) => void,
  ): void {
    if (series.modality !== 'CT' || series.phaseSource === 'person') return;
    const described = series.phaseSource === 'description' ? series.phase : undefined;
    const kidneyHu = labels.map(({ description }) => description?.kidneyHu).find((hu) => hu !== undefined);
    const { phase, source, contradicts } = phaseVerdict(described, kidneyHu);
    if (contradicts) find('label', findings.phaseContradicts);
    // What the words said is kept for the next look.
    if (described !== undefined && contradicts) return;
    this.#parts.database
      .prepare('UPDATE series SET phase = ?, phase_source = ? WHERE id = ?')
      .run(phase ?? null, source ?? null, series.id);
  }

  #writeDuplicate(
    { id, subjectId }: WaitingSeries,
    { geometry, pixelDigest, signature }: SeriesDescription,
    nowMs: number,
  ): void {
    const { database, annotations } = this.#parts;
    const others = database
      .prepare(
        `SELECT series.id AS id, pixel_digest, signature, geometry, subject_id FROM series
         JOIN study ON study.id = study_id JOIN series_picture ON series_id = series.id
         WHERE series.id <> ?1 AND (subject_id = ?2 OR pixel_digest = ?3)`,
      )
      .all(id, subjectId, pixelDigest);
    const twins = others.filter((row) => {
      if (Number(row['subject_id']) !== subjectId) return false;
      if (row['pixel_digest'] === pixelDigest) return true;
      const other = JSON.parse(String(row['geometry'])) as typeof geometry;
      if (!hasSameShape(other, geometry)) return false;
      return correlationOf(signatureFrom(row['signature']), signature) >= duplicateCorrelationMin;
    });
    // Whichever was looked at first, the one that came first is the first.
    const group = [id, ...twins.map((row) => Number(row['id']))].sort((a, b) => a - b);
    for (const later of group.slice(1)) {
      database.prepare('UPDATE series SET duplicate_of = ? WHERE id = ?').run(group[0]!, later);
      annotations.find(later, { ...findings.duplicate, source: 'volume', createdMs: nowMs });
    }
    if (others.some((row) => Number(row['subject_id']) !== subjectId)) {
      annotations.find(id, { ...findings.otherSubject, source: 'volume', createdMs: nowMs });
    }
  }
}

const findings = {
  unreadable: { code: 'label.unreadable', severity: 'warning', message: 'A segmentation of it cannot be read.' },
  offGrid: { code: 'label.off-grid', severity: 'warning', message: 'A segmentation does not lie on its voxels.' },
  empty: { code: 'label.empty', severity: 'warning', message: 'A segmentation of it is empty.' },
  phaseContradicts: {
    code: 'label.phase-contradicts',
    severity: 'warning',
    message: 'Its description names another phase than the brightness of the kidneys shows.',
  },
  duplicate: {
    code: 'volume.duplicate',
    severity: 'note',
    message: 'An earlier series of the subject shows the same.',
  },
  otherSubject: {
    code: 'volume.of-other-subject',
    severity: 'warning',
    message: 'Another subject has a series with exactly these pixels: one patient may go under two pseudonyms.',
  },
} as const satisfies Record<string, VolumeFinding>;

/** A DICOM SEG says itself who or what drew it. */
function seenLabel(label: KeptLabel, description: LabelDescription | undefined): SeenLabel {
  const { provenance } = label;
  return { ...label, provenance: { ...provenance, ...description?.drawnBy }, description };
}

function hasSameShape(a: SeriesDescription['geometry'], b: SeriesDescription['geometry']): boolean {
  return [0, 1, 2].every(
    (axis) => a.size[axis] === b.size[axis] && Math.abs(a.spacingMm[axis]! - b.spacingMm[axis]!) < 1e-3,
  );
}

function signatureFrom(blob: unknown): Int16Array {
  const bytes = Uint8Array.from(blob as Uint8Array);
  return new Int16Array(bytes.buffer);
}
