/** Segmentations, each on the grid of one series, as they came in and with where they come from. */
import type { DatabaseSync } from 'node:sqlite';

export type LabelFormat = 'dicom-seg' | 'nifti';

export interface LabelSegment {
  readonly number: number;
  readonly name: string;
  readonly volumeMl: number;
}

/** Where a segmentation comes from. */
export interface LabelProvenance {
  readonly kind: 'manual' | 'automatic' | 'semiautomatic' | 'unknown';
  /** The program that drew it, or helped. */
  readonly algorithm: string | undefined;
  /** SOP Instance UID of a DICOM SEG. */
  readonly sopInstanceUid: string | undefined;
  /** Of formats that name no segments: what each number means. */
  readonly segmentNames?: Readonly<Record<string, string>>;
}

export interface Label {
  readonly id: number;
  readonly format: LabelFormat;
  readonly sha256: string;
  readonly provenance: LabelProvenance;
  readonly segments: readonly LabelSegment[];
  /** Whether it lies on the voxels of its series, so that it can be used for training. */
  readonly isOnGrid: boolean;
  readonly volumeMl: number | undefined;
  readonly tumourMl: number | undefined;
  readonly createdMs: number;
}

/** The newest first. */
export function labelsOf(database: DatabaseSync, seriesId: number): readonly Label[] {
  return database
    .prepare('SELECT *, lower(hex(sha256)) AS content FROM label WHERE series_id = ? ORDER BY created_ms DESC, id DESC')
    .all(seriesId)
    .map((row) => ({
      id: Number(row['id']),
      format: String(row['format']) as LabelFormat,
      sha256: String(row['content']),
      provenance: JSON.parse(String(row['provenance'])) as LabelProvenance,
      segments: JSON.parse(String(row['segments'])) as LabelSegment[],
      isOnGrid: row['is_on_grid'] === 1,
      volumeMl: row['volume_ml'] === null ? undefined : Number(row['volume_ml']),
      tumourMl: row['tumour_ml'] === null ? undefined : Number(row['tumour_ml']),
      createdMs: Number(row['created_ms']),
    }));
}

/** A segmentation that lies in the archive for a series, as far as is known without reading it. */
export type KeptLabel = Pick<Label, 'format' | 'sha256' | 'provenance' | 'createdMs'>;

/** Files that came for the series, and DICOM SEG instances that name it. */
export function segmentationsOf(database: DatabaseSync, seriesId: number): readonly KeptLabel[] {
  const files = labelsOf(database, seriesId).filter(({ format }) => format !== 'dicom-seg');
  const instances = database
    .prepare(
      `SELECT SOPInstanceUID, lower(hex(sha256)) AS content, created_ms FROM instance
       WHERE labels_series_uid = (SELECT SeriesInstanceUID FROM series WHERE id = ?) ORDER BY id`,
    )
    .all(seriesId);
  return [
    ...files,
    ...instances.map((row) => ({
      format: 'dicom-seg' as const,
      sha256: String(row['content']),
      provenance: { kind: 'unknown', algorithm: undefined, sopInstanceUid: String(row['SOPInstanceUID']) } as const,
      createdMs: Number(row['created_ms']),
    })),
  ];
}

/** Within a transaction of the caller's. The same content for the same series is one label; what is known of it is renewed. */
export function upsertLabel(database: DatabaseSync, seriesId: number, label: Omit<Label, 'id'>): void {
  database
    .prepare(
      `INSERT INTO label (series_id, format, sha256, provenance, segments, is_on_grid, volume_ml, tumour_ml, created_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET provenance = excluded.provenance, segments = excluded.segments,
         is_on_grid = excluded.is_on_grid, volume_ml = excluded.volume_ml, tumour_ml = excluded.tumour_ml`,
    )
    .run(
      ...[seriesId, label.format, Buffer.from(label.sha256, 'hex'), JSON.stringify(label.provenance)],
      ...[JSON.stringify(label.segments), label.isOnGrid ? 1 : 0, label.volumeMl ?? null, label.tumourMl ?? null],
      label.createdMs,
    );
  database
    .prepare('UPDATE series SET label_count = (SELECT count(*) FROM label WHERE series_id = series.id) WHERE id = ?')
    .run(seriesId);
}
