/** Methods as they were, written from what ran. */
import type { RunRecord } from '../experiment/experiment-record.ts';
import { html, type Markup } from '../markup.ts';
import { table } from '../report/figure.ts';
import { counted, duration, grouped } from '../wording.ts';
import type { ProjectRecord } from './project-record.ts';
import { traced } from './trace.ts';

export function methodsSection(record: ProjectRecord): Markup {
  const { experiments, sites } = record;
  const run = experiments.labels.runs.find(({ state }) => state === 'completed') ?? experiments.labels.runs[0];
  const names = sites.map(({ name }) => name).join(', ');
  return html`<section aria-labelledby="methods">
<h2 id="methods">Methods</h2>
<dl class="methods">
<dt id="m-data">Studies</dt><dd>Contrast-enhanced CT of the abdomen from ${counted(sites.length, 'hospital')} (${names}).${record.synthetic ? ' All patients are phantoms: images were generated, with scanners, protocols and labelling habits that differ between hospitals.' : ''} Each study came
through the door of its hospital’s archive, where it was de-identified (DICOM PS3.15, Annex E), looked at for quality, and listed. A cohort was frozen by the rules
of the archive; ${'exclusions stand in the'} <a href="#cases">flow of cases</a>. Missing data: a study without a volume, or without an approved label, is excluded and counted.</dd>
<dt id="m-split">Split</dt><dd>Each archive drew its patients into training, validation and test, once, before anything was drawn or trained; no patient is in two parts. The same split holds for both
phases and all experiments. How many studies there are was ${record.synthetic ? 'chosen beforehand, as an option of the rehearsal' : 'given'}; the <a href="#studies">learning curve</a> says what more would bring.</dd>
<dt id="m-labels">Labels</dt><dd>${record.structures.map(({ name }) => name).join(', ')}, drawn in each hospital’s reading room after one protocol (app <code>renal-mass</code>), by one reader a case, approved by a second person. First phase: by hand,
from nothing. Second phase: training and test studies anew, beginning with what the model of the first phase proposed, where that had been let to propose by a trial on validation
cases of the hospital; validation studies keep their labels. Only training labels differ between the two models that are compared.</dd>
<dt id="m-reference">Reference</dt><dd>Predictions are tested against ${record.scoredAgainst}.</dd>
${readerPart(record)}
<dt id="m-model">Model and training</dt><dd>${run === undefined ? 'Nothing was trained.' : modelText(run, record.plan)} The plan follows from numbers that the sites told of their images; no image left a site. Weights begin random, from the seed. Inference is by overlapping patches
without ensembling.</dd>
<dt id="m-federation">Federation</dt><dd>In every round each site trained the shared model on its own cases and sent back weights, which were averaged, weighted by training cases (FedAvg). The round with the best validation Dice was kept;
training stopped when it no longer rose. The test patients chose nothing: they were asked once an experiment, about models that were declared beforehand, and the <a href="#trace">record</a> says when.</dd>
<dt id="m-privacy">Privacy</dt><dd>${record.privacy.length === 0 ? 'No differential privacy and no secure aggregation were asked for: ε spent 0 of no budget, and the coordinator saw each site’s weights.' : record.privacy.join(' ')}</dd>
<dt id="m-statistics">Statistics</dt><dd>Dice of a case is the mean over the regions. Intervals: 95 % percentile bootstrap over patients, within their sites where each has at least five. Comparisons are paired by case; permutation tests over patients, corrected by Holm for all
comparisons of an experiment. Minutes: Wilcoxon’s signed-rank test over cases. Learning curve: a power law, with seeds and patients resampled together.</dd>
${
  experiments.labels.scores.some(({ regions }) => Object.values(regions).some(({ ece = null }) => ece !== null))
    ? html`<dt id="m-calibration">Calibration</dt><dd>Of the probabilities from which classes are made, summed over a region’s classes, at voxels within 10 mm of the box around the reference (after Mehrtash et al.
2020, doi:10.1109/TMI.2020.3006437): expected calibration error over ten bins, mean over the regions, with intervals as for Dice. Diagrams are over all voxels that sites tell.</dd>
`
    : ''
}<dt id="m-robust">Robustness</dt><dd>Results are told by hospital, vendor, phase, sex, age and tumour volume where groups are large enough, and failures are shown as pictures. No method of explanation was applied.</dd>
</dl>
${stagesTable(record)}
</section>`;
}

