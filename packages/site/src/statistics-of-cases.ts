/** What the site says about its training cases for statistics over all sites: how finely they are imaged, how large what was drawn is. */
import { join } from 'node:path';
import { statisticsTask } from '@consilium/federation';
import { voxelCount } from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';
import type { ContributionTo, Task } from '@consilium/protocol';
import type { Case } from '@consilium/training';
import { readJson, writeJsonDurably } from './json-file.ts';
import { secretSeed } from './ports/secret-seed.ts';
import type { TaskContext } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

/** The least and the greatest value of a range are moved outward by up to this share of it, whatever is asked. */
const widenedBy = 0.2;

export async function statisticsOfCases(
  task: Extract<Task, { kind: 'statistics' }>,
  { cohort, workDirectory, minimumCount }: Workplace,
  { signal, onProgress }: TaskContext,
): Promise<ContributionTo<'statistics'>> {
  const members = cohort.usable('train');
  const values: Record<string, number[]> = {};
  for (const [index, member] of members.entries()) {
    signal.throwIfAborted();
    await cohort.attempt(member, async () => {
      for (const [name, value] of Object.entries(numbersOf(await member.source.load()))) {
        values[name] = [...(values[name] ?? []), value];
      }
    });
    onProgress({ kind: 'case', done: index + 1, of: members.length });
  }
  const random = createRandom(await ownSeed(workDirectory), 'statistics');
  return statisticsTask(values, task, { minimumCount, widenedBy, random });
}

/** Volumes in ml of each class that was drawn; spacings in mm. */
function numbersOf({ image, label }: Case): Record<string, number> {
  const [slice, row, column] = image.geometry.spacingMm;
  const voxelMl = (slice * row * column) / 1000;
  const counts = new Map<number, number>();
  for (let index = 0; index < voxelCount(label.geometry); index++) {
    const value = Number(label.voxels[index]);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  counts.delete(0);
  return {
    'slice-spacing-mm': slice,
    'pixel-spacing-mm': column,
    'slice-count': image.geometry.size[0],
    ...Object.fromEntries([...counts].map(([value, count]) => [`class-${value}-volume-ml`, count * voxelMl])),
  };
}

/** Made once and never sent: the noise of an answer is the same each time, so that asking often does not average it out. */
async function ownSeed(workDirectory: string): Promise<number> {
  const path = join(workDirectory, 'statistics-seed.json');
  const kept = (await readJson(path)) as { seed: number } | undefined;
  if (kept !== undefined) return kept.seed;
  const seed = secretSeed();
  await writeJsonDurably(path, { seed });
  return seed;
}
