/** The answer first: did federation pay off, by how much, and how sure can one be. */
import { type Arm, allRegions, type Comparison, type Opponent, type PairedDifference } from '../comparison.ts';
import { html, type Markup } from '../markup.ts';
import { armColours } from '../palette.ts';
import { type Verdict, verdictOf } from '../verdict.ts';
import { armNames, counted, decimal, signed } from '../wording.ts';

/** Fewer test patients than this make a bootstrap interval itself unreliable. */
const fewPatients = 20;

const openings: Readonly<Record<Verdict, string>> = {
  yes: 'Yes.',
  no: 'No.',
  'not-shown': 'Not shown.',
  unknown: 'Cannot be said.',
};

export function answerSection(comparison: Comparison): Markup {
  const verdict = verdictOf(comparison);
  return html`<section class="answer verdict-${verdict}" aria-labelledby="answer">
<h2 id="answer">Did federation pay off?</h2>
<p class="verdict"><strong>${openings[verdict]}</strong> ${mainSentence(comparison, verdict)}</p>
<div class="cards">
${card(comparison, 'federated', 'one model, trained by all sites; no image left a site')}
${card(comparison, 'local', 'each site on its own; mean over these models')}
${card(comparison, 'pooled', 'all images in one place: the upper bound')}
</div>
<ul class="findings">
${findings(comparison).map((finding) => html`<li>${finding}</li>`)}
</ul>
<p class="note">Dice measures how much a segmentation overlaps the reference: 0 is no overlap, 1 is a perfect match. Brackets hold the
95 % interval, which says how far the number could move with other test patients from the same sites; it does not cover
another training run. ${caution(comparison)}</p>
</section>`;
}

function mainSentence(comparison: Comparison, verdict: Verdict): Markup {
  if (verdict === 'unknown') {
    return html`There are no test scores of both a federated model and sites’ own models to compare.`;
  }
  const difference = comparison.differences.local[allRegions]!;
  const federated = comparison.estimates.federated[allRegions]!;
  const local = comparison.estimates.local[allRegions]!;
  const on = `On ${counted(comparison.cases.length, 'test case')} from ${counted(siteCount(comparison), 'site')}`;
  const reach = html`a mean Dice of <b>${decimal(federated.mean)}</b>, the sites’ own models <b>${decimal(local.mean)}</b>`;
  const gap = html`${signed(difference.mean)} (95 % interval ${signed(difference.low)} to ${signed(difference.high)})`;
  const count = `It scored higher in ${difference.better} of ${difference.cases} cases.`;
  if (verdict === 'not-shown') {
    return html`${on}, the federated model reached ${reach}. The difference of ${gap} is compatible with none. ${count}`;
  }
  const word = verdict === 'yes' ? 'better' : 'worse';
  return html`${on}, the federated model did ${word} than the sites’ own models: it reached ${reach}; a difference of ${gap}. ${count}`;
}

function card(comparison: Comparison, arm: Arm, explanation: string): Markup {
  const { mean, low, high, cases } = comparison.estimates[arm][allRegions]!;
  const interval = cases === 0 ? 'not tested' : `95 % interval ${decimal(low)} to ${decimal(high)}`;
  return html`<div class="card" style="--arm: ${armColours[arm]}">
<h3>${armNames[arm]}</h3>
<p class="number">${decimal(mean)}</p>
<p class="interval">${interval}</p>
<p class="explanation">${explanation}</p>
</div>`;
}

function findings(comparison: Comparison): Markup[] {
  const sentences: [Opponent, string, string][] = [
    ['local-elsewhere', 'On other sites’ patients', 'a site’s own model used at the other sites'],
    ['local-at-home', 'On a site’s own patients', 'the model which that site trained alone'],
    ['pooled', 'Against pooling all images', 'the pooled model'],
  ];
  return sentences.flatMap(([opponent, lead, other]) => {
    const difference = comparison.differences[opponent][allRegions]!;
    if (difference.cases === 0) return [];
    const mean = comparison.estimates[opponent][allRegions]!.mean;
    return [html`<b>${lead}:</b> ${direction(difference, other, mean)}`];
  });
}

function direction(difference: PairedDifference, other: string, mean: number): Markup {
  const size = html`${signed(difference.mean)} (${signed(difference.low)} to ${signed(difference.high)})`;
  const count = `higher in ${difference.better} of ${difference.cases} cases`;
  if (difference.low > 0)
    return html`the federated model is better than ${other} (${decimal(mean)}): ${size}; ${count}.`;
  if (difference.high < 0)
    return html`the federated model is worse than ${other} (${decimal(mean)}): ${size}; ${count}.`;
  return html`no difference shown between the federated model and ${other} (${decimal(mean)}): ${size}; ${count}.`;
}

function caution(comparison: Comparison): string {
  if (comparison.patientCount >= fewPatients) return '';
  return `With only ${counted(comparison.patientCount, 'test patient')}, the intervals themselves are rough.`;
}

function siteCount(comparison: Comparison): number {
  return new Set(comparison.cases.map((one) => one.siteId)).size;
}
