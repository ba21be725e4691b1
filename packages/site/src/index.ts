export type { SiteSettings } from './settings.ts';
