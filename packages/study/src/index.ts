export { type Choice, choiceOf, standingsOf } from './experiment/choice.ts';
export {
  configurationsOf,
  type PlannedRun,
  type RunContext,
  runsOf,
  sha256,
  shortened,
} from './experiment/expansion.ts';
export { analyse, type ExperimentAnalysis } from './experiment/experiment-analysis.ts';
export { experimentFigures } from './experiment/experiment-figures.ts';
export { type Experiment, parseExperiment } from './experiment/experiment-file.ts';
export {
  type ExperimentRecord,
  parseExperimentRecord,
  type RunRecord,
  runRecordSchema,
} from './experiment/experiment-record.ts';
export { promoted, rungRounds } from './experiment/halving.ts';
export type { RunSettings } from './experiment/run-settings.ts';
export { type TestedModel, type TestLedger, testLedgerSchema, withLook } from './experiment/test-ledger.ts';
export { type SiteDifferences, siteDifferences } from './heterogeneity/site-differences.ts';
export { type LabelEffort, labelEffort, parseMeasures } from './labels/label-effort.ts';
export { escapeText } from './markup.ts';
export { metricsCsv, metricsJson } from './metrics.ts';
export { type ProjectRecord, type ProjectRecordInput, parseProjectRecord } from './project/project-record.ts';
export { projectReportHtml } from './project/project-report.ts';
export { type ProjectSummary, projectSummary } from './project/project-summary.ts';
export { parseRecord, type RehearsalRecord, type RehearsalRecordInput } from './record.ts';
export { reportHtml } from './report.ts';
export { type SubgroupResult, subgroupResults } from './statistics/subgroup.ts';
export { StudyError } from './study-error.ts';
export { type RehearsalSummary, summaryOf } from './summary.ts';
