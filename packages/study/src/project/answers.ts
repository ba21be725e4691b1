/** The four questions of the project, answered first, each with how sure one can be. */
import type { Estimate } from '../bootstrap.ts';
import { html, type Markup } from '../markup.ts';
import { counted, decimal, percent, signed } from '../wording.ts';
import { configurationOf, type ProjectFindings } from './project-findings.ts';
import type { ProjectRecord } from './project-record.ts';
import { fromReadings, traced } from './trace.ts';

/** Fewer patients than this make a bootstrap interval itself unreliable. */
const fewPatients = 20;

type Verdict = 'yes' | 'no' | 'not-shown' | 'too-few' | 'unknown';
const openings: Readonly<Record<Verdict, string>> = {
  yes: 'Yes.',
  no: 'No.',
  'not-shown': 'Not shown.',
  'too-few': 'Too few patients to say.',
  unknown: 'Cannot be said.',
};

export function answersSection(record: ProjectRecord, findings: ProjectFindings): Markup {
  return html`<section class="answers" aria-labelledby="answers">
<h2 id="answers">What was asked, and what was found</h2>
<div class="grid two">
${fasterCard(record, findings)}
${betterCard(findings)}
${studiesCard(findings)}
${networkCard(findings)}
</div>
<p class="note">Dice measures how much a segmentation overlaps the reference: 0 is no overlap, 1 is a perfect match. Brackets hold the 95 % interval,
which says how far a number could move with other patients from the same hospitals; it does not cover another training run. A
<span class="trace">dotted underline</span> leads to where a number comes from.</p>
</section>`;
}

/** Of a difference of which less than zero is good, if `lessIsBetter`. */
function verdictOf({ cases, high, low }: Estimate, patients: number, { lessIsBetter = false } = {}): Verdict {
  if (cases === 0) return 'unknown';
  if (patients < fewPatients) return 'too-few';
  if (lessIsBetter ? high < 0 : low > 0) return 'yes';
  return (lessIsBetter ? low > 0 : high < 0) ? 'no' : 'not-shown';
}

function card(question: string, verdict: Verdict | null, answer: Markup): Markup {
  const opening = verdict === null ? '' : html`<strong>${openings[verdict]}</strong> `;
  return html`<div class="answer-card verdict-${verdict ?? 'told'}"><h3>${question}</h3><p>${opening}${answer}</p></div>`;
}

function fasterCard(record: ProjectRecord, { effort: { seen, unseen } }: ProjectFindings): Markup {
  const simulated = record.readerModel === null ? '' : html` <span class="stamp inline">SIMULATED</span>`;
  const question = 'Was annotation faster with a model’s proposals?';
  if (unseen.paired === null) {
    return card(
      question,
      'unknown',
      html`No case of the test part was read both by hand and with a proposal.${simulated}`,
    );
  }
  const { cases, minutes } = unseen.paired;
  const byHand = unseen.minutes.manual.mean;
  const verdict = verdictOf(minutes, cases, { lessIsBetter: true });
  const also =
    seen.paired === null
      ? ''
      : html` On the patients that the model had been trained on it was ${fromReadings(interval(seen.paired.minutes, 1))} minutes.`;
  return card(
    question,
    verdict,
    html`On ${counted(cases, 'case')} of patients that the model had never seen, reading by hand took <b>${fromReadings(decimal(byHand, 1))}</b> minutes a case;
with a proposal the difference was ${fromReadings(interval(minutes, 1))} minutes: ${percent(Math.abs(minutes.mean) / byHand)} ${minutes.mean < 0 ? 'less' : 'more'}.${also}${simulated}`,
  );
}

