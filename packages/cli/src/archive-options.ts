/** What every command of `consilium archive` takes. */
import { resolve } from 'node:path';
import type { ServiceSettings } from '@consilium/archive';
import type { AnswerOptions } from './answer.ts';

export interface ArchiveOptions extends AnswerOptions {
  readonly directory: string;
}

export const directoryOption = ['--directory <dir>', 'of the archive, as made by "consilium archive init"'] as const;

/** Of annotation apps; in the settings they are named from the archive's directory on. */
export function appFolders(directory: string, { apps }: Pick<ServiceSettings, 'apps'>): readonly string[] {
  return apps.map((folder) => resolve(directory, folder));
}
