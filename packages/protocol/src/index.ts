export {
  type BlobId,
  blobIdSchema,
  bytesOfChunk,
  type ChunkId,
  canonicalManifest,
  chunkBytes,
  chunkIdSchema,
  type Manifest,
  manifestSchema,
} from './blob.ts';
export { type CaseSelection, caseSelectionSchema } from './case-selection.ts';
export {
  type CheckpointAnswerMessage,
  type CheckpointOfferMessage,
  parseCheckpointAnswer,
  parseCheckpointOffer,
} from './checkpoint.ts';
export {
  type CaseCounts,
  type CaseScore,
  type Contribution,
  type ContributionTo,
  contributionSchema,
  type EvaluateContribution,
  evaluateContributionSchema,
  type LeftOutCase,
  type Reliability,
  reliabilitySchema,
  type TrainContribution,
} from './contribution.ts';
export { blockElements, type Encoding, encodingSchema, isNameOfScales, plainEncoding, scalesOf } from './encoding.ts';
export { type Failure, failureSchema } from './failure.ts';
export {
  type JobId,
  jobIdSchema,
  type ModelName,
  modelNameSchema,
  type Pseudonym,
  pseudonymSchema,
  type SiteId,
  siteIdSchema,
  type TaskId,
  taskIdSchema,
} from './id.ts';
export { canonicalJson, type Json, jsonSchema } from './json.ts';
export {
  decodeMandate,
  encodeMandate,
  type Mandate,
  type MandateSignature,
  mandateBytesMax,
  mandateStatement,
} from './mandate.ts';
export {
  type CoordinatorMessage,
  checkProtocolVersion,
  type Hello,
  parseCoordinatorMessage,
  parseHello,
  parseSiteMessage,
  parseVerdict,
  protocolVersion,
  type SiteMessage,
  toldChunksMax,
  type Verdict,
} from './messages.ts';
export {
  type IdentifierKind,
  identifierKindSchema,
  type OverlapSettings,
  type OverlapStep,
  overlapSettingsSchema,
} from './overlap.ts';
export { type Introduction, introductionSchema, type PeerPurpose } from './peers.ts';
export { type NoisyUpdate, type Privacy, privacySchema } from './privacy.ts';
export { ProtocolError } from './protocol-error.ts';
export { type Revocations, revocationsSchema, revocationsStatement } from './revocations.ts';
export {
  type Advertisement,
  type SecureAggregation,
  type SecureSession,
  secureAggregationSchema,
} from './secure-aggregation.ts';
export { type FeatureMoments, type SiteDescription, siteDescriptionSchema } from './site-description.ts';
export type { VariableHistogram, VariableSummary } from './statistics.ts';
export {
  type EvaluateTask,
  type OverlapTask,
  Split,
  type StatisticsTask,
  type Task,
  type TaskBody,
  type TaskKind,
  type TrainTask,
  taskBodySchema,
  taskSchema,
} from './task.ts';
export { type TaskProgress, taskProgressSchema } from './task-progress.ts';
