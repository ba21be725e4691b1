export { type PublishedModel, readPublishedModel } from './bundle/published-model.ts';
export { type About, aboutOfRehearsal, parseAbout } from './crate/about.ts';
export { type CrateReport, checkCrate } from './crate/crate-check.ts';
export type { CrateFile } from './crate/crate-file.ts';
export { keyIdOf } from './crate/signed-manifest.ts';
export type { DatasetCase } from './dataset/dataset-case.ts';
export {
  type DatasetForm,
  datasetForms,
  defaultReleasePolicy,
  parseReleasePolicy,
  type ReleasePolicy,
} from './dataset/release-policy.ts';
export { experimentFiles } from './experiment-files.ts';
export { newDirectory, openTree } from './ports/disk-tree.ts';
export { readOrCreateKey } from './ports/publication-key.ts';
export { predictionAsDicom, predictionAsNifti, predictionTime } from './predict/prediction-file.ts';
export { readPredictionInput } from './predict/prediction-input.ts';
export { PublicationError } from './publication-error.ts';
export { publishDataset } from './publish-dataset.ts';
export { type ModelPublication, publishModel } from './publish-model.ts';
