/** Two drawings: which data goes where, and from how many studies the results come. */
import { html, type Markup } from '../markup.ts';
import { table } from '../report/figure.ts';
import { counted, inText } from '../wording.ts';
import type { ProjectRecord } from './project-record.ts';

export function flowSection(record: ProjectRecord): Markup {
  return html`<section aria-labelledby="flow">
<h2 id="flow">Where the data went</h2>
<p class="lead">Images and labels stay within a hospital’s walls (grey). Only what stands on an arrow leaves.</p>
<figure><h3>Data flow</h3>${dataFlow(record)}</figure>
<h3 id="cases">From studies to results</h3>
${caseFlow(record)}
${flowTable(record)}
</section>`;
}

/** Boxes and arrows as plain SVG, with the same in words for those who cannot see it. */
function dataFlow({ sites }: ProjectRecord): Markup {
  const box = (x: number, y: number, title: string, lines: readonly string[], height = 66) => html`
<rect x="${x}" y="${y}" width="190" height="${height}" rx="6" fill="#fff" stroke="#5b6472"/>
<text x="${x + 95}" y="${y + 22}" text-anchor="middle" font-weight="600">${title}</text>
${lines.map((line, at) => html`<text x="${x + 95}" y="${y + 40 + 16 * at}" text-anchor="middle" font-size="12" fill="#5b6472">${line}</text>`)}`;
  const arrow = (x1: number, y1: number, x2: number, y2: number) =>
    html`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#0072b2" stroke-width="2" marker-end="url(#tip)"/>`;
  const words = (x: number, y: number, lines: readonly string[]) =>
    lines.map(
      (line, at) =>
        html`<text x="${x}" y="${y + 15 * at}" text-anchor="middle" font-size="12" fill="#0072b2">${line}</text>`,
    );
  return html`<div class="chart" role="img" aria-label="In each of ${sites.length} hospitals studies come through the door, where they are de-identified, into the archive; readers draw labels in the reading room; the site trains on images and labels. Between site and coordinator only numbers about the data, weights and scores travel. No image or label leaves a hospital."><svg viewBox="0 0 1040 330" font-size="14" fill="#1c2430" aria-hidden="true" style="max-width:1040px">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#0072b2"/></marker></defs>
<rect x="10" y="10" width="690" height="310" rx="10" fill="#f0f2f5" stroke="#d5dae1"/>
<text x="26" y="34" fill="#5b6472" font-weight="600">Each of ${counted(sites.length, 'hospital')}</text>
${box(30, 60, 'Scanner, PACS', ['studies with names'])}
${box(260, 60, 'Door and archive', ['de-identified,', 'pseudonyms, quality'])}
${box(490, 60, 'Site', ['trains and tests', 'on its own cases'])}
${box(260, 220, 'Reading room', ['readers draw, others', 'approve; models propose'])}
${arrow(220, 93, 258, 93)}${arrow(450, 93, 488, 93)}
${arrow(335, 128, 335, 218)}${arrow(375, 218, 375, 128)}
${words(290, 170, ['images'])}${words(432, 170, ['approved labels'])}
${box(840, 60, 'Coordinator', ['averages weights,', 'sees no image'])}
${arrow(682, 78, 838, 78)}${arrow(838, 108, 682, 108)}
${words(765, 44, ['numbers about data,', 'weights, scores'])}${words(765, 128, ['plan, graph, weights'])}
<path d="M585 128V253H452" fill="none" stroke="#0072b2" stroke-width="2" marker-end="url(#tip)"/>
${words(575, 272, ['the federated model, to propose'])}
</svg></div>`;
}

function caseFlow({ readings, sites }: ProjectRecord): Markup {
  const sum = (of: (flow: ProjectRecord['sites'][number]['flow']) => number) =>
    sites.reduce((total, { flow }) => total + of(flow), 0);
  const admitted = sum((flow) => flow.admitted);
  const excluded = new Map<string, number>();
  for (const { reason, studies } of sites.flatMap(({ flow }) => flow.excluded)) {
    excluded.set(reason, (excluded.get(reason) ?? 0) + studies);
  }
  const count = (phase: 'first' | 'second', how?: string) =>
    readings.filter((one) => one.phase === phase && (how === undefined || one.how === how)).length;
  const reasons = [...excluded].map(([reason, studies]) => html`<li>${inText(reason)}: ${studies}</li>`);
  const excludedSum = [...excluded.values()].reduce((total, studies) => total + studies, 0);
  return html`<div class="flow">
<div class="box"><b>${counted(admitted, 'study', 'studies')}</b> came into the archives of ${counted(sites.length, 'hospital')}</div>
<div class="aside">Excluded: <b>${excludedSum}</b>${reasons.length === 0 ? '' : html`<ul>${reasons}</ul>`}</div>
<div class="box"><b>${counted(admitted - excludedSum, 'study', 'studies')}</b> in the frozen cohorts, each read by hand and approved by a second person (${count('first')} readings)</div>
<div class="split">
<div class="box"><b>${sum(({ split }) => split.train)}</b> training</div>
<div class="box"><b>${sum(({ split }) => split.validation)}</b> validation, set aside for the gate of models too</div>
<div class="box"><b>${sum(({ split }) => split.test)}</b> test</div>
</div>
<div class="box">Training and test studies read again in the second phase: <b>${count('second', 'assisted')}</b> with a proposal, <b>${count('second', 'manual')}</b> by hand, where the model was not let to propose</div>
</div>`;
}

function flowTable({ sites }: ProjectRecord): Markup {
  const gateWords: Readonly<Record<string, string>> = {
    better: 'let to propose',
    'too-few-cases': 'not let: too few cases to judge',
    'not-better': 'not let: no better than nothing',
    'not-sure': 'not let: not surely better',
    'structure-worse': 'not let: a structure is worse',
  };
  const profile = ['scanner', 'sliceSpacingMm', 'contrastPhases', 'labelling'] as const;
  return table({
    caption: 'Studies by hospital, what makes it different, and whether the first model was let to propose there',
    head: [
      'Hospital',
      'Came in',
      'Excluded',
      'Training',
      'Validation',
      'Test',
      'Scanner',
      'Slices, mm',
      'Phases',
      'Labelling habit',
      'Gate',
    ],
    words: ['Scanner', 'Phases', 'Labelling habit', 'Gate'],
    rows: sites.map(({ flow, gate, name, profile: known }) => [
      ...[name, flow.admitted, flow.excluded.reduce((total, { studies }) => total + studies, 0)],
      ...[flow.split.train, flow.split.validation, flow.split.test],
      ...profile.map((key) => known[key] ?? '–'),
      gate === null ? '–' : `${gateWords[gate.reason] ?? gate.reason} (${counted(gate.cases, 'case')})`,
    ]),
  });
}
