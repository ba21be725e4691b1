/** Reliability diagrams of an experiment's tested configurations, one a region, as SVG files with their numbers. */
import { standaloneSvg } from '../figures/chart.ts';
import { reliabilitySpec } from '../figures/reliability-chart.ts';
import { seriesShapes, siteColours } from '../palette.ts';
import { reliabilityPhrase, reliabilityPoints } from '../reliability.ts';
import { csvOf } from '../report/figure.ts';
import { inText } from '../wording.ts';
import type { ExperimentAnalysis } from './experiment-analysis.ts';

type Configurations = ExperimentAnalysis['configurations'];

const width = 460;
const caution =
  'On the dashed line a model is right as often as it says. Counted are voxels near the structure, of the sites with enough test patients to tell it.';

export function calibrationFigures(configurations: Configurations) {
  const regions = [...new Set(configurations.flatMap(({ reliability }) => Object.keys(reliability)))];
  return Promise.all(regions.map((region) => calibrationFigure(region, configurations)));
}

async function calibrationFigure(region: string, configurations: Configurations) {
  const named = inText(region);
  const told = configurations.flatMap(({ calibration, label, reliability: { [region]: bins } }, index) =>
    bins === undefined
      ? []
      : [
          {
            ...{ name: label, points: reliabilityPoints(bins), text: `${label}: ${reliabilityPhrase(bins, named)}` },
            error: calibration?.ece.mean ?? Number.POSITIVE_INFINITY,
            colour: siteColours[index % siteColours.length]!,
            shape: seriesShapes[index % seriesShapes.length]!,
          },
        ],
  );
  const rows = told.flatMap(({ name, points }) =>
    points.map(({ right, said, voxels }) => [name, said, right, voxels] as const),
  );
  const title = `Reliability diagram, ${named}`;
  const best = told.reduce((one, other) => (other.error < one.error ? other : one));
  return {
    name: `reliability-${region}`,
    svg: await standaloneSvg(
      `${title}. ${told.map(({ text }) => text).join('; ')}.`,
      reliabilitySpec({ models: told }, width),
    ),
    csv: csvOf([['configuration', 'says', 'right', 'voxels'], ...rows]),
    words: { title, finding: `The smallest calibration error is that of ${best.text}.`, caution },
  };
}
