/** An archive as another process reads it, such as the one that trains, while its own process goes on taking in. */
import { join } from 'node:path';
import { Catalogue } from './catalogue.ts';
import { CohortReader } from './cohort/cohorts.ts';
import { openCatalogueForReading } from './store/catalogue-database.ts';
import { ContentDirectory } from './store/content-directory.ts';

export interface ArchiveReader extends Disposable {
  readonly catalogue: Catalogue;
  readonly cohorts: CohortReader;
}

/**
 * @throws ArchiveError `archive.not-writable` if there is no archive, `archive.catalogue-version`,
 * `archive.catalogue-damaged`
 */
export function openArchiveForReading(directory: string): ArchiveReader {
  const database = openCatalogueForReading(directory);
  const instances = ContentDirectory.at(join(directory, 'instances'));
  const labels = ContentDirectory.at(join(directory, 'labels'));
  return {
    catalogue: new Catalogue(database, instances),
    cohorts: new CohortReader({ database, instances, labels }),
    [Symbol.dispose]: () => database.close(),
  };
}
