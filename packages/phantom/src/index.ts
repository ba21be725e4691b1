export { PhantomError, type PhantomErrorCode } from './phantom-error.ts';
export { type SiteProfile, siteProfiles } from './site-profile.ts';
export { makeStudy, type PhantomInfo, type PhantomStudy, type StudyOptions } from './study.ts';
export { writeStudy } from './study-files.ts';
