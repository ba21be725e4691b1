/** How much energy the processors have used, as Linux tells of Intel's and AMD's counters (powercap, RAPL). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Counter {
  readonly microjoules: number;
  /** Where it begins again at 0. */
  readonly rangeMicrojoules: number;
}
export type EnergyReading = ReadonlyMap<string, Counter>;

const powercap = '/sys/class/powercap';

/** Of each processor package; empty where nobody may read it, as on most virtual machines. */
export async function readEnergy(directory = powercap): Promise<EnergyReading> {
  const names = await readdir(directory).catch(() => []);
  const packages = names.filter((name) => /^[a-z-]*rapl:\d+$/.test(name)).sort();
  const numberIn = async (name: string, file: string) => Number(await readFile(join(directory, name, file), 'utf8'));
  const counters = packages.map(async (name) => {
    try {
      const rangeMicrojoules = await numberIn(name, 'max_energy_range_uj');
      return [[name, { microjoules: await numberIn(name, 'energy_uj'), rangeMicrojoules }] as const];
    } catch {
      return [];
    }
  });
  return new Map((await Promise.all(counters)).flat());
}

/** Joules from one reading to the next; null where there is none. A counter that began again did so once. */
export function joulesBetween(before: EnergyReading, after: EnergyReading): number | null {
  if (before.size === 0 || before.size !== after.size) return null;
  let sum = 0;
  for (const [name, { microjoules, rangeMicrojoules }] of after) {
    const used = microjoules - before.get(name)!.microjoules;
    sum += used < 0 ? used + rangeMicrojoules : used;
  }
  return sum / 1e6;
}
