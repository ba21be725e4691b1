/** How two tags agree, structure by structure: what a model proposed with what was drawn of it. Never above 1. */
import { setImmediate } from 'node:timers/promises';
import { dice } from '@consilium/imaging';
import type { Asker } from '../asker.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { type Datastore, finalTag, originalTag } from './datastore.ts';

export interface DiceScores {
  /** Images that have both labels. */
  readonly images: number;
  /** By the structure's name: the mean over the images in which either label has it; undefined if none. */
  readonly structures: Readonly<Record<string, { readonly dice: number; readonly images: number } | undefined>>;
}

export interface ScoredTags {
  readonly y?: string;
  readonly y_pred?: string;
}

export async function diceBetweenTags(
  { datastore, room }: { datastore: Datastore; room: ReadingRoom },
  asker: Asker,
  { say, signal, tags }: { tags: ScoredTags; signal: AbortSignal; say: (line: string) => void },
): Promise<DiceScores> {
  const { project, protocol } = datastore;
  const sums = new Map(protocol.structures.map(({ name }) => [name, { total: 0, images: 0 }]));
  let images = 0;
  for (const { labels } of datastore.all(asker)) {
    if (signal.aborted) break;
    const [one, other] = [labels.get(tags.y ?? finalTag), labels.get(tags.y_pred ?? originalTag)];
    if (one === undefined || other === undefined) continue;
    images++;
    const [a, b] = [
      await room.label(asker, project, one.version.id),
      await room.label(asker, project, other.version.id),
    ];
    for (const { layer, name, number } of protocol.structures) {
      const [inOne, inOther] = [maskOf(a[layer], number), maskOf(b[layer], number)];
      if (!inOne.includes(1) && !inOther.includes(1)) continue;
      const sum = sums.get(name)!;
      sum.total += dice(inOne, inOther);
      sum.images++;
      // Others are served between two structures.
      await setImmediate();
    }
    say(`${images} images compared`);
  }
  const structures = Object.fromEntries(
    [...sums].map(([name, sum]) => [
      name,
      sum.images === 0 ? undefined : { dice: sum.total / sum.images, images: sum.images },
    ]),
  );
  for (const [name, score] of Object.entries(structures)) {
    say(
      score === undefined
        ? `${name}: in no image`
        : `${name}: mean Dice ${score.dice.toFixed(4)} of ${score.images} images`,
    );
  }
  return { images, structures };
}

/** Labels of an earlier protocol may have fewer layers. */
function maskOf(voxels: Uint8Array | undefined, number: number): Uint8Array {
  return (voxels ?? new Uint8Array()).map((value) => (value === number ? 1 : 0));
}
