export { metricsCsv, metricsJson } from './metrics.ts';
export { parseRecord, type RehearsalRecord, type RehearsalRecordInput } from './record.ts';
export { reportHtml } from './report.ts';
export { StudyError } from './study-error.ts';
export { type RehearsalSummary, summaryOf } from './summary.ts';
