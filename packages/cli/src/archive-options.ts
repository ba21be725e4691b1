/** What every command of `consilium archive` takes. */
import type { AnswerOptions } from './answer.ts';

export interface ArchiveOptions extends AnswerOptions {
  readonly directory: string;
}

export const directoryOption = ['--directory <dir>', 'of the archive, as made by "consilium archive init"'] as const;
