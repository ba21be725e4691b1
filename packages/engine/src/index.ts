export { EngineError, type EngineErrorCode } from './engine-error.ts';
export { differentiableOperators, gradients } from './gradients.ts';
export { GraphBuilder } from './graph-builder.ts';
export {
  type Attribute,
  type Attributes,
  type Declaration,
  type Graph,
  type GraphNode,
  type Model,
  weightsOf,
  withWeights,
} from './model.ts';
export { decodeModel, encodeModel } from './model-codec.ts';
export { specialise } from './model-import.ts';
export type { OptimiserSpec } from './optimiser.ts';
export type { RunOptions, Runtime, RuntimeOptions, Session } from './runtime/runtime.ts';
export { learningRateAt, type Schedule } from './schedule.ts';
export {
  createTrainingProgram,
  deriveTrainingGraph,
  type StepResult,
  type TrainingProgram,
  type TrainingSpec,
} from './training-program.ts';
export type { Value } from './value.ts';
