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
  'too-few': 'Too few patients to say.',
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
  const { mean, low, high, better, cases } = comparison.differences.local[allRegions]!;
  const federated = comparison.estimates.federated[allRegions]!;
  const local = comparison.estimates.local[allRegions]!;
  const on = `On ${counted(comparison.cases.length, 'test case')} from ${counted(siteCount(comparison), 'site')}`;
  const scores = html`a mean Dice of <b>${decimal(federated.mean)}</b>, against <b>${decimal(local.mean)}</b> for the sites’ own models`;
  const interval = (from: number, to: number): string => `95 % interval ${decimal(from)} to ${decimal(to)}`;
  const count = `scored higher in ${better} of ${cases} cases`;
  if (verdict === 'too-few') {
    return html`${on}, the federated model reached ${scores}. With ${counted(comparison.patientCount, 'test patient')}, the intervals
below mean little. It ${count}.`;
  }
  if (verdict === 'not-shown') {
    return html`${on}, the federated model reached ${scores}. The difference of ${signed(mean)} (${interval(low, high)}) could
be due to the choice of test patients. It ${count}.`;
  }
  return verdict === 'yes'
    ? html`${on}, the federated model reached ${scores}: a gain of <b>${decimal(mean)}</b> (${interval(low, high)}). It ${count}.`
    : html`${on}, the federated model reached only ${scores}: a loss of <b>${decimal(-mean)}</b> (${interval(-high, -low)}). It ${count}.`;
}

/** Nothing for an arm that nobody asked for; the federated model and the sites' own are always asked for. */
function card(comparison: Comparison, arm: Arm, explanation: string): Markup {
  const { mean, low, high, cases } = comparison.estimates[arm][allRegions]!;
  if (cases === 0 && arm === 'pooled') return html``;
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
    return [
      html`<b>${lead}:</b> ${direction(difference, other, mean)}${opponent === 'pooled' ? gapClosed(comparison) : ''}`,
    ];
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

/** How much of what pooling would gain over the sites' own models federation gains; said only of a gain worth sharing. */
function gapClosed(comparison: Comparison): string {
  const mean = (arm: Arm): number => comparison.estimates[arm][allRegions]!.mean;
  const whole = mean('pooled') - mean('local');
  const part = mean('federated') - mean('local');
  if (!(whole > 0.02 && part > 0 && part <= whole)) return '';
  return ` Federation brought ${Math.round((100 * part) / whole)} % of what pooling brings over the sites’ own models.`;
}

function caution(comparison: Comparison): string {
  if (comparison.patientCount >= fewPatients || comparison.patientCount === 0) return '';
  return `With only ${counted(comparison.patientCount, 'test patient')}, the intervals themselves are rough.`;
}

function siteCount(comparison: Comparison): number {
  return new Set(comparison.cases.map((one) => one.siteId)).size;
}
