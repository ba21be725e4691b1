/** Which of the training cases a task is about, where a job does not want all: chosen by patient, the same every time. */
import { createRandom } from '@consilium/numerics';
import type { CaseSelection } from '@consilium/protocol';
import type { CohortCase } from './cohort.ts';
import { SiteError } from './site-error.ts';

/**
 * In the order given. The patients of each source are put into an order that depends on the seed and who they are, and the
 * first of them are taken: so selections of one seed lie within each other, and a pooled site takes what its hospitals would.
 * @throws SiteError `site.labels-unknown` where the site has no such set of labels
 */
export function selectedCases(
  cases: readonly CohortCase[],
  selection: CaseSelection | undefined,
): readonly CohortCase[] {
  if (selection === undefined) return cases;
  const chosen = chosenPatients(cases, selection);
  return withLabels(
    cases.filter(({ patient }) => chosen.has(patient)),
    selection.labels,
  );
}

function chosenPatients(cases: readonly CohortCase[], { seed, patients }: CaseSelection): ReadonlySet<string> {
  const all = [...new Set(cases.map(({ patient }) => patient))].sort();
  if (patients === undefined) return new Set(all);
  const bySource = Map.groupBy(all, (patient) => patient.slice(0, patient.indexOf('/')));
  return new Set(
    [...bySource].flatMap(([source, own]) => {
      const count = 'count' in patients ? patients.count : Math.max(1, Math.round(patients.share * own.length));
      return createRandom(seed, 'selection', source).shuffle(own).slice(0, count);
    }),
  );
}

/** Cases that have no label in the set are left out: with others' labels they would be something else. */
function withLabels(cases: readonly CohortCase[], labels: string | undefined): readonly CohortCase[] {
  if (labels === undefined) return cases;
  if (!cases.some(({ labelSets }) => labelSets?.has(labels))) {
    throw new SiteError('site.labels-unknown', `The site has no set of labels under the name ${labels}.`, {
      lasting: true,
    });
  }
  return cases.flatMap((one) => {
    const source = one.labelSets?.get(labels);
    return source === undefined ? [] : [{ ...one, source }];
  });
}
