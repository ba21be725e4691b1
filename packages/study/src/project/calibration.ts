/** Whether the probabilities of both models mean what they say; nothing where the record says nothing of it. */
import { html, type Markup } from '../markup.ts';
import { reliabilityPhrase } from '../reliability.ts';
import { reliabilityFigure } from '../report/reliability-figure.ts';
import { inText, signedWithInterval, withInterval } from '../wording.ts';
import { looksOf } from './model-results.ts';
import type { ProjectFindings } from './project-findings.ts';
import { traced } from './trace.ts';

export async function calibrationPart({ byLabels, labels }: ProjectFindings): Promise<Markup> {
  const told = labels.configurations.filter(({ calibration }) => calibration !== null);
  if (told.length === 0) return html``;
  const regions = [...new Set(told.flatMap(({ reliability }) => Object.keys(reliability)))];
  const figures = regions.map((region) => {
    const models = told.flatMap((each) => {
      const bins = each.reliability[region];
      return bins === undefined ? [] : [{ ...looksOf(each), bins }];
    });
    return reliabilityFigure({ region: inText(region), models: models.toReversed() });
  });
  const last = told.at(-1)!;
  const lastRegion = regions.filter((region) => last.reliability[region] !== undefined).at(-1);
  return html`<h3 id="calibration">Can its probabilities be believed?</h3>
${
  lastRegion === undefined
    ? ''
    : html`<p>Of the model of ${looksOf(last).name.toLowerCase()}: ${reliabilityPhrase(last.reliability[lastRegion]!, inText(lastRegion))}.</p>`
}
<p class="note">The difference between what a model says and how often it is right, mean over probabilities, near the structure (expected calibration error; 0 is best): ${told.map((each, at) => html`${at === 0 ? '' : '; '}${looksOf(each).name.toLowerCase()} ${traced(withInterval(each.calibration!.ece), each.jobs)}`)}.${
    byLabels === undefined || byLabels.eceDifference === null
      ? ''
      : ` Paired by case, corrected proposals less labels by hand: ${signedWithInterval(byLabels.eceDifference)}.`
  } On the dashed line a model is right as often as it says.</p>
<div class="grid two">${await Promise.all(figures)}</div>`;
}
