/**
 * The site's cases: found once, split once, each under a pseudonym. `cohort.json` in the work directory says which
 * pseudonym is which patient; it never leaves the site.
 */
import type { CaseCounts, LeftOutCase, Pseudonym, Split } from '@consilium/protocol';
import { erasedOf } from './archive-cases.ts';
import { findCases } from './case-finder.ts';
import { type CaseGroups, groupsOf, sliceThicknessOf } from './case-groups.ts';
import { caseSource, type NamedSource } from './case-reader.ts';
import { keepCohortRecord, patientKey, type RecordedCase, readCohortRecord } from './cohort-record.ts';
import type { FoundCase } from './found-case.ts';
import { OverlapRecords } from './overlap-record.ts';
import { splitPatients } from './patient-split.ts';
import type { LocalLog } from './ports/local-log.ts';
import type { CaseDirectory, WorkerSettings } from './settings.ts';
import { detailOf, failureOf, SiteError } from './site-error.ts';

export interface CohortCase {
  readonly pseudonym: Pseudonym;
  readonly split: Split;
  readonly source: NamedSource;
  /** Whose it is: unique over the site's sources, and the site's own secret. */
  readonly patient: string;
  /** What kind of case it is; read from its files. */
  readonly groups: () => Promise<CaseGroups>;
  /** As its files say; undefined: they do not. */
  readonly sliceThicknessMm: () => Promise<number | undefined>;
  /** The case with other labels, by the name of the set; undefined where the site has no sets. */
  readonly labelSets?: ReadonlyMap<string, NamedSource>;
}

/** Why a case is left out whose patient another site trains, validates or tests with. */
const elsewhere = 'site.patient-elsewhere';

export class Cohort {
  readonly #cases: readonly CohortCase[];
  readonly #leftOut = new Map<Pseudonym, LeftOutCase>();
  readonly #log: LocalLog;

  /** @throws SiteError `site.data-unreadable`, `site.no-usable-case`, `site.cohort-changed` */
  static async open(settings: WorkerSettings, log: LocalLog): Promise<Cohort> {
    const kept = await readCohortRecord(settings.workDirectory);
    const shared = await new OverlapRecords(settings.workDirectory).settledParts();
    const settled = new Map(kept === undefined ? shared : Object.entries(kept.settled ?? {}));
    const cases: (CohortCase & { readonly recorded: RecordedCase })[] = [];
    for (const source of settings.sources) {
      const found = await casesOf(source);
      const key = ({ patientId }: FoundCase) => patientKey(source.siteId, patientId);
      const drawn = found.filter((one) => !settled.has(key(one))).map(({ patientId }) => patientId);
      const splits = splitPatients(settings.seed, source.siteId, new Set(drawn));
      const labelSets = await labelSetsOf(source);
      for (const [index, one] of found.entries()) {
        const number = `case-${String(index + 1).padStart(2, '0')}`;
        const pseudonym = (settings.sources.length === 1 ? number : `${source.siteId}.${number}`) as Pseudonym;
        const split = one.split ?? settled.get(key(one)) ?? splits.get(one.patientId)!;
        const recorded = recordOf(one, { pseudonym, split, source });
        const sets = labelSets.size === 0 ? {} : { labelSets: relabelled(one, labelSets) };
        cases.push({
          pseudonym,
          split,
          source: caseSource(one),
          patient: key(one),
          groups: () => groupsOf(one),
          sliceThicknessMm: () => sliceThicknessOf(one),
          ...sets,
          recorded,
        });
      }
    }
    const record = {
      seed: settings.seed,
      ...(settled.size === 0 ? {} : { settled: Object.fromEntries(settled) }),
      cases: cases.map(({ recorded }) => recorded),
    };
    await keepCohortRecord(settings.workDirectory, { kept, record, erased: () => erasedOf(settings.sources) });
    if (cases.length === 0) {
      const detail = settings.sources.map(({ directory }) => directory).join(', ');
      throw new SiteError('site.no-usable-case', 'The site has no case: its data directory holds none.', {
        lasting: true,
        detail,
      });
    }
    log.write('cohort', { cases: cases.length, sources: settings.sources });
    const isHere = ({ patient, split }: CohortCase) => (shared.get(patient) ?? split) === split;
    for (const { pseudonym, source } of cases.filter((one) => !isHere(one))) {
      log.write('case left out', { case: pseudonym, name: source.id, code: elsewhere });
    }
    return new Cohort(cases.filter(isHere), log);
  }

