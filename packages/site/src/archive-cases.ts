/**
 * The cases of an archive's cohort, where they lie in the archive: nothing is copied. The archive may go on taking in; a
 * cohort's version never changes.
 */
import { ArchiveError, type CohortCase, openArchiveForReading } from '@consilium/archive';
import { createRandom } from '@consilium/numerics';
import type { Split } from '@consilium/protocol';
import type { CaseFiles, FoundCase } from './found-case.ts';
import type { ArchiveCohort, CaseDirectory, PatientShare } from './settings.ts';
import { SiteError } from './site-error.ts';

/** @throws SiteError `site.cohort-unreadable`, `site.split-unusable` */
export function casesOfArchive(directory: string, { name, split, version }: ArchiveCohort): FoundCase[] {
  let cases: readonly CohortCase[];
  try {
    using archive = openArchiveForReading(directory);
    const selector = version === undefined ? { name } : { name, version };
    cases = archive.cohorts.casesOf(selector, split === undefined ? {} : { split });
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new SiteError('site.cohort-unreadable', 'The cohort cannot be read from the site’s archive.', {
      lasting: true,
      detail: `${directory}, cohort ${name}: ${error.code}: ${error.message}`,
    });
  }
  return cases.map(({ image, label, name: series, part, patientId, phase }) => {
    const files = filesOf(image, label);
    const found: FoundCase = { name: series, patientId, files, ...(phase === undefined ? {} : { phase }) };
    return split === undefined ? found : { ...found, split: splitOf(part, split) };
  });
}

/** How many patients were erased from the cohorts since these were frozen. */
export function erasedOf(sources: readonly CaseDirectory[]): number {
  return sources.reduce((sum, { directory, cohort }) => {
    if (cohort === undefined) return sum;
    using archive = openArchiveForReading(directory);
    const { name, version } = cohort;
    return sum + archive.cohorts.version(version === undefined ? { name } : { name, version }).erased.length;
  }, 0);
}

function filesOf(image: CohortCase['image'], label: CohortCase['label']): CaseFiles {
  if (label === undefined) return { kind: 'unlabelled' };
  const { format, path, segmentNames } = label;
  return { kind: 'labelled', image, label: { format, path, ...(format === 'nifti' ? { segmentNames } : {}) } };
}

const splits: readonly string[] = ['train', 'validation', 'test'] satisfies Split[];

function splitOf(part: string | undefined, name: string): Split {
  if (part !== undefined && splits.includes(part)) return part as Split;
  const why =
    part === undefined ? 'does not know every patient: extend it' : 'has other parts than train, validation, test';
  throw new SiteError('site.split-unusable', `The split of the site’s archive ${why}.`, {
    lasting: true,
    detail: name,
  });
}

/** Of several hospitals that are made of one set of patients, those that belong to one; by patient, the same every time. */
export function shareOf(cases: readonly FoundCase[], { of, part }: PatientShare): FoundCase[] {
  const patients = createRandom(0, 'share').shuffle([...new Set(cases.map(({ patientId }) => patientId))].sort());
  const mine = new Set(patients.filter((_, index) => index % of === part - 1));
  return cases.filter(({ patientId }) => mine.has(patientId));
}
