/** Whether the models' probabilities mean what they say; nothing where the record says nothing of it. */
import { type Arm, allRegions, type Comparison } from '../comparison.ts';
import { html, type Markup } from '../markup.ts';
import { armColours, armShapes } from '../palette.ts';
import type { RehearsalRecord } from '../record.ts';
import { reliabilityPhrase, summedReliability } from '../reliability.ts';
import { armNames, counted, regionName, withInterval } from '../wording.ts';
import { table } from './figure.ts';
import { reliabilityFigure } from './reliability-figure.ts';

const shownArms = ['federated', 'local', 'pooled'] as const satisfies readonly Arm[];

export async function calibrationSection(record: RehearsalRecord, comparison: Comparison): Promise<Markup> {
  const shown = shownArms.filter((arm) => comparison.calibration[arm][allRegions]!.ece.cases > 0);
  if (shown.length === 0) return html``;
  const reliability = new Map(shown.map((arm) => [arm, reliabilityOf(record, arm)]));
  const federated = reliability.get('federated') ?? {};
  const [last] = record.regions.filter(({ id }) => federated[id] !== undefined).slice(-1);
  return html`<section aria-labelledby="calibration">
<h2 id="calibration">Can its probabilities be believed?</h2>
${last === undefined ? '' : html`<p class="lead">${capitalised(reliabilityPhrase(federated[last.id]!, last.name, 'the federated model'))}.</p>`}
<div class="grid two">${await Promise.all(record.regions.map(({ id }) => regionFigure(record, reliability, id)))}</div>
${table({
  caption: 'How far probabilities are from what they say, by region and model; 0 is best',
  head: ['Model', 'Expected calibration error', 'Brier score', 'Cases'],
  rows: comparison.regionKeys.flatMap((key) => [
    regionName(record, key),
    ...shown.map((arm) => {
      const { brier, ece } = comparison.calibration[arm][key]!;
      return [armNames[arm], withInterval(ece), withInterval(brier), ece.cases];
    }),
  ]),
})}
<p class="note">On the dashed line a model is right as often as it says. Counted are the voxels within 10 mm of the box around the reference; of cases without the region nothing can be said. ${toldText(record)}</p>
</section>`;
}

/** Of all models of an arm, on the cases of all sites that tell it. */
function reliabilityOf({ jobs, reliability }: RehearsalRecord, arm: (typeof shownArms)[number]) {
  const models = jobs.filter(({ kind }) => kind === arm).map(({ id }) => id);
  return summedReliability(reliability.filter(({ model }) => models.includes(model)).map(({ regions }) => regions));
}

async function regionFigure(
  record: RehearsalRecord,
  reliability: ReadonlyMap<(typeof shownArms)[number], ReturnType<typeof reliabilityOf>>,
  region: string,
): Promise<Markup> {
  const models = [...reliability].flatMap(([arm, { [region]: bins }]) =>
    bins === undefined ? [] : [{ name: armNames[arm], bins, colour: armColours[arm], shape: armShapes[arm] }],
  );
  if (models.length === 0) return html``;
  return reliabilityFigure({ region: regionName(record, region).toLowerCase(), models });
}

function toldText({ reliability, sites }: RehearsalRecord): string {
  const telling = new Set(reliability.map(({ siteId }) => siteId)).size;
  if (telling === 0) return 'There are no diagrams: no site has enough test patients to tell counts of voxels.';
  const which = telling === sites.length ? 'all sites' : `${telling} of ${counted(sites.length, 'site')}`;
  return `The diagrams are over the voxels of the test cases of ${which}; a site tells counts only of regions that enough of its test patients have.`;
}

function capitalised(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
