/** Every single score, for whoever wants to compute something else: `metrics.csv` and `metrics.json`. */
import type { JobRecord, RehearsalRecord, ScoreRow } from './record.ts';

const header = [
  'model',
  'model_kind',
  'trained_at',
  'tested_at',
  'patient',
  'case',
  'region',
  'dice',
  'nsd',
  'hd95_mm',
  'volume_error_ml',
  'lesion_sensitivity',
  'false_positives',
  'brier',
  'ece',
  'synthetic',
] as const;

/**
 * RFC 4180, one row a model, case and region, sorted. An empty field: no such value; `inf`: an infinite distance,
 * because exactly one of the two masks is empty.
 */
export function metricsCsv(record: RehearsalRecord): string {
  const jobs = new Map(record.jobs.map((job) => [job.id, job]));
  const rows = sortedScores(record).map((row) => {
    const job = jobs.get(row.model)!;
    return [
      row.model,
      job.kind,
      trainedAt(job),
      row.siteId,
      row.patient,
      row.case,
      row.region,
      row.dice,
      row.nsd,
      isInfinite(row) ? 'inf' : row.hd95Mm,
      row.volumeErrorMl,
      row.lesionSensitivity,
      row.falsePositives,
      row.brier,
      row.ece,
      record.synthetic,
    ];
  });
  return [header, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

/** The same rows as JSON text; an infinite distance is the string `"inf"`, as JSON has no such number. */
export function metricsJson(record: RehearsalRecord): string {
  const jobs = new Map(record.jobs.map((job) => [job.id, job]));
  const document = {
    version: 1,
    synthetic: record.synthetic,
    toleranceMm: record.toleranceMm,
    scoredAgainst: record.scoredAgainst,
    regions: record.regions,
    scores: sortedScores(record).map((row) => ({
      model: row.model,
      modelKind: jobs.get(row.model)!.kind,
      trainedAt: trainedAt(jobs.get(row.model)!),
      testedAt: row.siteId,
      patient: row.patient,
      case: row.case,
      region: row.region,
      dice: row.dice,
      nsd: row.nsd,
      hd95Mm: isInfinite(row) ? 'inf' : row.hd95Mm,
      volumeErrorMl: row.volumeErrorMl,
      lesionSensitivity: row.lesionSensitivity,
      falsePositives: row.falsePositives,
      brier: row.brier,
      ece: row.ece,
    })),
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

function sortedScores(record: RehearsalRecord): ScoreRow[] {
  const keyed = record.scores.map(
    (row) => [JSON.stringify([row.model, row.siteId, row.patient, row.case, row.region]), row] as const,
  );
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function trainedAt(job: JobRecord): string {
  return job.siteId ?? 'all';
}

function isInfinite(row: ScoreRow): boolean {
  return row.dice !== null && row.hd95Mm === null;
}

function csvField(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
