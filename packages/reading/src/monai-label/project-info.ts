/** `/info`: what the project draws, which models propose, how the next case is chosen. */

import { statsOf } from './datastore-routes.ts';
import { modelsOf } from './model-routes.ts';
import type { MonaiContext, MonaiTurn } from './monai-context.ts';
import { strategies } from './next-sample.ts';

export function infoOf(context: MonaiContext, turn: MonaiTurn): object {
  const { datastore } = context;
  const { structures, title } = datastore.protocol;
  return {
    name: title,
    description: `The reading project ${datastore.project}, by Consilium`,
    version: '1',
    // A list: OHIF's extension adds to it.
    labels: structures.toSorted((a, b) => a.number - b.number).map(({ name }) => name),
    models: modelsOf(context),
    // A hospital trains in jobs with others, so clients offer no training.
    trainers: {},
    strategies,
    scoring: { dice: { description: 'Dice of two tags, structure by structure' } },
    train_stats: {},
    datastore: statsOf(context, turn),
  };
}
