/** The site's patients as they are compared with those of other sites: by what they are known again, and where they are here. */
import { commonPart, laterPart } from '@consilium/federation';
import type { IdentifierKind, Split } from '@consilium/protocol';
import { findCases } from './case-finder.ts';
import { patientKey, readCohortRecord } from './cohort-record.ts';
import { digestsOfPatients } from './patient-facts.ts';
import { identifierOf } from './patient-identifier.ts';
import type { OverlapLimits, WorkerSettings } from './settings.ts';

interface ComparedPatient {
  /** As in `cohort.json`. */
  readonly patient: string;
  /** Where the patient is here; null: nowhere yet. */
  readonly here: Split | null;
  /** What other sites are told who have the patient too. */
  readonly part: Split;
}

export interface OwnPatients {
  readonly patients: readonly ComparedPatient[];
  /** Each identifier, and whose it is: places in `patients`. */
  readonly owners: ReadonlyMap<string, readonly number[]>;
  /** Patients of whom too little is known. */
  readonly unknown: number;
}

/** Of patients who are nowhere yet the part is one on which all sites agree who have the same `roster`. */
export async function ownPatients(
  settings: Pick<WorkerSettings, 'sources' | 'workDirectory'>,
  { kind, limits, roster }: { kind: IdentifierKind; limits: OverlapLimits; roster: { readonly digest: string } },
): Promise<OwnPatients> {
  const { issuer, identityKeyFile } = limits;
  const recorded = await recordedParts(settings.workDirectory);
  const patients: ComparedPatient[] = [];
  const owners = new Map<string, number[]>();
  let unknown = 0;
  for (const source of settings.sources) {
    const cases = await findCases(source);
    const digest = (facts: Readonly<Record<string, string>>) => identifierOf(facts, { kind, issuer });
    const digests = await digestsOfPatients(source, cases, { identityKeyFile, digest });
    const drawn = new Map(cases.flatMap(({ patientId, split }) => (split === undefined ? [] : [[patientId, split]])));
    for (const patientId of [...new Set(cases.map((one) => one.patientId))].sort()) {
      const identifiers = new Set(digests.get(patientId)?.filter((each) => each !== undefined));
      if (identifiers.size === 0) unknown += 1;
      else {
        const patient = patientKey(source.siteId, patientId);
        const here = recorded.get(patient) ?? drawn.get(patientId) ?? null;
        const part = here ?? [...identifiers].map((each) => commonPart(roster, each)).reduce(laterPart);
        for (const each of identifiers) owners.set(each, [...(owners.get(each) ?? []), patients.length]);
        patients.push({ patient, here, part });
      }
    }
  }
  return { patients, owners, unknown };
}

/** Where patients are since the site first looked; empty if it has not looked yet. */
export async function recordedParts(workDirectory: string): Promise<ReadonlyMap<string, Split>> {
  const parts = new Map<string, Split>();
  for (const { site, patient, split } of (await readCohortRecord(workDirectory))?.cases ?? []) {
    const key = patientKey(site, patient);
    parts.set(key, laterPart(split, parts.get(key) ?? split));
  }
  return parts;
}
