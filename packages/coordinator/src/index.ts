export type { SiteEnd } from './child-site.ts';
export { CoordinatorError } from './coordinator-error.ts';
export { openStore } from './durable-store.ts';
export { systemClock } from './ports/system-clock.ts';
export { type SiteProcess, type SiteProcessOptions, startSiteProcess } from './site-process.ts';
export { TaskSlots } from './task-slots.ts';
