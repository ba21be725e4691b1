/** Slices of real series, some at a time. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Catalogue, fileSource } from '@consilium/archive';
import { loadVolume, readVolumes } from '@consilium/imaging';
import { expect, it } from 'vitest';
import { SeriesVolumes } from './series-volumes.ts';

const data = process.env['CONSILIUM_TEST_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
if (!existsSync(data)) console.log('Slices of real series are not read: there is no ../shared/data.');

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(data, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.dcm'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Whether the files are one volume; if so, that its slices come out as those of the whole. */
async function comesInSlices(paths: readonly string[]): Promise<boolean> {
  const sources = await Promise.all(paths.map(fileSource));
  const { volumes } = await readVolumes(sources);
  if (volumes.length !== 1) return false;
  const catalogue = { filesOf: () => ({ format: 'dicom', paths }) } as unknown as Catalogue;
  const series = await new SeriesVolumes(catalogue).open('real');
  const [depth, rows, columns] = series.geometry.size;
  const { image } = await loadVolume(volumes[0]!, sources);
  expect(series.geometry).toEqual(image.geometry);
  for (let from = 0, step = 9; from < depth; from += step) {
    const to = Math.min(from + step, depth);
    const wanted = Int16Array.from(image.voxels.subarray(from * rows * columns, to * rows * columns), Math.round);
    const found = await series.slices(from, to);
    expect([found.length, found.findIndex((value, at) => value !== wanted[at])]).toEqual([wanted.length, -1]);
  }
  return true;
}

it.skipIf(!existsSync(data))('are those of the whole volume, of one file a slice and of one for all', async () => {
  const paths = filesIn('ct/ge_gantry_tilt');
  const { volumes: found } = await readVolumes(await Promise.all(paths.map(fileSource)));
  const largest = found.toSorted((a, b) => b.slices.length - a.slices.length)[0]!;
  expect(await comesInSlices(largest.slices.map(({ source }) => paths[source]!))).toBe(true);
  let volumes = 0;
  for (const path of filesIn('dicom/enhanced')) if (await comesInSlices([path])) volumes++;
  expect(volumes).toBeGreaterThan(0);
});
