/** How commands ask an archive's reading room, whether the archive runs or not. */
import { resolve } from 'node:path';
import { readingExtension } from '@consilium/reading';
import { type ArchiveClient, openArchiveClient } from './archive-client.ts';
import { appFolders } from './archive-options.ts';

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
