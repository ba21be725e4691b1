export { BlobWriter, blobIdOf, chunkIdOf, getBlob, manifestOf, putBlob, unaskedBytesMax } from './blob.ts';
export { type Disposition, dispositionOf } from './disposition.ts';
export { type EncodedWeights, encodeWeights, type WeightsToEncode } from './encoded-weights.ts';
export { FederationError } from './federation-error.ts';
export { FiniteChunks } from './finite-chunks.ts';
export { type Job, jobSchema } from './job.ts';
export { JobBoard, type JobBoardOptions, type JobStatus } from './job-board.ts';
export type { JobEvent } from './job-event.ts';
export type { JobState } from './job-log.ts';
export { type JobOptions, type JobOutcome, runJob } from './job-run.ts';
export type { LeftOutSite } from './left-out-site.ts';
export { controlAfter, controlCorrection, type LocalControl, type TrainedControl } from './local-control.ts';
export { type StatisticsGuard, statisticsTask } from './local-statistics.ts';
export { contradictionOf } from './mandated-task.ts';
export { MemoryStore } from './memory-store.ts';
export { commonPart } from './peers/common-part.ts';
export { laterPart, OverlapExchange } from './peers/overlap-exchange.ts';
export { PeerChannel } from './peers/peer-channel.ts';
export { keyBytes, PeerKey } from './peers/peer-key.ts';
export { checkRoster, introductionStatement, type PeerContext } from './peers/peer-roster.ts';
export type { Clock, PerformOptions, Ports, SiteConnection, TaskReply } from './ports.ts';
export { protectedUpdate, spendOf } from './privacy/noisy-update.ts';
export { epsilonOf, noiseMultiplierFor, type PrivacySpend } from './privacy/privacy-loss.ts';
export { noiseShareOf, shareObjection } from './privacy/shared-noise.ts';
export type { JobReason } from './reason.ts';
export type { RoundRecord, TrainedRecord } from './round-record.ts';
export { MaskingWorker } from './secure-sum/masking-worker.ts';
export { plainSum } from './secure-sum/plain-sum.ts';
export type { SecretStore } from './secure-sum/secret-store.ts';
export type { SiteSigner } from './secure-sum/site-session.ts';
export {
  type AgentEvent,
  type CoordinatorPort,
  type Finished,
  SiteAgent,
  type SiteAgentOptions,
  type Spool,
  type Worker,
} from './site-agent.ts';
export { type LineConnection, SiteLine, type SiteLineOptions } from './site-line.ts';
export { Slots } from './slots.ts';
export {
  commonEdges,
  type PooledHistogram,
  type PooledSummary,
  pooledHistogram,
  pooledSummary,
  quantileBounds,
} from './statistics.ts';
export { runStatistics, type StatisticsOutcome, type StatisticsSurvey } from './statistics-survey.ts';
export type { BlobStore, Ledger, Store } from './store.ts';
export { type StrategySpec, strategySpecSchema } from './strategies.ts';
export { type Submission, submissionSchema } from './submission.ts';
export { runSurvey, type Survey, type SurveyOutcome } from './survey.ts';
export { matchesAny } from './tensor-pattern.ts';
