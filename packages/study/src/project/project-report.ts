/** The report of a whole project: one HTML file that needs nothing else, from the answers down to each number’s origin. */
import { html, Markup } from '../markup.ts';
import { stylesheet } from '../report/stylesheet.ts';
import { counted } from '../wording.ts';
import { answersSection } from './answers.ts';
import { claimSection } from './claim.ts';
import { flowSection } from './flow.ts';
import { limitsSection, methodsSection, repeatSection } from './methods.ts';
import { projectFindings } from './project-findings.ts';
import type { ProjectRecord } from './project-record.ts';
import { effortSection, failuresSection, modelsSection, studiesSection } from './results.ts';
import { traceSection } from './trace.ts';

/** The same record gives the same bytes. */
export async function projectReportHtml(record: ProjectRecord): Promise<string> {
  const findings = projectFindings(record);
  const sections = [
    answersSection(record, findings),
    flowSection(record),
    await effortSection(record, findings),
    await modelsSection(record, findings),
    await studiesSection(record, findings),
    failuresSection(record),
    methodsSection(record),
    limitsSection(record),
    claimSection(record),
    traceSection(record),
    repeatSection(record),
  ];
  const admitted = record.sites.reduce((sum, { flow }) => sum + flow.admitted, 0);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<link rel="icon" href="data:,">
<title>${record.synthetic ? 'SYNTHETIC – ' : ''}${record.title}</title>
<style>${new Markup(stylesheet + projectStyle)}</style>
</head>
<body>
${record.synthetic ? banner : ''}
<header class="page" id="top">
<p class="kicker">Consilium · project report</p>
<h1>${record.title}</h1>
<p class="facts">${counted(record.sites.length, 'hospital')} · ${counted(admitted, 'study', 'studies')} · two phases of annotation · federated deep learning, no image left a hospital</p>
</header>
<main>
${sections}
</main>
<footer class="page"><p>Made by Consilium from the record of the project.${record.synthetic ? ' Every patient in it is synthetic, every reader simulated.' : ''} For research only; not a medical device.</p></footer>
</body>
</html>
`;
  return page.text;
}

const banner = html`<aside class="synthetic" aria-label="Synthetic data, simulated readers">
<strong>Synthetic data, simulated readers</strong>
<span>No patient in this report exists, and nobody read these images. The numbers say that the machinery works, and nothing about tumours or people.</span>
</aside>
<div class="print-label" aria-hidden="true">SYNTHETIC DATA, SIMULATED READERS</div>`;

const projectStyle = `
.answers .grid { margin-top: 18px; }
.answer-card { padding: 18px 22px 10px; background: var(--faint); border-radius: 10px; border-left: 8px solid var(--muted); }
.answer-card h3 { font-size: 18px; margin-bottom: 8px; }
.answer-card strong { font-size: 1.15em; }
.answer-card ul { margin: 0 0 10px; padding-left: 20px; }
.answer-card.verdict-yes { border-left-color: #0072b2; }
.answer-card.verdict-no { border-left-color: #d55e00; }
.trace { color: inherit; text-decoration: underline dotted; text-decoration-thickness: 1px; text-underline-offset: 3px; }
.stamp.inline { position: static; vertical-align: middle; white-space: nowrap; }
dl + .scroll, figure + .scroll, .grid + .scroll { margin-top: 20px; }
.flow { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); gap: 22px 28px; margin: 0 0 24px; max-width: 920px; }
.flow .box { position: relative; grid-column: 1; padding: 12px 16px; border: 1px solid var(--muted); border-radius: 6px; background: #fff; }
.flow > .box:not(:first-child)::before, .flow .split .box::before { content: "↓"; position: absolute; top: -24px; left: 50%; color: var(--muted); }
.flow .aside { grid-column: 2; align-self: center; padding: 10px 14px; border: 1px dashed var(--muted); border-radius: 6px; font-size: 14px; }
.flow .aside ul { margin: 4px 0 0; padding-left: 18px; }
.flow .split { grid-column: 1; display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px; }
.flow .split .box { grid-column: auto; font-size: 14px; }
section[aria-labelledby="claim"] td.words { min-width: 150px; }
:target { background: #fff4c2; }
@media (max-width: 680px) { .flow { grid-template-columns: minmax(0, 1fr); } .flow .aside { grid-column: 1; } }
@media print { .answer-card, .flow .box { break-inside: avoid; } a.trace { text-decoration: none; } }
`;
