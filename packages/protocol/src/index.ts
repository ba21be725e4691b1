export {
  type CaseCounts,
  type CaseScore,
  type Contribution,
  type ContributionTo,
  contributionSchema,
  type EvaluateContribution,
  evaluateContributionSchema,
  type LeftOutCase,
  type TrainContribution,
} from './contribution.ts';
export type { Failure } from './failure.ts';
export {
  type JobId,
  jobIdSchema,
  type ModelName,
  modelNameSchema,
  type Pseudonym,
  pseudonymSchema,
  type Sha256,
  type SiteId,
  sha256Schema,
  siteIdSchema,
  type TaskId,
  taskIdSchema,
} from './id.ts';
export { type Json, jsonSchema } from './json.ts';
export {
  type CoordinatorMessage,
  checkProtocolVersion,
  parseCoordinatorMessage,
  parseSiteMessage,
  protocolVersion,
  type SiteMessage,
} from './messages.ts';
export { ProtocolError } from './protocol-error.ts';
export { type EvaluateTask, Split, type Task, type TaskKind, type TrainTask } from './task.ts';
export type { TaskProgress } from './task-progress.ts';
