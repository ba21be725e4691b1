/** A reliability diagram in a report: the picture, one sentence about the first model, and its numbers. */
import { responsiveChart } from '../figures/chart.ts';
import { reliabilitySpec } from '../figures/reliability-chart.ts';
import type { Markup } from '../markup.ts';
import { type ReliabilityBins, reliabilityPhrase, reliabilityPoints } from '../reliability.ts';
import { decimal, percent } from '../wording.ts';
import { figure } from './figure.ts';

export async function reliabilityFigure({
  models,
  region,
}: {
  /** As in a sentence: "tumour". */
  readonly region: string;
  /** The first is put into words below the picture. */
  readonly models: readonly {
    readonly name: string;
    readonly bins: ReliabilityBins;
    readonly colour: string;
    readonly shape: string;
  }[];
}): Promise<Markup> {
  const drawn = models.map(({ bins, ...rest }) => ({ ...rest, points: reliabilityPoints(bins) }));
  const texts = models.map(({ bins, name }) => `${name}: ${reliabilityPhrase(bins, region)}.`);
  return figure({
    title: `Reliability, ${region}`,
    picture: await responsiveChart(`Reliability diagram, ${region}. ${texts.join(' ')}`, (width) =>
      reliabilitySpec({ models: drawn }, width),
    ),
    caption: texts[0],
    numbers: {
      caption: `What the models say and how often they are right, ${region}`,
      head: ['Model', 'Says', 'Right in', 'Difference', 'Voxels'],
      rows: drawn.flatMap(({ name, points }) =>
        points.map(({ right, said, voxels }) => [name, percent(said), percent(right), decimal(right - said), voxels]),
      ),
    },
  });
}
