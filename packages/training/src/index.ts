export { type AugmentationSpec, noAugmentation, standardAugmentation } from './augmentation/augmentation-spec.ts';
export { type Case, type CaseSource, checkCase, type SegmentationClass } from './case.ts';
export { type Fingerprint, fingerprintOf, mergeFingerprints, parseFingerprint } from './fingerprint.ts';
export { makePlan, type Plan, type PlanOptions, parsePlan } from './plan.ts';
export { PreparedCache } from './prepared-cache.ts';
export { type PreparedCase, type PreparedImage, prepareImage, preprocess } from './preprocess.ts';
export { kidneyClasses, kidneyRegions, type Region, regionMask } from './regions.ts';
export { type Batch, samplePatch } from './sampling.ts';
export { TrainingError, type TrainingErrorCode } from './training-error.ts';
