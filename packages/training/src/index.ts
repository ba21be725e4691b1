export { type AugmentationSpec, noAugmentation, standardAugmentation } from './augmentation/augmentation-spec.ts';
export { type Bundle, bundleFiles, decodeBundle, encodeBundle } from './bundle.ts';
export { CaseCalibration, type RegionCalibration } from './calibration.ts';
export { type Case, type CaseSource, checkCase, type SegmentationClass } from './case.ts';
export type { ClickAnswer } from './clicks/click-field.ts';
export { type Click, clickChannels, fillGuidance } from './clicks/click-input.ts';
export { ClickPredictor, type ClickPredictorOptions, type ClickRequest } from './clicks/click-predictor.ts';
export { type ClickScore, scoreClicks } from './clicks/click-score.ts';
export type { InteractiveSpec } from './clicks/interactive-spec.ts';
export { scoreStructures } from './clicks/structure-scores.ts';
export { type ContrastPhase, contrastPhases } from './contrast-phase.ts';
export {
  type Fingerprint,
  fingerprintOf,
  mergeFingerprints,
  parseFingerprint,
  withoutRarePhases,
} from './fingerprint.ts';
export { Predictor, predict } from './inference.ts';
export { lossFor } from './losses/loss.ts';
export type { LossSpec, NetworkSpec } from './network-spec.ts';
export { buildNetwork } from './networks/network.ts';
export { makePlan, type Plan, type PlanOptions, parsePlan } from './plan.ts';
export { PreparedCache } from './prepared-cache.ts';
export { type PreparedCase, type PreparedImage, prepareImage, preprocess } from './preprocess.ts';
export type { PrivacyOptions } from './private-step.ts';
export { kidneyClasses, kidneyRegions, type Region, regionMask } from './regions.ts';
export { type Batch, samplePatch } from './sampling.ts';
export { type CaseScore, type RegionScore, scoreCase } from './score.ts';
export { topologyFor } from './topology.ts';
export { Trainer, type TrainerOptions, type TrainOptions, type TrainResult } from './trainer.ts';
export { TrainingError, type TrainingErrorCode } from './training-error.ts';
