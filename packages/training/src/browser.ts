/** What a page may use of this package: everything here runs without disk and processes. */
export { decodeBundle } from './bundle.ts';
export type { ClickAnswer } from './clicks/click-field.ts';
export type { Click } from './clicks/click-input.ts';
export { ClickPredictor, type ClickPredictorOptions, type ClickRequest } from './clicks/click-predictor.ts';
export type { ContrastPhase } from './contrast-phase.ts';
export { Predictor } from './inference.ts';
export { type Plan, parsePlan } from './plan.ts';
export { type PreparedImage, prepareImage } from './preprocess.ts';