function betterCard({ byLabels, labels }: ProjectFindings): Markup {
  const question = 'Is the model better that was trained on corrected proposals?';
  if (byLabels === undefined) return card(question, 'unknown', html`One of the two models did not come to its test.`);
  const [first, second] = [configurationOf(labels, byLabels.first), configurationOf(labels, byLabels.second)];
  const { difference } = byLabels;
  return card(
    question,
    verdictOf(difference, labels.testPatients),
    html`Same studies, same split, same settings, only the training labels differ. On ${counted(labels.testCases, 'test case')} the mean Dice was
<b>${traced(decimal(second.test!.mean), second.jobs)}</b> with corrected proposals and <b>${traced(decimal(first.test!.mean), first.jobs)}</b> with labels by hand:
${traced(interval(difference, 3), [...second.jobs, ...first.jobs])} (permutation test, p ${pText(byLabels.permutation.p)}).`,
  );
}

function studiesCard({ studies }: ProjectFindings): Markup {
  const question = 'How many studies does a hospital need?';
  const told = studies.curves.flatMap(({ configurations, curve, label, needed }) => {
    if (curve.kind === 'too-few-sizes') return [];
    const jobs = studies.configurations
      .filter((one) => configurations.includes(one.configuration))
      .flatMap((one) => one.jobs);
    const { ceiling } = curve.law;
    const largest = curve.measured.at(-1)!;
    const reachable = needed.flatMap(({ answer, score }) => (answer.kind === 'reachable' ? [{ answer, score }] : []));
    const beyond = needed.find(({ answer }) => answer.kind === 'not-reachable');
    const asked = [
      ...reachable.map(
        ({ answer, score }) =>
          html`Dice ${score} needs about ${traced(studiesText(answer.studies), jobs)} (${studiesText(answer.low)} to ${answer.high === null ? 'no upper end' : studiesText(answer.high)}${answer.extrapolated ? '; extrapolated' : ''})`,
      ),
      ...(beyond === undefined ? [] : [html`no number of studies alone brings it to ${beyond.score}`]),
    ];
    return [
      html`<li><b>${label}:</b> ${decimal(largest.mean)} with ${decimal(largest.studies, 0)} training studies a hospital; the fitted curve levels off at ${decimal(ceiling)}${asked.length === 0 ? '' : html`; ${join(asked)}`}.</li>`,
    ];
  });
  if (told.length === 0)
    return card(question, 'unknown', html`Three numbers of studies are needed for a learning curve; there are fewer.`);
  return card(question, null, html`A power law was fitted to the models of three numbers of studies. <ul>${told}</ul>`);
}

/** Of each hospital. */
function studiesText(count: number): string {
  return count > 100_000 ? 'more than 100 000' : decimal(count, count < 10 ? 1 : 0);
}

function networkCard({ byNetwork, studies }: ProjectFindings): Markup {
  const question = 'Which architecture?';
  const last = byNetwork.at(-1)?.comparison;
  if (last === undefined) return card(question, 'unknown', html`Fewer than two architectures came to their test.`);
  const [first, second] = [configurationOf(studies, last.first), configurationOf(studies, last.second)];
  const { difference } = last;
  const isShown = difference.low > 0 || difference.high < 0;
  const better = difference.mean > 0 ? second : first;
  const opening =
    studies.testPatients < fewPatients
      ? html`<strong>Too few patients to say.</strong> `
      : isShown
        ? html`<strong>${networkName(better.label)}.</strong> `
        : html`<strong>No difference shown.</strong> `;
  return card(
    question,
    null,
    html`${opening}With all training studies, ${networkName(second.label)} reached ${traced(decimal(second.test!.mean), second.jobs)} and ${networkName(first.label)} ${traced(decimal(first.test!.mean), first.jobs)}:
a difference of ${traced(interval(difference, 3), [...second.jobs, ...first.jobs])} (p ${pText(last.pHolm)} after Holm’s correction).`,
  );
}

export function networkName(label: string): string {
  return /network ([^,]+)/.exec(label)?.[1] ?? label;
}

export function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
}

function interval({ high, low, mean }: Estimate, digits: number): Markup {
  return html`<b>${signed(mean, digits)}</b> (${signed(low, digits)} to ${signed(high, digits)})`;
}

function join(parts: readonly Markup[]): Markup {
  return html`${parts.map((part, at) => (at === 0 ? part : html`; ${part}`))}`;
}