  /** Cases of patients whom other sites use in another way are not among them, and not spoken of. */
  private constructor(cases: readonly CohortCase[], log: LocalLog) {
    this.#cases = cases;
    this.#log = log;
  }

  /** The cases of a split, or all, without those that were left out so far. */
  usable(split?: Split): readonly CohortCase[] {
    return this.#cases.filter(
      (one) => (split === undefined || one.split === split) && !this.#leftOut.has(one.pseudonym),
    );
  }

  get leftOut(): readonly LeftOutCase[] {
    return [...this.#leftOut.values()].sort((one, other) => (one.case < other.case ? -1 : 1));
  }

  counts(): CaseCounts {
    return {
      train: this.usable('train').length,
      validation: this.usable('validation').length,
      test: this.usable('test').length,
    };
  }

  /** What `use` makes of a case, or null if the case cannot be used: then it is left out from now on. */
  async attempt<T>(one: CohortCase, use: () => Promise<T>): Promise<T | null> {
    try {
      return await use();
    } catch (error) {
      const failure = failureOf(error);
      if (!ownFault.test(failure.code)) throw error;
      const { code, message } = failure;
      this.#leftOut.set(one.pseudonym, { case: one.pseudonym, code, message });
      this.#log.write('case left out', { case: one.pseudonym, name: one.source.id, code, detail: detailOf(error) });
      return null;
    }
  }

  /** @throws SiteError `site.no-usable-case` if nothing is left of a split. */
  require(split: Split): readonly CohortCase[] {
    const usable = this.usable(split);
    if (usable.length > 0) return usable;
    throw new SiteError(
      'site.no-usable-case',
      `The site has no usable case in its ${split} split (${this.#leftOut.size} of ${this.#cases.length} cases were left out). Its log names them.`,
      { lasting: true },
    );
  }
}

/** Errors that lie in the case itself: reading it again would give the same. */
const ownFault =
  /^(?:imaging\..*|training\.(?:label-grid-mismatch|no-foreground|unknown-class|image-not-finite)|site\.(?:label-missing|case-unreadable))$/;

/** With the reference of each, where the site keeps references apart. */
async function casesOf(source: CaseDirectory): Promise<readonly FoundCase[]> {
  const found = await findCases(source);
  if (source.reference === undefined) return found;
  const references = new Map((await findCases(source.reference)).map(({ files, name }) => [name, files] as const));
  return found.map((one) => {
    const reference = references.get(one.name);
    if (one.files.kind !== 'labelled' || reference?.kind !== 'labelled') return one;
    return { ...one, files: { ...one.files, reference: reference.label } };
  });
}

type LabelSets = ReadonlyMap<string, ReadonlyMap<string, FoundCase>>;

/** Of each set of labels its cases by name. */
async function labelSetsOf({ labelSets = {} }: CaseDirectory): Promise<LabelSets> {
  const sets = Object.entries(labelSets).map(async ([name, place]) => {
    const found = await findCases(place);
    return [name, new Map(found.map((one) => [one.name, one] as const))] as const;
  });
  return new Map(await Promise.all(sets));
}

/** The case with the label of each set that has one; its image and its reference stay. */
function relabelled(one: FoundCase, sets: LabelSets): ReadonlyMap<string, NamedSource> {
  return new Map(
    [...sets].flatMap(([name, cases]) => {
      const other = cases.get(one.name)?.files;
      if (one.files.kind !== 'labelled' || other?.kind !== 'labelled') return [];
      return [[name, caseSource({ ...one, files: { ...one.files, label: other.label } })] as const];
    }),
  );
}

function recordOf(
  found: FoundCase,
  { pseudonym, split, source }: { pseudonym: string; split: Split; source: { siteId: string } },
): RecordedCase {
  return { pseudonym, site: source.siteId, case: found.name, patient: found.patientId, split };
}
