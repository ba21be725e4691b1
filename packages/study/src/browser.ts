/** What a page may use of this package: everything here runs without Node. */
export { analyse, type ExperimentAnalysis } from './experiment/experiment-analysis.ts';
export { experimentFigures, type Figure } from './experiment/experiment-figures.ts';
export { type ExperimentRecord, parseExperimentRecord } from './experiment/experiment-record.ts';
export { type SiteDifferences, siteDifferences } from './heterogeneity/site-differences.ts';
