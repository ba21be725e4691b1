export type { Admission, Door, Origin } from './admission.ts';
export { ArchiveError } from './archive-error.ts';
