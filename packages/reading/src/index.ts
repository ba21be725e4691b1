export { ReadingError } from './reading-error.ts';
