/** How commands ask an archive's reading room, whether the archive runs or not. */
import { resolve } from 'node:path';
import type { CohortMember } from '@consilium/archive/api';
import { readingExtension } from '@consilium/reading';
import { type ArchiveClient, openArchiveClient } from './archive-client.ts';
import { appFolders } from './archive-options.ts';
import { CliError } from './cli-error.ts';

export function openReading(directory: string): Promise<ArchiveClient> {
  const path = resolve(directory);
  return openArchiveClient(path, (settings) => [
    readingExtension({
      apps: appFolders(path, settings),
      onTrouble: (error) => process.stderr.write(`the reading room: ${(error as Error).message}\n`),
    }),
  ]);
}

export function projectRoute(name: string): string {
  return `/reading/v1/projects/${encodeURIComponent(name)}`;
}

export interface SeriesOptions {
  /** `name`, or `name@version`. */
  readonly cohort?: string | undefined;
  readonly series?: readonly string[] | undefined;
}

/** What is named, or those in the cohort. @throws CliError `cli.bad-option` unless one of both is given */
export async function seriesOf(client: ArchiveClient, { cohort, series }: SeriesOptions): Promise<readonly string[]> {
  if ((cohort === undefined) === (series === undefined)) {
    throw new CliError('cli.bad-option', 'Say which series: --cohort or --series.');
  }
  if (series !== undefined) return series;
  const [name = '', version] = cohort!.split('@');
  const { members } = await client.ask<{ members: CohortMember[] }>(`/cohorts/${encodeURIComponent(name)}`, {
    query: { version },
  });
  return members.filter(({ exclusion }) => exclusion === undefined).map((member) => member.seriesInstanceUid);
}
