/** The hospitals of a rehearsal on one's own data: directories sorted by hospital, archives, or one archive dealt out. */
import { existsSync } from 'node:fs';
import { glob, readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { openArchiveForReading } from '@consilium/archive';
import { siteIdSchema } from '@consilium/protocol';
import { type CaseDirectory, findCases } from '@consilium/site';
import { CliError } from './cli-error.ts';
import type { Hospital } from './committee.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

type CohortOptions = Pick<RehearsalSettings, 'cohort' | 'split' | 'sites'>;

/** Of one archive that is made several hospitals: each needs one to train, one to validate, one to test. */
const patientsMin = 3;

/** @throws CliError `cli.no-data`, `cli.bad-option`; SiteError if a cohort cannot be read. */
export async function hospitalsIn(data: string, options: CohortOptions): Promise<Hospital[]> {
  if (isArchive(data)) return dealt(archiveOf(data, options), options.sites);
  const names = await readdir(data, { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name),
    () => {
      throw new CliError(
        'cli.no-data',
        `${data} cannot be read. Give --data an archive, or a directory with one subdirectory a hospital.`,
      );
    },
  );
  if (names.length < 2) {
    throw new CliError(
      'cli.no-data',
      `${data} holds ${names.length} subdirectories; a rehearsal needs one for each of at least two hospitals.`,
    );
  }
  return names.sort().map((name) => hospitalIn(join(data, name), options));
}

/** One directory is one hospital, of its name. @throws CliError `cli.bad-option` */
export function hospitalIn(directory: string, options: CohortOptions): Hospital {
  const name = basename(resolve(directory));
  const siteId = siteIdSchema.parse(name.toLowerCase().replace(/[^a-z0-9._-]+/g, '-'));
  return { siteId, ...(isArchive(directory) ? archiveOf(directory, options) : { directory: resolve(directory) }) };
}

/** One hospital's patients as those of several: as many as are asked for, or as there are patients enough for. */
async function dealt(archive: CaseDirectory, sites: number): Promise<Hospital[]> {
  const patients = new Set((await findCases(archive)).map(({ patientId }) => patientId)).size;
  const of = Math.min(sites, Math.floor(patients / patientsMin));
  if (of < 2) {
    throw new CliError(
      'cli.no-data',
      `The cohort has ${patients} patients; as two hospitals a rehearsal needs ${2 * patientsMin} at least.`,
    );
  }
  return Array.from({ length: of }, (_, index) => ({
    siteId: siteIdSchema.parse(`part-${index + 1}`),
    ...archive,
    share: { part: index + 1, of },
  }));
}

function isArchive(directory: string): boolean {
  return existsSync(join(directory, 'archive.sqlite'));
}

function archiveOf(directory: string, { cohort, split }: CohortOptions): CaseDirectory {
  if (cohort === null) {
    throw new CliError('cli.bad-option', `${directory} is an archive: say which cohort, with --cohort NAME.`);
  }
  const [name = '', version] = cohort.split('@');
  return {
    directory: resolve(directory),
    cohort: {
      name,
      ...(version === undefined ? {} : { version: Number(version) }),
      ...(split === null ? {} : { split }),
    },
  };
}

/** Whether any case says of itself that it was generated: in `case.json`, or by Synthetic Data (0008,001C). */
export async function holdsSynthetic(hospitals: readonly Hospital[]): Promise<boolean> {
  for (const { cohort, directory } of hospitals) {
    if (cohort !== undefined) {
      using archive = openArchiveForReading(directory);
      if (archive.catalogue.hasSynthetic()) return true;
      continue;
    }
    for await (const path of glob('**/case.json', { cwd: directory })) {
      if (/"synthetic"\s*:\s*true/.test(await readFile(join(directory, path), 'utf8'))) return true;
    }
  }
  return false;
}
