/** `cohort.json`: which pseudonym is which patient, and who is in which split, as it was when the site first looked. */
import { join } from 'node:path';
import type { Split } from '@consilium/protocol';
import { readJson, writeJsonDurably } from './json-file.ts';
import { SiteError } from './site-error.ts';

export interface RecordedCase {
  readonly pseudonym: string;
  readonly site: string;
  readonly case: string;
  readonly patient: string;
  readonly split: Split;
}

export interface CohortRecord {
  readonly seed: number;
  /** Patients who were not drawn, because their part had been settled with other sites; absent if there was none. */
  readonly settled?: Readonly<Record<string, Split>>;
  readonly cases: readonly RecordedCase[];
}

/** Unique over the site's sources. */
export function patientKey(siteId: string, patientId: string): string {
  return `${siteId}/${patientId}`;
}

/** undefined before the first opening. */
export async function readCohortRecord(workDirectory: string): Promise<CohortRecord | undefined> {
  return (await readJson(pathIn(workDirectory))) as CohortRecord | undefined;
}

interface Keeping {
  readonly kept: CohortRecord | undefined;
  readonly record: CohortRecord;
  /** How many patients were erased from the archive since. */
  readonly erased: () => number;
}

/**
 * The first opening writes who is in which split; later ones must find the same.
 * @throws SiteError `site.cohort-changed`
 */
export async function keepCohortRecord(workDirectory: string, { kept, record, erased }: Keeping): Promise<void> {
  const path = pathIn(workDirectory);
  if (kept === undefined) return writeJsonDurably(path, record);
  if (JSON.stringify(kept) === JSON.stringify(record)) return;
  const nameOf = ({ site, case: name }: RecordedCase) => `${site}/${name}`;
  const [before, now] = [kept, record].map(({ cases }) => new Set(cases.map(nameOf)));
  const gone = [...before!].filter((name) => !now!.has(name)).length;
  const added = [...now!].filter((name) => !before!.has(name)).length;
  const withdrawn = erased();
  const why = withdrawn === 0 ? '' : ` ${withdrawn} of the archive’s patients withdrew consent and were erased.`;
  throw new SiteError(
    'site.cohort-changed',
    `The site’s cases are not those of the beginning: ${gone} are gone, ${added} are new.${why} The split was fixed for those of the beginning; restore them, or begin anew.`,
    { lasting: true, detail: `${path} differs from the data directory` },
  );
}

function pathIn(workDirectory: string): string {
  return join(workDirectory, 'cohort.json');
}
