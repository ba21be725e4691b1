export { surfaceToleranceMm } from './evaluate-task.ts';
export type { SiteSettings } from './settings.ts';
