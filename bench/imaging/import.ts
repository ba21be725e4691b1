/** How fast a folder is taken in, de-identified and durable. Medians of batches. The last line is JSON. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Archive, archiveSettingsSchema } from '@consilium/archive';
import { InstanceSeries } from './instance-series.ts';

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '4000' },
    batch: { type: 'string', default: '500' },
    side: { type: 'string', default: '256' },
    directory: { type: 'string', default: tmpdir() },
  },
});
const [instances, batch, side] = [values.instances, values.batch, values.side].map(Number) as [number, number, number];
const directory = mkdtempSync(join(values.directory, 'consilium-import-'));
const series = new InstanceSeries({ side });
const rates: number[] = [];
const cpuMs: number[] = [];
{
  await using archive = await Archive.open(join(directory, 'archive'), archiveSettingsSchema.parse({}), {});
  // The first one warms up, and does not count.
  for (let round = 0; round <= Math.ceil(instances / batch); round++) {
    const folder = join(directory, `${round}`);
    mkdirSync(folder);
    for (const [index, bytes] of series.batch(round + 1, batch).entries())
      writeFileSync(join(folder, `${index}`), bytes);
    const [cpuBefore, start] = [process.cpuUsage(), performance.now()];
    const { counts } = await archive.intake.importFolder(folder);
    const { user, system } = process.cpuUsage(cpuBefore);
    if (counts.stored !== batch) throw new Error(`${counts.stored} of ${batch} were stored`);
    if (round === 0) continue;
    rates.push((batch / (performance.now() - start)) * 1000);
    cpuMs.push((user + system) / 1000 / batch);
  }
}
rmSync(directory, { recursive: true });
const kib = (series.instanceBytes / 1024).toFixed(0);
console.log(`${instances} instances of ${kib} KiB, ${batch} a folder: ${median(cpuMs).toFixed(2)} ms CPU each`);
console.log(JSON.stringify({ name: 'archive-import', ours: median(rates), units: 'instances/s, median of folders' }));

function median(of: readonly number[]): number {
  const sorted = of.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
