/** The report: one HTML file that needs nothing else, from the answer down to what is needed to repeat the work. */
import { compare } from './comparison.ts';
import { html, Markup } from './markup.ts';
import type { RehearsalRecord } from './record.ts';
import { answerSection } from './report/answer.ts';
import { calibrationSection } from './report/calibration.ts';
import { comparisonSection } from './report/comparison.ts';
import { examplesSection } from './report/examples.ts';
import { matrixSection } from './report/matrix.ts';
import { methodsSection, reproducibilitySection } from './report/methods.ts';
import { setupSection } from './report/setup.ts';
import { sitesSection } from './report/sites.ts';
import { stylesheet } from './report/stylesheet.ts';
import { trainingSection } from './report/training.ts';
import { troubleSection } from './report/trouble.ts';
import { counted, duration, moment } from './wording.ts';

/** The same record gives the same bytes. */
export async function reportHtml(record: RehearsalRecord): Promise<string> {
  const comparison = compare(record);
  const sections = [
    answerSection(comparison),
    setupSection(record, comparison),
    await comparisonSection(record, comparison),
    await calibrationSection(record, comparison),
    matrixSection(record, comparison),
    await sitesSection(record, comparison),
    await trainingSection(record),
    examplesSection(record),
    troubleSection(record),
    methodsSection(record, comparison),
    reproducibilitySection(record),
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<link rel="icon" href="data:,">
<title>${record.synthetic ? 'SYNTHETIC – ' : ''}${record.title}</title>
<style>${new Markup(stylesheet)}</style>
</head>
<body>
${record.synthetic ? syntheticBanner : ''}
<header class="page">
<p class="kicker">Consilium · rehearsal report</p>
<h1>${record.title}</h1>
<p class="facts">${moment(record.startedAt)} · ${counted(record.sites.length, 'site')} · ${counted(studyCount(record), 'study', 'studies')} · took ${duration(record.seconds)}</p>
</header>
<main>
${sections}
</main>
<footer class="page"><p>Made by Consilium from the record of the rehearsal.${record.synthetic ? ' Every patient in it is synthetic.' : ''} For research only; not a medical device.</p></footer>
</body>
</html>
`;
  return page.text;
}

const syntheticBanner = html`<aside class="synthetic" aria-label="Synthetic data">
<strong>Synthetic data</strong>
<span>No patient in this report exists. All images were generated to rehearse the work; the numbers say nothing about real tumours.</span>
</aside>
<div class="print-label" aria-hidden="true">SYNTHETIC DATA</div>`;

function studyCount(record: RehearsalRecord): number {
  return record.sites.reduce((sum, { studies }) => sum + studies.train + studies.validation + studies.test, 0);
}
