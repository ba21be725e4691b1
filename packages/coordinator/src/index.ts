export { Coordinator, type CoordinatorOptions } from './coordinator.ts';
export {
  type CoordinatorOverrides,
  coordinatorOrigin,
  initCoordinator,
  recoverMember,
} from './coordinator-directory.ts';
export { CoordinatorError } from './coordinator-error.ts';
export type { Member } from './member-registry.ts';
export { openServiceLog, type ServiceLogOptions } from './service-log.ts';
export type { CoordinatorSettings, CoordinatorSettingsInput } from './settings.ts';
export type { TimedEvent } from './timed-event.ts';
export { webLink } from './web/project-web.ts';