function readerPart({ readerModel }: ProjectRecord): Markup {
  if (readerModel === null) return html``;
  return html`<dt id="m-readers">Readers <span class="stamp inline">SIMULATED</span></dt><dd>Nobody read these studies. What a reader draws by hand is what the phantom’s hospital draws by habit. ${readerModel.text}
${table({
  caption: 'Constants of the model of readers',
  head: ['Constant', 'Value', 'Unit', 'From'],
  words: ['Unit', 'From'],
  rows: readerModel.constants.map(({ name, source, unit, value }) => [
    name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    String(value),
    unit,
    source,
  ]),
})}</dd>`;
}

function modelText({ batchSize, jobId, parameters, settings }: RunRecord, plan: string): Markup {
  const { localSteps, minimumGain, patience, rounds } = settings;
  return html`${plan}; ${traced(grouped(parameters), [jobId])} parameters. ${counted(batchSize, 'patch', 'patches')} a step, ${counted(localSteps, 'step')} a site and round, at most
${counted(rounds, 'round')}, stopped after ${counted(patience, 'round')} without a gain of ${minimumGain}. The digest of the whole plan, with augmentation, stands <a href="#trace">below</a>.`;
}

function stagesTable({ stages }: ProjectRecord): Markup {
  if (stages.length === 0) return html``;
  return table({
    caption: 'Time that each part took on this machine',
    head: ['Part', 'Time'],
    rows: [
      ...stages.map(({ name, seconds }) => [name, duration(seconds)]),
      ['All', html`<b>${duration(stages.reduce((sum, { seconds }) => sum + seconds, 0))}</b>`],
    ],
  });
}

export function limitsSection(record: ProjectRecord): Markup {
  const ofPhantoms = [
    'The patients are phantoms. That a difference is found, or not, says that the machinery works, and nothing about patients.',
    'The readers are simulated. That annotation was faster follows from the constants of their model as much as from the proposals; with other constants it would be another number. Simulated readers forget what they drew, do not tire and do not learn.',
    'The same reader would draw the same label twice: how far readers differ from themselves is not in the numbers; how hospitals differ is.',
  ];
  return html`<section aria-labelledby="limits">
<h2 id="limits">What this cannot say</h2>
<ul>
${(record.synthetic ? ofPhantoms : []).map((text) => html`<li>${text}</li>`)}
<li>Each model was trained once, from one seed.</li>
<li>On training patients proposals are better than on new ones, because the proposing model was taught on them; times there are no forecast.</li>
<li>The validation labels are those drawn by hand, for both models; a model of corrected proposals is stopped by a measure that favours labels by hand, if anything.</li>
<li>No patients of other hospitals were tested: nothing is said of hospitals unlike these.</li>
</ul>
${record.warnings.length === 0 ? html`<p>There were no warnings.</p>` : html`<h3>Warnings</h3><ul>${record.warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`}
</section>`;
}

export function repeatSection(record: ProjectRecord): Markup {
  return html`<section aria-labelledby="repeat">
<h2 id="repeat">To repeat this</h2>
<pre class="command"><code>${record.command}</code></pre>
<dl class="facts">
<dt>Seed</dt><dd>${record.seed}</dd>
<dt>Machine</dt><dd>${record.machine}</dd>
<dt>The same bytes</dt><dd>Studies, split, labels, weights and scores follow from the seed; times do not. This report follows from <code>project.json</code> alone: <code>consilium report DIR</code> makes the same bytes again.</dd>
</dl>
</section>`;
}
