/**
 * The Checklist for Artificial Intelligence in Medical Imaging, 2024 update (Tejani and others, Radiology: Artificial
 * Intelligence 2024, doi:10.1148/ryai.240300; Mongan and others 2020, doi:10.1148/ryai.2020200029), filled from the record.
 * Items in our own words.
 */
import { html, type Markup } from '../markup.ts';
import { table } from '../report/figure.ts';
import type { ProjectRecord } from './project-record.ts';

interface ClaimItem {
  readonly number: number;
  readonly asked: string;
  /** Anchor in the report; null: not there. */
  readonly where: string | null;
  readonly note: string;
}

export function claimSection(record: ProjectRecord): Markup {
  const items = itemsOf(record);
  const open = items.filter(({ where }) => where === null);
  return html`<section aria-labelledby="claim">
<h2 id="claim">Checklist (CLAIM, 2024 update)</h2>
<p class="lead">${items.length - open.length} of ${items.length} items are answered in this report; ${open.length} are for the people of the project to write or do not apply, and say so. Items are in our words; the wording that counts is the
authors’ (<a href="https://doi.org/10.1148/ryai.240300">doi:10.1148/ryai.240300</a>).</p>
${table({
  caption: 'Items of the checklist and where they are answered',
  head: ['Item', 'Asked', 'Where', 'Remark'],
  words: ['Asked', 'Where', 'Remark'],
  rows: items.map(({ asked, note, number, where }) => [
    String(number),
    asked,
    where === null ? '–' : html`<a href="#${where}">${names[where] ?? where}</a>`,
    note,
  ]),
})}
</section>`;
}

const names: Readonly<Record<string, string>> = {
  top: 'title',
  answers: 'answers',
  flow: 'data flow',
  cases: 'flow of cases',
  'm-data': 'methods: studies',
  'm-split': 'methods: split',
  'm-labels': 'methods: labels',
  'm-reference': 'methods: reference',
  'm-model': 'methods: model',
  'm-federation': 'methods: federation',
  'm-statistics': 'methods: statistics',
  'm-robust': 'methods: robustness',
  effort: 'annotation',
  models: 'models',
  studies: 'studies and networks',
  differences: 'how hospitals differ',
  failures: 'failures',
  limits: 'limits',
  trace: 'where numbers come from',
  repeat: 'to repeat this',
};

function itemsOf({ pictures, synthetic }: ProjectRecord): ClaimItem[] {
  const write = 'for the authors to write';
  const phantom = synthetic ? 'phantoms' : '';
  const asked: readonly (readonly [string, string | null, string])[] = [
    ['Title or abstract says that it is about artificial intelligence, and of which kind', 'top', ''],
    ['Summary of design, methods, results and conclusions', 'answers', ''],
    ['Background; what the method is for in the clinic', null, write],
    ['Aims and hypotheses', 'answers', 'the four questions'],
    ['Prospective or retrospective', 'm-data', synthetic ? 'neither: phantoms' : 'retrospective'],
    ['Goal of the study', 'answers', ''],
    ['Sources of data', 'm-data', phantom],
    ['Who was included and excluded', 'cases', 'rules of the frozen cohort'],
    ['Preparation of data', 'm-model', 'the plan, by digest'],
    ['Selection of parts of the data', 'studies', 'nested subsets by patient'],
    ['De-identification', 'm-data', 'at the door of each archive'],
    ['Missing data', 'm-data', 'excluded, and counted'],
    ['How images were acquired', 'flow', 'scanner, spacing and phases by hospital'],
    ['What the reference standard is', 'm-reference', ''],
    ['Why that reference standard', 'm-reference', synthetic ? 'what is true is known of phantoms' : write],
    ['Who annotated, and how qualified', 'm-labels', synthetic ? 'simulated readers' : ''],
    ['How the test set was annotated', 'm-reference', ''],
    [
      'Variability within and between raters',
      null,
      synthetic ? 'readers are simulated; habits of hospitals differ' : write,
    ],
    ['How data were divided', 'm-split', ''],
    ['At which level the parts are apart', 'm-split', 'by patient'],
    ['Size of the sample, and why', 'm-split', 'with the learning curve'],
    ['The model, in detail', 'm-model', 'graph and plan by digest'],
    ['Software', 'trace', ''],
    ['First values of parameters', 'm-model', 'random, from the seed'],
    ['Training, in detail', 'm-model', ''],
    ['How the final model was chosen', 'm-federation', 'by validation'],
    ['Ensembles', 'm-model', 'none'],
    ['Measures of performance', 'm-statistics', ''],
    ['Significance and uncertainty', 'm-statistics', ''],
    ['Robustness', 'm-robust', 'by groups of patients'],
    ['Explainability', 'm-robust', 'none was applied'],
    ['Test on data of the same sources', 'models', ''],
    ['Test on data of other sources', null, 'not done'],
    ['Registration of a clinical trial', null, 'not a trial'],
    ['Numbers included and excluded', 'cases', ''],
    ['Patients of each part', 'differences', 'by site; by groups in the models’ results'],
    ['Performance on all parts', 'models', 'validation and test'],
    ['Estimates with their precision', 'models', ''],
    ['Analysis of failures', pictures.length === 0 ? null : 'failures', ''],
    ['Limitations', 'limits', ''],
    ['What it means for practice', null, synthetic ? 'nothing: phantoms' : write],
    ['Full protocol', 'repeat', ''],
    ['Software, model and data for others', 'repeat', 'the publication beside this report, where it was made'],
    ['Funding', null, write],
  ];
  return asked.map(([text, where, note], index) => ({ number: index + 1, asked: text, where, note }));
}
