export { findCases } from './case-finder.ts';
export { surfaceToleranceMm } from './judge.ts';
export { type Approval, Approvals } from './policy/approvals.ts';
export { exampleFile, type PolicyExample, type TriedExample, tryExamples } from './policy/policy-examples.ts';
export { type PrivacyReport, privacyReport } from './privacy-report.ts';
export { SecretDirectory } from './secret-directory.ts';
export {
  type CaseDirectory,
  parseSiteSettings,
  type SiteSettings,
  type SiteSettingsInput,
  sourcesOf,
} from './settings.ts';
export { approvalRecorded } from './site-audit.ts';
export { SiteError } from './site-error.ts';
export { readSiteSettings, runSite, type SiteServiceOptions } from './site-service.ts';
