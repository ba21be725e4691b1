/**
 * A rehearsal's record as it may be published: names that sites gave to cases and patients become running numbers, and
 * pictures are left out, because both are of people; of synthetic patients everything stays.
 */
import type { RehearsalRecord } from '@consilium/study';

export function publicRecord(
  record: RehearsalRecord,
  { withPictures }: { readonly withPictures: boolean },
): RehearsalRecord {
  if (record.synthetic) return { ...record, command: withoutPaths(record.command) };
  const cases = numbered('case', [
    ...record.scores.map(({ siteId, case: name }) => [siteId, name] as const),
    ...record.sites.flatMap(({ id, excluded }) => excluded.map(({ case: name }) => [id, name] as const)),
  ]);
  const patients = numbered(
    'patient',
    record.scores.map(({ siteId, patient }) => [siteId, patient] as const),
  );
  return {
    ...record,
    command: withoutPaths(record.command),
    sites: record.sites.map((site) => ({
      ...site,
      excluded: site.excluded.map(({ case: name, ...why }) => ({ ...why, case: cases(site.id, name) })),
    })),
    scores: record.scores.map((row) => ({
      ...row,
      case: cases(row.siteId, row.case),
      patient: patients(row.siteId, row.patient),
    })),
    pictures: withPictures ? record.pictures.map((picture, index) => ({ ...picture, case: `case ${index + 1}` })) : [],
  };
}

/** Where things lay on a hospital's disk concerns nobody. */
export function withoutPaths(command: string): string {
  return command.replaceAll(/(--(?:out|data|directory))(?:=|\s+)\S+/g, '$1 …');
}

/** `case-1`, `case-2`, ... of each site in order of their names. */
export function numbered(
  word: string,
  names: readonly (readonly [siteId: string, name: string])[],
): (siteId: string, name: string) => string {
  const bySite = new Map<string, string[]>();
  for (const [siteId, name] of names) bySite.set(siteId, [...(bySite.get(siteId) ?? []), name]);
  const places = new Map<string, string>();
  for (const [siteId, own] of bySite) {
    [...new Set(own)].sort().forEach((name, index) => {
      places.set(`${siteId}\n${name}`, `${word}-${index + 1}`);
    });
  }
  return (siteId, name) => places.get(`${siteId}\n${name}`)!;
}
